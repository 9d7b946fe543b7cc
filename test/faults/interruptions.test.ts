import { expect } from '@jest/globals';
import { findExecution } from './support/executions.ts';
import {
  type InterruptionPoint,
  interruptAt,
  interruptionPoints,
  planFor,
} from './support/interruption-points.ts';
import type { Intervention } from './support/interventions.ts';
import { iterationPoints } from './support/iteration-points.ts';
import { violations, waitForOutcome } from './support/oracle.ts';
import { suite } from './support/suite.ts';
import { runSweepsSoon } from './support/sweeps.ts';

/** Step Functions runs no Catch of an execution that is stopped or times out. */
interface Interruption {
  name: string;
  point: InterruptionPoint;
  by: Intervention;
}

const cases: Interruption[] = [...interruptionPoints, ...iterationPoints].flatMap((point) =>
  (['stop', 'time out'] as const).map((by) => ({
    name: `${by} of ${point.machine} in ${point.state}`,
    point,
    by,
  })),
);

/** Expected status at App1; the user is absent in each case. */
function expectedOf({ point: { machine, cancelledAt }, by }: Interruption): string {
  if (machine.startsWith('RollBack'))
    return cancelledAt === undefined ? 'SUCCEEDED, absent' : 'ABORTED, absent';
  const status = by === 'stop' ? 'ABORTED' : 'TIMED_OUT';
  return machine === 'ProvisionServiceUser' ? `${status}, absent` : 'FAILED, absent';
}

suite('an interruption', cases, {
  async run({ point, by }, finalChecks) {
    const planned = await planFor(point);
    await interruptAt(point, by, planned);
    const interrupted = (await findExecution(point.machine, planned.id))?.status ?? 'absent';
    // No rule covers roll-backs: the sweep starts the next one.
    if (point.machine.startsWith('RollBack')) await runSweepsSoon();
    const broken = await violations(planned, { within: 180_000 });
    const { status, user } = await waitForOutcome(planned.id);
    finalChecks.addProvisioning(planned, user);
    return { broken, interrupted, status: `${status}, ${user}` };
  },
  check: (result, interruption) => {
    expect(result).toEqual({
      broken: [],
      interrupted: interruption.by === 'stop' ? 'ABORTED' : 'TIMED_OUT',
      status: expectedOf(interruption),
    });
  },
  sample: 17,
});
