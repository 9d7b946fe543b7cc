import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Accepted, accept } from '../support/acceptance.ts';
import { independentDefects } from '../support/defects.ts';
import { newRequest, provision } from '../support/deployed.ts';

/**
 * Tests of the acceptance: on a system with several defects, its checks detect each defect and report no other failure;
 * after the repair, they pass. `npm run test:acceptance` runs the whole acceptance (acceptance-whole.test.ts).
 */

/** The checks without the longest ones: removals that wait for a time, and a burst. test:acceptance runs those. */
const SHORT_CHECKS = [
  'health',
  'provisioning',
  'passwords',
  'refusals',
  'removal/stopped-provisioning',
  'notification/delivered',
  'assumed',
  'signals',
  'operations/alarms',
];
const expectedFailures = [...new Set(independentDefects.flatMap(({ detectedBy }) => detectedBy))].sort();

let withDefects: Accepted;
let repaired: Accepted;

/** The time limit of a check: a multiple of the current duration of a provisioning on this computer. */
async function checkTimeout(): Promise<string> {
  const startedAt = Date.now();
  await provision(newRequest());
  return `${Math.max(12, Math.ceil(((Date.now() - startedAt) / 1000) * 8))}s`;
}

beforeAll(async () => {
  const repairs: (() => Promise<unknown>)[] = [];
  try {
    for (const { seed } of independentDefects) repairs.push(await seed());
    // Metrics have a resolution of one minute, so earlier provisionings must not increase them.
    withDefects = await accept(['--timeout', await checkTimeout(), '--only', ...SHORT_CHECKS]);
  } finally {
    for (const repair of repairs) await repair();
  }
  repaired = await accept(['--timeout', '2m', '--only', ...expectedFailures]);
}, 600_000);

describe('npm run acceptance', () => {
  it.each(independentDefects)('detects that $name', ({ detectedBy }) => {
    expect(withDefects.failed).toEqual(expect.arrayContaining([...detectedBy]));
  });

  it('reports no other failure, and removes its users', () => {
    expect([withDefects.failed, withDefects.output]).toEqual([expectedFailures, expect.any(String)]);
    expect(withDefects.passed).toContain('cleanup');
    expect(withDefects.passed.length).toBeGreaterThan(20);
  });

  it('lists the checks that it could not run', () => {
    expect(withDefects.notChecked).toEqual(
      expect.arrayContaining(['refusals/missing-api-key', 'signals/x-ray']),
    );
  });

  it('prints its counts last, and exits with status 1 after a failure', () => {
    expect([withDefects.status, withDefects.lastLine]).toEqual([
      1,
      `${withDefects.passed.length} passed, ${expectedFailures.length} failed`,
    ]);
  });

  it('passes after the repair', () => {
    expect(repaired.failed.length === 0 || repaired.output).toBe(true);
    expect([repaired.passed, repaired.status]).toEqual([[...expectedFailures, 'cleanup'].sort(), 0]);
    expect(repaired.lastLine).toBe(`${expectedFailures.length + 1} passed, 0 failed`);
  });
});
