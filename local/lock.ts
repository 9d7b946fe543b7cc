import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from 'proper-lockfile';
import type { CommandError } from '../cli/support/command-error.ts';
import { guarded } from './interrupt.ts';

/** Milliseconds after which the lock of a killed process expires. */
const STALE = 20_000;

/**
 * Runs a function that two processes must not run at once in one folder. A second process waits, or fails with `heldError`.
 * The lock is released when `run` succeeds or fails.
 * @throws CommandError `heldError`, if it is given and another process holds the lock
 */
export async function exclusively<Result>(
  directory: string,
  run: () => Promise<Result>,
  { heldError }: { heldError?: CommandError } = {},
): Promise<Result> {
  await mkdir(directory, { recursive: true });
  const release = await lock(directory, {
    lockfilePath: join(directory, 'lock'),
    stale: STALE,
    retries: heldError === undefined ? { forever: true, minTimeout: 200, maxTimeout: 1_000 } : 0,
  }).catch((error: unknown) => {
    const isHeld = error instanceof Error && 'code' in error && error.code === 'ELOCKED';
    throw isHeld && heldError !== undefined ? heldError : error;
  });
  return guarded(release, async () => {
    try {
      return await run();
    } finally {
      await release();
    }
  });
}
