import { setTimeout } from 'node:timers/promises';

/**
 * A busy machine may take its time; but what fails since nothing is corrected need not be waited for as long.
 * Milliseconds.
 */
const PATIENCE = process.env['LOCAL_AWS_CORRECTIONS'] === 'off' ? 4_000 : 15_000;

/**
 * Asks again, after a pause, until the expectations hold; after `within` the last failure is thrown. Milliseconds.
 */
export async function eventually<T>(ask: () => Promise<T>, within = PATIENCE, pause = 50): Promise<T> {
  const end = Date.now() + within;
  for (;;) {
    try {
      return await ask();
    } catch (failure) {
      if (Date.now() > end) throw failure;
      await setTimeout(pause);
    }
  }
}
