import { randomInt } from 'node:crypto';
import { afterAll, expect } from '@jest/globals';
import fc from 'fast-check';
import { plan } from './support/plan.ts';
import { pause } from './support/provisioning.ts';
import { faultSequences, formatSequence } from './support/random-sequence.ts';
import { type RegistryChange, withRegistryChange } from './support/registry.ts';
import { runSequence } from './support/run-sequence.ts';
import { suite } from './support/suite.ts';
import { targets } from './support/targets.ts';

/**
 * Random sequences of faults, stops, crashes and DELETE at three targets, while deployments of App1 change its registry: the
 * last target is retired, gone, or not registered, and is registered again.
 */

const WALKS = 200;
const seed = Number(process.env['FAULTS_SEED'] ?? randomInt(2 ** 31));
process.stdout.write(`Random walks of seed ${seed}: FAULTS_SEED=${seed} repeats them.\n`);

const CHANGED = targets[2];

const cases = fc
  .sample(faultSequences(targets.length), { numRuns: WALKS, seed })
  .map((sequence, n) => ({ ...sequence, name: `walk ${n}: ${formatSequence(sequence, targets)}` }));

/** Number of changes. `npm test` makes one: after each, all functions of App1 start again. */
const CHANGES = process.env['FAULTS'] === 'sample' ? 1 : 24;

/** Changes of the registry, in their order. */
const changes = fc
  .sample(
    fc.shuffledSubarray<RegistryChange>(['retired', 'gone', 'removed'], { minLength: 3, maxLength: 3 }),
    { numRuns: CHANGES, seed },
  )
  .flat()
  .slice(0, CHANGES);

/** Time for which a deployment is in effect, in milliseconds: that of a few steps. */
const IN_EFFECT_MS = 4_000;

let isFinished = false;

async function changeRegistry(): Promise<void> {
  for (const change of changes) {
    if (isFinished) return;
    await withRegistryChange(CHANGED, change, () => pause(IN_EFFECT_MS));
    await pause(IN_EFFECT_MS);
  }
}

let changing: Promise<void> | undefined;

suite('a random walk over three targets', cases, {
  async run(sequence, finalChecks) {
    const planned = await plan({ targets });
    changing ??= changeRegistry();
    return runSequence(sequence, planned, finalChecks, { gone: [CHANGED] });
  },
  check: (broken) => expect(broken).toEqual([]),
  sample: 25,
});

afterAll(async () => {
  isFinished = true;
  await changing;
});
