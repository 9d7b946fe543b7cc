import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { expect } from '@jest/globals';
import { targets } from './targets.ts';

/**
 * In the sample of `npm test`, the files of the suite use the targets alternately, in the order of their names, unless
 * `FAULTS_TARGET` selects one target for all of them. Runs before the test file, whose modules read the variable.
 */
const { testPath = '' } = expect.getState();
const files = readdirSync(dirname(testPath))
  .filter((name) => name.endsWith('.test.ts'))
  .sort();
if (process.env['FAULTS'] === 'sample') {
  const position = files.indexOf(basename(testPath));
  process.env['FAULTS_TARGET'] ??= targets[position % targets.length];
  // The sample of the matrix runs at two targets, of which one is healthy.
  if (basename(testPath) === 'matrix.test.ts')
    process.env['FAULTS_BESIDE'] ??= targets[(position + 1) % targets.length];
}
