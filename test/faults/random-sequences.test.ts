import { randomInt } from 'node:crypto';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { plan } from './support/plan.ts';
import { faultSequences, formatSequence } from './support/random-sequence.ts';
import { runSequence } from './support/run-sequence.ts';
import { suite } from './support/suite.ts';
import { provisionedTargets } from './support/target.ts';

const SEQUENCES = 200;
const seed = Number(process.env['FAULTS_SEED'] ?? randomInt(2 ** 31));
process.stdout.write(`Random sequences of seed ${seed}: FAULTS_SEED=${seed} repeats them.\n`);

const cases = fc
  .sample(faultSequences(provisionedTargets.length), { numRuns: SEQUENCES, seed })
  .map((sequence, n) => ({
    ...sequence,
    name: `sequence ${n}: ${formatSequence(sequence, provisionedTargets)}`,
  }));

suite('a random sequence of faults', cases, {
  run: async (sequence, finalChecks) => runSequence(sequence, await plan(), finalChecks),
  check: (broken) => expect(broken).toEqual([]),
  sample: 50,
});
