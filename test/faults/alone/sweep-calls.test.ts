import { expect } from '@jest/globals';
import { eventually } from '../../local-aws/support/eventually.ts';
import { fromFunction, sweepCalls } from '../matrix/calls.ts';
import { effectOf, type Fault, faults } from '../matrix/faults.ts';
import { denyCalls, findCall } from '../support/call-rules.ts';
import { waitForFailedRollBack, waitForState, waitUntilFinished } from '../support/executions.ts';
import { provision } from '../support/interruption-points.ts';
import { interventions, kill, recycle } from '../support/interventions.ts';
import { violations, waitForOutcome } from '../support/oracle.ts';
import { inSequence } from '../support/parallel.ts';
import { type PlannedProvisioning, plan } from '../support/plan.ts';
import { cancel, post } from '../support/provisioning.ts';
import { type InjectedFaults, inject } from '../support/proxy.ts';
import { type FinalChecks, suite } from '../support/suite.ts';
import { runSweep } from '../support/sweeps.ts';
import { targetFunction } from '../support/target.ts';

/**
 * Faults of the calls by which the sweeps find executions. A failed run loses nothing: the next successful run finds the
 * executions that only a sweep can find.
 */
interface Sweep {
  functionName: string;
  /** Leaves a provisioning whose roll-back only this sweep starts or repeats. */
  leaveForSweep: () => Promise<PlannedProvisioning>;
}

const sweeps: Sweep[] = [
  {
    functionName: 'app1-sweep-provisionings',
    async leaveForSweep() {
      const planned = await plan();
      const injected = await inject(denyCalls('start-roll-back states:DescribeExecution')(planned), {
        ...findCall('SetPassword cognito-idp:AdminSetUserPassword').match(planned),
        latency: 2_400,
        times: 1,
      });
      await post(planned, planned.key);
      await waitForState('CreateServiceUser', planned.id, 'SetPassword');
      await interventions.stop('ProvisionServiceUser', planned.id);
      // Lambda makes three attempts of the function of the rule.
      await eventually(async () => expect(await injected.timesFired()).toEqual([3, 1]), 60_000);
      await injected.lift();
      return planned;
    },
  },
  {
    functionName: targetFunction('sweep-user-creations'),
    async leaveForSweep() {
      const planned = await plan();
      await provision(planned);
      const refused = await inject(denyCalls('DeleteUser cognito-idp:AdminGetUser by name')(planned));
      await cancel(planned.id);
      await waitForFailedRollBack('RollBackServiceUser', planned.id);
      await refused.lift();
      return planned;
    },
  },
];

interface SweepCase {
  name: string;
  sweep: Sweep;
  call: (typeof sweepCalls)[number];
}

const all = Object.keys(faults) as Fault[]; // keys of a const object

/**
 * Leaves a failure that both services have recorded as clean. Runs read its record for some minutes, unless they have
 * cached its outcome.
 */
async function leaveCleanFailure(finalChecks: FinalChecks): Promise<void> {
  const planned = await plan();
  const refused = await inject(denyCalls('AddToGroup cognito-idp:AdminAddUserToGroup')(planned));
  await post(planned, planned.key);
  await waitUntilFinished('ProvisionServiceUser', planned.id);
  await refused.lift();
  finalChecks.addProvisioning(planned, 'absent');
}

/** Whether a run succeeds, by fault of the call, once and always, and after a crash. */
async function completions({ sweep: { functionName }, call }: SweepCase): Promise<Record<string, boolean>> {
  const completed: Record<string, boolean> = {};
  const runWith = async (
    name: string,
    rule: Parameters<typeof inject>[0],
    meanwhile?: (injected: InjectedFaults) => Promise<void>,
  ): Promise<void> => {
    await recycle(functionName);
    const injected = await inject(rule);
    try {
      const succeeded = runSweep(functionName).then(
        () => true,
        () => false,
      );
      await meanwhile?.(injected);
      completed[name] = await succeeded;
      expect(await injected.allFired()).toBe(true);
    } finally {
      await injected.lift();
    }
  };
  const match = { service: call.service, operation: call.operation, ...fromFunction(functionName) };
  const effects = all.map((fault) => [fault, effectOf(fault, { to: `${call.service}:` })] as const);
  for (const [fault, effect] of effects) await runWith(`${fault}, always`, { ...match, ...effect });
  await runWith('crash', { ...match, latency: 2_400, times: 1 }, async (injected) => {
    await injected.waitUntilFired(120_000);
    await kill(functionName, '');
  });
  for (const [fault, effect] of effects)
    if (fault !== 'permanent error') await runWith(`${fault}, once`, { ...match, ...effect, times: 1 });
  return completed;
}

for (const sweep of sweeps) {
  const cases: SweepCase[] = sweepCalls.map((call) => ({
    name: `${sweep.functionName} ${call.operation}`,
    sweep,
    call,
  }));
  suite('a fault in a call of a sweep', cases, {
    async run(row, finalChecks) {
      if (row.call.caller === 'best effort') await leaveCleanFailure(finalChecks);
      const planned = await sweep.leaveForSweep();
      const completed = await completions(row);
      await runSweep(sweep.functionName);
      const broken = await violations(planned, { rollBackLater: true });
      const { user } = await waitForOutcome(planned.id);
      finalChecks.addProvisioning(planned, user);
      return { completed, broken, user };
    },
    check: ({ completed, broken, user }, { call: { caller } }) => {
      const expected = Object.fromEntries([
        ...all.map((fault) => [`${fault}, always`, caller === 'best effort']),
        ...all.filter((fault) => fault !== 'permanent error').map((fault) => [`${fault}, once`, true]),
        ['crash', false],
      ]);
      expect(completed).toEqual(expected);
      expect(broken).toEqual([]);
      expect(user).toBe('absent');
    },
    sample: 6,
    schedule: inSequence,
  });
}
