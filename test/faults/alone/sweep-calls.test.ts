import { expect } from '@jest/globals';
import { eventually } from '../../local-aws/support/eventually.ts';
import { madeBy, sweepCalls } from '../matrix/calls.ts';
import { effectOf, type Fault, faults } from '../matrix/faults.ts';
import { entered, executionEnded, rollBackFailed } from '../support/executions.ts';
import { callNamed, refusal } from '../support/holds.ts';
import { interventions, kill, recycle } from '../support/interventions.ts';
import { type Planned, plan } from '../support/known.ts';
import { endOf, violations } from '../support/oracle.ts';
import { inSequence } from '../support/parallel.ts';
import { provisioned } from '../support/places.ts';
import { cancel, post } from '../support/provisioning.ts';
import { type Injected, inject } from '../support/proxy.ts';
import { type Aftermath, suite } from '../support/suite.ts';
import { sweepOf } from '../support/sweeps.ts';

/**
 * What the sweeps call to know what there is. A run that fails loses nothing: what only a sweep can find is found by
 * the next one that does not fail.
 */
interface Sweep {
  functionName: string;
  /** Leaves a provisioning behind whose roll-back nobody begins, or tries again, but this sweep. */
  missed: () => Promise<Planned>;
}

const sweeps: Sweep[] = [
  {
    functionName: 'app1-sweep-provisionings',
    async missed() {
      const planned = await plan();
      const unseen = await inject(refusal('start-roll-back states:DescribeExecution')(planned), {
        ...callNamed('SetPassword cognito-idp:AdminSetUserPassword').match(planned),
        latency: 2_400,
        times: 1,
      });
      await post(planned, planned.key);
      await entered('CreateServiceUser', planned.id, 'SetPassword');
      await interventions.stop('ProvisionServiceUser', planned.id);
      // Lambda tries the function of the rule three times.
      await eventually(async () => expect(await unseen.times()).toEqual([3, 1]), 60_000);
      await unseen.lift();
      return planned;
    },
  },
  {
    functionName: 'app2-sweep-user-creations',
    async missed() {
      const planned = await plan();
      await provisioned(planned);
      const refused = await inject(refusal('DeleteUser cognito-idp:AdminGetUser by name')(planned));
      await cancel(planned.id);
      await rollBackFailed('RollBackServiceUser', planned.id);
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
 * Leaves failures behind that both services have recorded as clean. Runs look them up for some minutes, unless they
 * remember to have described them.
 */
async function failedClean(aftermath: Aftermath): Promise<void> {
  const planned = await plan();
  const refused = await inject(refusal('AddToGroup cognito-idp:AdminAddUserToGroup')(planned));
  await post(planned, planned.key);
  await executionEnded('ProvisionServiceUser', planned.id);
  await refused.lift();
  aftermath.ended(planned, 'absent');
}

/** Whether a run came to its end with each fault of the call, once and for ever, and with a crash in it. */
async function completions({ sweep: { functionName }, call }: SweepCase): Promise<Record<string, boolean>> {
  const completed: Record<string, boolean> = {};
  const tryOut = async (
    name: string,
    rule: Parameters<typeof inject>[0],
    meanwhile?: (injected: Injected) => Promise<void>,
  ): Promise<void> => {
    await recycle(functionName);
    const injected = await inject(rule);
    try {
      const swept = sweepOf(functionName).then(
        () => true,
        () => false,
      );
      await meanwhile?.(injected);
      completed[name] = await swept;
      expect(await injected.allFired()).toBe(true);
    } finally {
      await injected.lift();
    }
  };
  const match = { service: call.service, operation: call.operation, ...madeBy(functionName) };
  const effects = all.map((fault) => [fault, effectOf(fault, { to: `${call.service}:` })] as const);
  for (const [fault, effect] of effects) await tryOut(`${fault}, for ever`, { ...match, ...effect });
  await tryOut('crash', { ...match, latency: 2_400, times: 1 }, async (injected) => {
    await injected.met(120_000);
    await kill(functionName, '');
  });
  for (const [fault, effect] of effects)
    if (fault !== 'permanent error') await tryOut(`${fault}, once`, { ...match, ...effect, times: 1 });
  return completed;
}

for (const sweep of sweeps) {
  const cases: SweepCase[] = sweepCalls.map((call) => ({
    name: `${sweep.functionName} ${call.operation}`,
    sweep,
    call,
  }));
  suite('a sweep whose call fails', cases, {
    async run(one, aftermath) {
      if (one.call.caller === 'best effort') await failedClean(aftermath);
      const planned = await sweep.missed();
      const completed = await completions(one);
      await sweepOf(sweep.functionName);
      const broken = await violations(planned, { rollBackLater: true });
      const { user } = await endOf(planned.id);
      aftermath.ended(planned, user);
      return { completed, broken, user };
    },
    check: ({ completed, broken, user }, { call: { caller } }) => {
      const expected = Object.fromEntries([
        ...all.map((fault) => [`${fault}, for ever`, caller === 'best effort']),
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
