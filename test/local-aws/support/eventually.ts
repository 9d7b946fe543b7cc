import { setTimeout } from 'node:timers/promises';

/** Asks again until the expectations hold; after `within` milliseconds the last failure is thrown. */
export async function eventually<T>(ask: () => Promise<T>, within = 4_000): Promise<T> {
  const end = Date.now() + within;
  for (;;) {
    try {
      return await ask();
    } catch (failure) {
      if (Date.now() > end) throw failure;
      await setTimeout(50);
    }
  }
}
