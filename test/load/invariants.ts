import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import type { Burst } from './run.ts';

/** How many are looked at beside each other. */
const AT_ONCE = 4 * availableParallelism();

/**
 * All that contradicts I1 to I6 about the provisionings of a burst, by the oracle of the failure suite. The oracle finds
 * the system by `LOCAL_AWS_DIR`, which is set first.
 */
export async function brokenInvariants(directory: string, { asked, begun }: Burst): Promise<string[]> {
  process.env['LOCAL_AWS_DIR'] = directory;
  const { violations, readableSecrets } = await import('../faults/support/oracle.ts');
  const limit = pLimit(AT_ONCE);
  const found = await Promise.all(asked.map((one) => limit(() => violations(one, { within: 600_000 }))));
  return [...found.flat(), ...(await readableSecrets(asked, begun))];
}
