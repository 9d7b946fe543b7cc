import { setTimeout } from 'node:timers/promises';

/**
 * A busy machine may take its time; but what fails since nothing is corrected need not be waited for as long.
 * Milliseconds.
 */
const PATIENCE = process.env['LOCAL_AWS_CORRECTIONS'] === 'off' ? 4_000 : 15_000;

/** The poll interval grows to a twentieth of the elapsed time, up to this number of milliseconds. */
const LONGEST_PAUSE = 500;

/**
 * Asks again, after a pause, until the expectations hold; after `within` the last failure is thrown. The pauses grow, as
 * asking takes the machine from what is waited for. Milliseconds.
 */
export async function eventually<T>(ask: () => Promise<T>, within = PATIENCE, pause = 50): Promise<T> {
  const startedAt = Date.now();
  for (;;) {
    try {
      return await ask();
    } catch (failure) {
      const waited = Date.now() - startedAt;
      if (waited > within) throw failure;
      await setTimeout(Math.max(pause, Math.min(waited / 20, LONGEST_PAUSE)));
    }
  }
}
