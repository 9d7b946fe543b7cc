import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Accepted, accept } from '../support/acceptance.ts';
import { independentDefects } from '../support/defects.ts';
import { newRequest, provision } from '../support/deployed.ts';

/**
 * The acceptance is itself tested: on a system with several defects, of which each has to be noticed by its checks and by
 * no other, and on the same system once it is mended. test:acceptance runs all of it (acceptance-whole.test.ts).
 */

/** What takes longest is left to test:acceptance: removals that are proved by time, and a burst. */
const QUICK = [
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
const noticed = [...new Set(independentDefects.flatMap(({ noticedBy }) => noticedBy))].sort();

let spoiled: Accepted;
let mended: Accepted;

/** How long a check waits for what will not come: for many times as long as a provisioning takes on this machine now. */
async function patience(): Promise<string> {
  const begun = Date.now();
  await provision(newRequest());
  return `${Math.max(12, Math.ceil(((Date.now() - begun) / 1000) * 8))}s`;
}

beforeAll(async () => {
  const mends: (() => Promise<unknown>)[] = [];
  try {
    for (const { seed } of independentDefects) mends.push(await seed());
    // Metrics are counted by minutes, so nothing may be done before that counts.
    spoiled = await accept(['--timeout', await patience(), '--only', ...QUICK]);
  } finally {
    for (const mend of mends) await mend();
  }
  mended = await accept(['--timeout', '2m', '--only', ...noticed]);
}, 600_000);

describe('npm run acceptance', () => {
  it.each(independentDefects)('notices that $name', ({ noticedBy }) => {
    expect(spoiled.failed).toEqual(expect.arrayContaining([...noticedBy]));
  });

  it('finds fault with nothing else, and leaves nothing behind', () => {
    expect([spoiled.failed, spoiled.output]).toEqual([noticed, expect.any(String)]);
    expect(spoiled.passed).toContain('cleanup');
    expect(spoiled.passed.length).toBeGreaterThan(20);
  });

  it('says what it could not check', () => {
    expect(spoiled.notChecked).toEqual(expect.arrayContaining(['refusals/missing-api-key', 'signals/x-ray']));
  });

  it('ends with its counts, and a status that says whether something has failed', () => {
    expect([spoiled.status, spoiled.last]).toEqual([
      1,
      `${spoiled.passed.length} passed, ${noticed.length} failed`,
    ]);
  });

  it('finds fault with nothing once all of it is mended', () => {
    expect(mended.failed.length === 0 || mended.output).toBe(true);
    expect([mended.passed, mended.status]).toEqual([[...noticed, 'cleanup'].sort(), 0]);
    expect(mended.last).toBe(`${noticed.length + 1} passed, 0 failed`);
  });
});
