import { ExecutionNotRedrivable, RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import { expect } from '@jest/globals';
import type { Machine } from '../../local/system.ts';
import { system } from '../e2e/support/deployed.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { execution, executionEnded } from './support/executions.ts';
import { refusal } from './support/holds.ts';
import { type Planned, plan } from './support/known.ts';
import { endOf, violations } from './support/oracle.ts';
import { interruptAt, places, planFor, provisioned } from './support/places.ts';
import { cancel, deprovision, post } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { type Aftermath, suite } from './support/suite.ts';
import { sweepSoon } from './support/sweeps.ts';

/** An operator presses redrive: on whatever has ended, at whatever time. */
interface Redrive {
  name: string;
  /** Brings the execution to the end from which it is redriven. */
  prepare: () => Promise<Planned>;
  machine: Machine;
  /** Whether it is redriven only when the roll-back, and everything else, is over. */
  late: boolean;
  /** The user's presence in the end; a redrive that is pressed early may still lead to one that is wanted. */
  user: RegExp;
  /** Step Functions itself refuses. */
  refused?: true;
}

const stopped: Redrive[] = places.flatMap((place) =>
  [false, true].map((late) => ({
    name: `${place.machine}, stopped in ${place.state}, redriven ${late ? 'when all is over' : 'at once'}`,
    prepare: async () => {
      const planned = await planFor(place);
      await interruptAt(place, 'stop', planned);
      return planned;
    },
    machine: place.machine,
    late,
    user: late || place.deprovisioned ? /absent/ : /absent|present/,
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
    await provisioned(planned);
    if (machine.startsWith('RollBack')) await deprovision(planned.id);
    return planned;
  },
  machine,
  late: true,
  user: machine.startsWith('RollBack') ? /absent/ : /present/,
  refused: true,
}));

/** Runs that fail at the given call, for as long as `prepare` takes. */
const failed = (
  end: string,
  machine: Machine,
  refusals: string[],
  { deprovisioned = false } = {},
): Redrive[] =>
  [false, true].map((late) => ({
    name: `${machine}, failed as ${end}, redriven ${late ? 'when all is over' : 'at once'}`,
    prepare: async () => {
      const planned = await plan();
      if (deprovisioned) await provisioned(planned);
      const refused = await inject(...refusals.map((call) => refusal(call)(planned)));
      try {
        if (deprovisioned) await cancel(planned.id);
        else await post(planned, planned.key);
        await eventually(async () => {
          expect(await execution(machine, planned.id)).toMatchObject({ status: 'FAILED', error: end });
        }, 120_000);
      } finally {
        await refused.lift();
      }
      return planned;
    },
    machine,
    late,
    user: /absent/,
  }));

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
];

const allowed = { within: 180_000, rollBackLater: true };

/** Presses redrive; whether Step Functions took it. */
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

async function run({ prepare, machine, late }: Redrive, aftermath: Aftermath) {
  const planned = await prepare();
  if (late) {
    await sweepSoon();
    expect(await violations(planned, allowed)).toEqual([]);
  }
  const taken = await redrive(machine, planned.id);
  await executionEnded(machine, planned.id);
  await sweepSoon();
  const broken = await violations(planned, allowed);
  const { user } = await endOf(planned.id);
  aftermath.ended(planned, user);
  return { broken, taken, user };
}

suite('redrive', cases, {
  run,
  check: ({ broken, taken, user }, { user: expected, refused = false }) => {
    expect(broken).toEqual([]);
    expect(taken).toBe(!refused);
    expect(user).toMatch(expected);
  },
  sample: 15,
});
