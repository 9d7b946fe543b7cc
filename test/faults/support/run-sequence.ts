import type { FaultRule } from '../../../local/harness/faults/rules.ts';
import type { System } from '../../../local/system.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { calls, functionAt } from '../matrix/calls.ts';
import { effectOf } from '../matrix/faults.ts';
import { delayState } from './call-rules.ts';
import { type DeployedTarget, system, targetNamed } from './deployed.ts';
import { findExecution } from './executions.ts';
import { interventions, kill } from './interventions.ts';
import { type Allowance, targetsGone, violations, waitForOutcome } from './oracle.ts';
import { at, type PlannedProvisioning } from './plan.ts';
import { createUnrelatedUser, deleteUserOf } from './pool.ts';
import { cancel, deprovision, postOnce } from './provisioning.ts';
import { inject } from './proxy.ts';
import type { Disturbance, FaultSequence } from './random-sequence.ts';
import type { FinalChecks } from './suite.ts';
import { runSweepsSoon } from './sweeps.ts';

/**
 * Runs a sequence from the request to the outcome.
 * @param allowed deviations that the case causes in addition
 * @returns violations of the invariants
 */
export async function runSequence(
  sequence: FaultSequence,
  planned: PlannedProvisioning,
  finalChecks: FinalChecks,
  allowed: Allowance = {},
): Promise<string[]> {
  const identifiersOf = (n: number) => at(planned, planned.targets[n] ?? '');
  const rules = sequence.faults.map(
    ({ call, fault, times, at: n }): FaultRule => ({
      ...call.match(identifiersOf(n)),
      ...effectOf(fault, call),
      times,
    }),
  );
  const delays = await inject(
    ...sequence.disturbances.flatMap(({ state, at: n }) => delayState(state, identifiersOf(n))),
  );
  const injected = await inject(...rules);
  let replaced = false;
  try {
    const disturbing = Promise.all(
      sequence.disturbances.map(async (disturbance) => {
        const where = targetNamed(planned.targets[disturbance.at] ?? '');
        if (await reachesState(disturbance.state, planned, where))
          replaced = (await disturb(disturbance, planned, where, finalChecks)) || replaced;
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
  const broken = await afterSweeps(planned, { ...allowed, replaced });
  const { user } = await waitForOutcome(planned.id);
  // Nothing is known about the user at a target that was registered as gone.
  finalChecks.addProvisioning(planned, (await targetsGone(planned)).length > 0 ? 'unknown' : user);
  return broken;
}

/** Violations after up to five sweeps: a roll-back that started during the faults fails, and the next sweep repeats it. */
async function afterSweeps(planned: PlannedProvisioning, allowed: Allowance): Promise<string[]> {
  for (let round = 1; ; round += 1) {
    await runSweepsSoon();
    const broken = await violations(planned, { within: 60_000, rollBackLater: true, ...allowed });
    if (broken.length === 0 || round === 5) return broken;
  }
}

/** Whether the provisioning enters a state within 15 s; not every sequence reaches it. */
async function reachesState(
  state: string,
  { id }: PlannedProvisioning,
  where: DeployedTarget,
): Promise<boolean> {
  return eventually(async () => {
    const runs = await Promise.all(
      (['ProvisionServiceUser', 'CreateServiceUser'] as const).map((machine) =>
        where.system.states(machine, id),
      ),
    );
    if (!runs.flat().some(({ name }) => name === state)) throw new Error(`${state} has not been entered.`);
    return true;
  }, 15_000).catch(() => false);
}

/** Applies a disturbance; returns whether it may have deleted or replaced the user. */
async function disturb(
  { action, state }: Disturbance,
  planned: PlannedProvisioning,
  where: DeployedTarget,
  finalChecks: FinalChecks,
): Promise<boolean> {
  const { id, username } = planned;
  switch (action) {
    case 'kill':
      await killIn(state, planned, where);
      return false;
    case 'stop App1':
    case 'time out App1':
      await intervene(action === 'stop App1' ? 'stop' : 'time out', 'ProvisionServiceUser', id);
      return false;
    case 'stop App2':
    case 'time out App2':
      await intervene(action === 'stop App2' ? 'stop' : 'time out', 'CreateServiceUser', id, where.system);
      return false;
    case 'DELETE':
      await system.deprovision(id);
      return false;
    case 'POST again':
      await postOnce(planned, planned.key);
      return false;
    case 'user deleted':
      await deleteUserOf(id, username, where);
      return true;
    case 'user replaced':
      await deleteUserOf(id, username, where);
      // A user with this name may exist again.
      await createUnrelatedUser(username, where).then(
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
  of: System = system,
): Promise<void> {
  if ((await findExecution(machine, id, of))?.status !== 'RUNNING') return;
  // It may have finished meanwhile.
  await interventions[intervention](machine, id, of).catch(() => undefined);
}

/** Crashes the function that runs a state, if it runs. */
async function killIn(state: string, { id }: PlannedProvisioning, { name }: DeployedTarget): Promise<void> {
  const call = calls.find(
    ({ by, functionName, http }) => by === state && (functionName ?? http) !== undefined,
  );
  const functionName = call?.http ? 'app1-call-target' : call?.functionName;
  if (functionName !== undefined) await kill(functionAt(name, functionName), id).catch(() => undefined);
}
