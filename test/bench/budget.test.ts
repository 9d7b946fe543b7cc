import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { budgetOf, transitionLimit } from '../../bench/budget.ts';
import { MAX_TARGETS_PER_REQUEST } from '../../contracts/app1-api.ts';
import { machine, type States, successfulPath } from '../../workflows/asl.ts';

const golden = join(import.meta.dirname, '..', 'workflows', 'golden');
const machineOf = (name: string): States =>
  machine.parse(JSON.parse(readFileSync(join(golden, `${name}.asl.json`), 'utf8')));

/**
 * Transitions of an execution that succeeds: its start, and each state that it enters.
 * @param iterations number of iterations of each Map
 */
function transitionsOf(states: States, iterations: number): number {
  const entered = (path: ReturnType<typeof successfulPath>): number =>
    path.reduce(
      (sum, [, one]) =>
        // The path has one iteration of each Map.
        sum + 1 + (one.Type === 'Map' ? (iterations - 1) * successfulPath(one.ItemProcessor).length : 0),
      0,
    );
  return 1 + entered(successfulPath(states));
}

const numbersOfTargets = Array.from({ length: MAX_TARGETS_PER_REQUEST }, (_, n) => n + 1);

describe('the budget of a provisioning', () => {
  it.each(numbersOfTargets)('has the state transitions of the workflows at %i targets', (targets) => {
    const atApp1 = transitionsOf(machineOf('ProvisionServiceUser'), targets);
    const atTarget = transitionsOf(machineOf('CreateServiceUser'), 1);

    expect(budgetOf(targets).transitions).toBe(atApp1 + targets * atTarget);
  });

  it('has at most 17 state transitions at one target, and 39 at three', () => {
    expect([transitionLimit(1), transitionLimit(3)]).toEqual([17, 39]);
    for (const targets of numbersOfTargets)
      expect(budgetOf(targets).transitions).toBeLessThanOrEqual(transitionLimit(targets));
  });
});
