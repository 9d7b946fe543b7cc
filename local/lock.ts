import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from 'proper-lockfile';
import type { CommandError } from '../cli/support/command-error.ts';
import { guarded } from './interrupt.ts';

/** Time after which the lock of a process that was killed is free again, in milliseconds. */
const STALE = 20_000;

/**
 * Runs something that two processes must not do at once in one folder. The second one waits, or is refused with
 * `busy`. The lock is given back however `run` ends.
 * @throws CommandError `busy`, when another process is at it
 */
export async function exclusively<Result>(
  directory: string,
  run: () => Promise<Result>,
  { busy }: { busy?: CommandError } = {},
): Promise<Result> {
  await mkdir(directory, { recursive: true });
  const release = await lock(directory, {
    lockfilePath: join(directory, 'lock'),
    stale: STALE,
    retries: busy === undefined ? { forever: true, minTimeout: 200, maxTimeout: 1_000 } : 0,
  }).catch((error: unknown) => {
    const isHeld = error instanceof Error && 'code' in error && error.code === 'ELOCKED';
    throw isHeld && busy !== undefined ? busy : error;
  });
  return guarded(release, async () => {
    try {
      return await run();
    } finally {
      await release();
    }
  });
}
