import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import type { Burst } from './run.ts';

/** Number of provisionings that are checked at the same time. */
const MAX_CONCURRENT_CHECKS = 4 * availableParallelism();

/**
 * Violations of I1 to I6 by the provisionings of a burst, from the oracle of the failure suite. The oracle finds the
 * system by `LOCAL_AWS_DIR` and `FAULTS_TARGET`, which this function sets first.
 */
export async function invariantViolations(
  directory: string,
  { requests, startedAt }: Burst,
): Promise<string[]> {
  process.env['LOCAL_AWS_DIR'] = directory;
  process.env['FAULTS_TARGET'] = 'app2';
  const { violations, readableSecrets } = await import('../faults/support/oracle.ts');
  const limit = pLimit(MAX_CONCURRENT_CHECKS);
  const found = await Promise.all(
    requests.map((request) => limit(() => violations(request, { within: 600_000 }))),
  );
  return [...found.flat(), ...(await readableSecrets(requests, startedAt))];
}
