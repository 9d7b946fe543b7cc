import { setTimeout } from 'node:timers/promises';

/**
 * Asks again, after a pause, until the expectations hold; after `within` the last failure is thrown. Milliseconds.
 */
export async function eventually<T>(ask: () => Promise<T>, within = 4_000, pause = 50): Promise<T> {
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
