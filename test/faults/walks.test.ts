import { randomInt } from 'node:crypto';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { FaultRule } from '../../local/harness/faults/rules.ts';
import { system } from '../e2e/support/deployed.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { effectOf } from './matrix/faults.ts';
import { execution } from './support/executions.ts';
import { holdOf } from './support/holds.ts';
import { interventions } from './support/interventions.ts';
import { type Planned, plan } from './support/known.ts';
import { endOf, violations } from './support/oracle.ts';
import { deleteUserOf, makeForeignUser } from './support/pool.ts';
import { cancel, deprovision, postOnce } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { type Aftermath, suite } from './support/suite.ts';
import { sweepSoon } from './support/sweeps.ts';
import { type Disturbance, told, type Walk, walk } from './support/walk.ts';

const WALKS = 200;
const seed = Number(process.env['FAULTS_SEED'] ?? randomInt(2 ** 31));
process.stdout.write(`Random walks of seed ${seed}: FAULTS_SEED=${seed} plays them again.\n`);

const walks = fc
  .sample(walk, { numRuns: WALKS, seed })
  .map((one, n) => ({ ...one, name: `walk ${n}: ${told(one)}` }));

async function run(one: Walk, aftermath: Aftermath): Promise<string[]> {
  const planned = await plan();
  const rules = one.faults.map(
    ({ call, fault, times }): FaultRule => ({ ...call.match(planned), ...effectOf(fault, call), times }),
  );
  const held = await inject(...one.disturbances.flatMap(({ state }) => holdOf(state, planned)));
  const faulted = await inject(...rules);
  let replaced = false;
  try {
    const disturbing = Promise.all(
      one.disturbances.map(async (disturbance) => {
        if (await metState(disturbance.state, planned))
          replaced = (await disturb(disturbance, planned, aftermath)) || replaced;
      }),
    );
    await eventually(async () => {
      const { status } = await postOnce(planned, planned.key);
      if (status !== 202) throw new Error(`App1 answers with ${status}.`);
    }, 90_000);
    await disturbing;
    if (one.deprovisioned) await cancel(planned.id);
    await endOf(planned.id, 20_000).catch(() => undefined);
  } finally {
    await faulted.lift();
    await held.lift();
  }
  if (one.deprovisioned) await deprovision(planned.id, 300_000);
  const broken = await afterSweeps(planned, replaced);
  aftermath.ended(planned, (await endOf(planned.id)).user);
  return broken;
}

/** What a sweep starts may have begun before the faults were over, and then the next one starts it again. */
async function afterSweeps(planned: Planned, replaced: boolean): Promise<string[]> {
  for (let round = 1; ; round += 1) {
    await sweepSoon();
    const broken = await violations(planned, { within: 60_000, rollBackLater: true, replaced });
    if (broken.length === 0 || round === 5) return broken;
  }
}

/** Whether a state was entered while there was time; a walk need not come to it. */
async function metState(state: string, { id }: Planned): Promise<boolean> {
  return eventually(async () => {
    const runs = await Promise.all(
      (['ProvisionServiceUser', 'CreateServiceUser'] as const).map((machine) => system.states(machine, id)),
    );
    if (!runs.flat().some(({ name }) => name === state)) throw new Error(`${state} is not entered.`);
    return true;
  }, 15_000).catch(() => false);
}

/** Says whether the user that was made may be somebody else's now, or nobody's. */
async function disturb({ what }: Disturbance, planned: Planned, aftermath: Aftermath): Promise<boolean> {
  const { id, username } = planned;
  switch (what) {
    case 'stop App1':
    case 'time out App1':
      await intervene(what === 'stop App1' ? 'stop' : 'time out', 'ProvisionServiceUser', id);
      return false;
    case 'stop App2':
    case 'time out App2':
      await intervene(what === 'stop App2' ? 'stop' : 'time out', 'CreateServiceUser', id);
      return false;
    case 'DELETE':
      await system.deprovision(id);
      return false;
    case 'POST again':
      await postOnce(planned, planned.key);
      return false;
    case 'user deleted':
      await deleteUserOf(id, username);
      return true;
    case 'user replaced':
      await deleteUserOf(id, username);
      // Somebody of this name may have come back meanwhile.
      await makeForeignUser(username).then(
        (user) => aftermath.foreign(user),
        () => undefined,
      );
      return true;
  }
}

/** What has ended, or not begun, cannot be stopped. */
async function intervene(
  how: keyof typeof interventions,
  machine: 'ProvisionServiceUser' | 'CreateServiceUser',
  id: string,
): Promise<void> {
  if ((await execution(machine, id))?.status !== 'RUNNING') return;
  await interventions[how](machine, id).catch(() => undefined);
}

suite('a random walk', walks, {
  run,
  check: (broken) => expect(broken).toEqual([]),
  sample: 25,
});
