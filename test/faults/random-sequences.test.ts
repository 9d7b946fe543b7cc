import { randomInt } from 'node:crypto';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { FaultRule } from '../../local/harness/faults/rules.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { effectOf } from './matrix/faults.ts';
import { delayState } from './support/call-rules.ts';
import { system } from './support/deployed.ts';
import { findExecution } from './support/executions.ts';
import { interventions } from './support/interventions.ts';
import { violations, waitForOutcome } from './support/oracle.ts';
import { type PlannedProvisioning, plan } from './support/plan.ts';
import { createUnrelatedUser, deleteUserOf } from './support/pool.ts';
import { cancel, deprovision, postOnce } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import {
  type Disturbance,
  type FaultSequence,
  faultSequences,
  formatSequence,
} from './support/random-sequence.ts';
import { type FinalChecks, suite } from './support/suite.ts';
import { runSweepsSoon } from './support/sweeps.ts';

const SEQUENCES = 200;
const seed = Number(process.env['FAULTS_SEED'] ?? randomInt(2 ** 31));
process.stdout.write(`Random sequences of seed ${seed}: FAULTS_SEED=${seed} repeats them.\n`);

const cases = fc
  .sample(faultSequences, { numRuns: SEQUENCES, seed })
  .map((sequence, n) => ({ ...sequence, name: `sequence ${n}: ${formatSequence(sequence)}` }));

async function run(sequence: FaultSequence, finalChecks: FinalChecks): Promise<string[]> {
  const planned = await plan();
  const rules = sequence.faults.map(
    ({ call, fault, times }): FaultRule => ({ ...call.match(planned), ...effectOf(fault, call), times }),
  );
  const delays = await inject(...sequence.disturbances.flatMap(({ state }) => delayState(state, planned)));
  const injected = await inject(...rules);
  let replaced = false;
  try {
    const disturbing = Promise.all(
      sequence.disturbances.map(async (disturbance) => {
        if (await reachesState(disturbance.state, planned))
          replaced = (await disturb(disturbance, planned, finalChecks)) || replaced;
      }),
    );
    await eventually(async () => {
      const { status } = await postOnce(planned, planned.key);
      if (status !== 202) throw new Error(`App1 responded with ${status}.`);
    }, 90_000);
    await disturbing;
    if (sequence.deprovisioned) await cancel(planned.id);
    await waitForOutcome(planned.id, 20_000).catch(() => undefined);
  } finally {
    await injected.lift();
    await delays.lift();
  }
  if (sequence.deprovisioned) await deprovision(planned.id, 300_000);
  const broken = await afterSweeps(planned, replaced);
  finalChecks.addProvisioning(planned, (await waitForOutcome(planned.id)).user);
  return broken;
}

/** Violations after up to five sweeps: a roll-back that started during the faults fails, and the next sweep repeats it. */
async function afterSweeps(planned: PlannedProvisioning, replaced: boolean): Promise<string[]> {
  for (let round = 1; ; round += 1) {
    await runSweepsSoon();
    const broken = await violations(planned, { within: 60_000, rollBackLater: true, replaced });
    if (broken.length === 0 || round === 5) return broken;
  }
}

/** Whether the provisioning enters a state within 15 s; not every sequence reaches it. */
async function reachesState(state: string, { id }: PlannedProvisioning): Promise<boolean> {
  return eventually(async () => {
    const runs = await Promise.all(
      (['ProvisionServiceUser', 'CreateServiceUser'] as const).map((machine) => system.states(machine, id)),
    );
    if (!runs.flat().some(({ name }) => name === state)) throw new Error(`${state} has not been entered.`);
    return true;
  }, 15_000).catch(() => false);
}

/** Applies a disturbance; returns whether it may have deleted or replaced the user. */
async function disturb(
  { action }: Disturbance,
  planned: PlannedProvisioning,
  finalChecks: FinalChecks,
): Promise<boolean> {
  const { id, username } = planned;
  switch (action) {
    case 'stop App1':
    case 'time out App1':
      await intervene(action === 'stop App1' ? 'stop' : 'time out', 'ProvisionServiceUser', id);
      return false;
    case 'stop App2':
    case 'time out App2':
      await intervene(action === 'stop App2' ? 'stop' : 'time out', 'CreateServiceUser', id);
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
      // A user with this name may exist again.
      await createUnrelatedUser(username).then(
        (user) => finalChecks.addUnrelatedUser(user),
        () => undefined,
      );
      return true;
  }
}

/** Interrupts an execution if it runs. */
async function intervene(
  intervention: keyof typeof interventions,
  machine: 'ProvisionServiceUser' | 'CreateServiceUser',
  id: string,
): Promise<void> {
  if ((await findExecution(machine, id))?.status !== 'RUNNING') return;
  await interventions[intervention](machine, id).catch(() => undefined);
}

suite('a random sequence of faults', cases, {
  run,
  check: (broken) => expect(broken).toEqual([]),
  sample: 25,
});
