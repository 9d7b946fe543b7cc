import { ExecutionNotRedrivable, RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import { expect } from '@jest/globals';
import type { Machine } from '../../local/system.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { denyCalls } from './support/call-rules.ts';
import { system, targetsOf } from './support/deployed.ts';
import { findExecution, waitUntilFinished } from './support/executions.ts';
import { interruptAt, interruptionPoints, planFor, provision } from './support/interruption-points.ts';
import { iterationPoints, twoTargets } from './support/iteration-points.ts';
import { violations, waitForOutcome } from './support/oracle.ts';
import { type PlannedProvisioning, plan } from './support/plan.ts';
import { cancel, deprovision, post } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { type FinalChecks, suite } from './support/suite.ts';
import { runSweepsSoon } from './support/sweeps.ts';
import { provisionedTargets, target } from './support/target.ts';

/** An operator redrives an execution that has finished, at any time. */
interface Redrive {
  name: string;
  /** Leads to the execution that is redriven. */
  prepare: () => Promise<PlannedProvisioning>;
  machine: Machine;
  /** Whether the operator waits until the roll-back and every other execution have finished. */
  late: boolean;
  /** Presence of the user afterwards; after an early redrive, the provisioning may still succeed. */
  user: RegExp;
  /** Whether Step Functions rejects the redrive. */
  refused?: true;
}

const stopped: Redrive[] = [...interruptionPoints, ...iterationPoints].flatMap((point) =>
  [false, true].map((late) => ({
    name: `${point.machine}, stopped in ${point.state}, redriven ${late ? 'after the roll-back' : 'at once'}`,
    prepare: async () => {
      const planned = await planFor(point);
      await interruptAt(point, 'stop', planned);
      return planned;
    },
    machine: point.machine,
    late,
    user: late || point.deprovisioned ? /absent/ : /absent|present/,
  })),
);

const machines: Machine[] = [
  'ProvisionServiceUser',
  'CreateServiceUser',
  'RollBackProvisioning',
  'RollBackServiceUser',
];

const succeeded: Redrive[] = machines.map((machine) => ({
  name: `${machine}, succeeded`,
  prepare: async () => {
    const planned = await plan();
    await provision(planned);
    if (machine.startsWith('RollBack')) await deprovision(planned.id);
    return planned;
  },
  machine,
  late: true,
  user: machine.startsWith('RollBack') ? /absent/ : /present/,
  refused: true,
}));

interface FailedPath {
  /** Whether the execution starts by a DELETE after the provisioning. */
  deprovisioned?: boolean;
  /** Names of the targets; by default those at which the cases of the file provision users. */
  targets?: readonly string[];
  /** Names of the targets at which the user may remain, as the Cause lists them. At the others it is absent. */
  remaining?: readonly string[];
}

/** Executions that fail because these calls are denied, while `prepare` runs. */
const failed = (
  error: string,
  machine: Machine,
  deniedCalls: string[],
  { deprovisioned = false, targets = provisionedTargets, remaining }: FailedPath = {},
): Redrive[] =>
  [false, true].map((late) => ({
    name: `${machine} ${targets === twoTargets ? 'at two targets ' : ''}failed as ${error}, redriven ${late ? 'after the roll-back' : 'at once'}`,
    prepare: async () => {
      const planned = await plan({ targets });
      if (deprovisioned) await provision(planned);
      const denials = await inject(...deniedCalls.map((call) => denyCalls(call)(planned)));
      try {
        if (deprovisioned) await cancel(planned.id);
        else await post(planned, planned.key);
        await eventually(async () => {
          expect(await findExecution(machine, planned.id)).toMatchObject({ status: 'FAILED', error });
        }, 120_000);
        if (remaining !== undefined) await expectRemaining(machine, planned, remaining);
      } finally {
        await denials.lift();
      }
      return planned;
    },
    machine,
    late,
    user: /absent/,
  }));

/** Expects that the Cause of an execution lists the targets at which the user may remain, and that no other has it. */
async function expectRemaining(
  machine: Machine,
  planned: PlannedProvisioning,
  remaining: readonly string[],
): Promise<void> {
  const { cause = '' } = (await findExecution(machine, planned.id)) ?? {};
  expect(JSON.parse(cause)).toMatchObject({ remaining });
  for (const { name, system: at } of targetsOf(planned))
    if (!remaining.includes(name)) expect([name, await at.user(planned.username)]).toEqual([name, undefined]);
}

const GROUP = 'AddToGroup cognito-idp:AdminAddUserToGroup';
const DELETION = 'DeleteUser cognito-idp:AdminDeleteUser';
const CANCELLATION = 'CancelUserCreation DELETE /admin/create-user/{id}';

const cases: Redrive[] = [
  ...stopped,
  ...succeeded,
  ...failed('UserCreationRejected', 'CreateServiceUser', ['DecryptCredentials kms:Decrypt']),
  ...failed('UserCreationRolledBack', 'CreateServiceUser', [GROUP]),
  ...failed('RollBackFailed', 'CreateServiceUser', [GROUP, DELETION]),
  ...failed('ProvisioningFailed', 'ProvisionServiceUser', ['EncryptCredentials kms:ReEncrypt']),
  ...failed('RollBackFailed', 'ProvisionServiceUser', [GROUP, CANCELLATION]),
  ...failed('RollBackFailed', 'RollBackProvisioning', [CANCELLATION], { deprovisioned: true }),
  ...failed('RollBackFailed', 'RollBackServiceUser', [DELETION], { deprovisioned: true }),
  ...failed('ProvisioningFailed', 'ProvisionServiceUser', [GROUP], { targets: twoTargets }),
  ...failed('RollBackFailed', 'ProvisionServiceUser', [GROUP, CANCELLATION], {
    targets: twoTargets,
    remaining: [target],
  }),
  ...failed('RollBackFailed', 'RollBackProvisioning', [CANCELLATION], {
    deprovisioned: true,
    targets: twoTargets,
    remaining: [target],
  }),
];

const allowed = { within: 180_000, rollBackLater: true };

/** Redrives an execution; returns whether Step Functions accepts it. */
async function redrive(machine: Machine, id: string): Promise<boolean> {
  try {
    await system.clients.stepFunctions.send(
      new RedriveExecutionCommand({ executionArn: await system.executionArn(machine, id) }),
    );
    return true;
  } catch (error) {
    if (error instanceof ExecutionNotRedrivable) return false;
    throw error;
  }
}

async function run({ prepare, machine, late }: Redrive, finalChecks: FinalChecks) {
  const planned = await prepare();
  if (late) {
    await runSweepsSoon();
    expect(await violations(planned, allowed)).toEqual([]);
  }
  const accepted = await redrive(machine, planned.id);
  await waitUntilFinished(machine, planned.id);
  await runSweepsSoon();
  const broken = await violations(planned, allowed);
  const { user } = await waitForOutcome(planned.id);
  finalChecks.addProvisioning(planned, user);
  return { broken, accepted, user };
}

suite('a redrive', cases, {
  run,
  check: ({ broken, accepted, user }, { user: expected, refused = false }) => {
    expect(broken).toEqual([]);
    expect(accepted).toBe(!refused);
    expect(user).toMatch(expected);
  },
  sample: 23,
});
