import type { FaultRule } from '../../../local/harness/faults/rules.ts';
import { passwordWithoutSymbol } from '../../../local/harness/lax-policy.ts';
import type { Machine } from '../../../local/system.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import type { ProvisioningIdentifiers } from '../matrix/matches.ts';
import { delayState, denyCalls } from './call-rules.ts';
import { waitForState } from './executions.ts';
import { type Hold, hold, type Intervention, interventions, type Position } from './interventions.ts';
import { waitForOutcome } from './oracle.ts';
import { type PlannedProvisioning, plan } from './plan.ts';
import { cancel, post } from './provisioning.ts';
import { inject } from './proxy.ts';

/** A state in which an execution is interrupted, and the requests and faults that lead the execution there. */
export interface InterruptionPoint {
  machine: Machine;
  state: string;
  /** Whether the execution starts by a DELETE after the provisioning. */
  deprovisioned?: boolean;
  /** The positions at which the provisioning is held until a DELETE, which starts the execution. */
  cancelledAt?: Position[];
  /** Permanent errors that lead to the state. */
  denied?: ((identifiers: ProvisioningIdentifiers) => FaultRule)[];
  /** The positions at which the executions are held. By default the next call of the state is delayed. */
  held?: Position[];
  /** Names of the targets; by default those at which the cases of the file provision users. */
  targets?: readonly string[];
  /** Whether the password violates App2's password policy. */
  weak?: boolean;
}

const pointsOf = (
  machine: Machine,
  states: string[],
  path: Omit<InterruptionPoint, 'machine' | 'state'> = {},
): InterruptionPoint[] => states.map((state) => ({ machine, state, ...path }));

/** The same for states that make no call. */
const heldPointsOf = (
  machine: Machine,
  states: string[],
  path: Omit<InterruptionPoint, 'machine' | 'state' | 'held'> = {},
): InterruptionPoint[] => states.map((state) => ({ machine, state, held: [{ machine, state }], ...path }));

const GROUP = denyCalls('AddToGroup cognito-idp:AdminAddUserToGroup');
const KEY = denyCalls('EncryptCredentials kms:ReEncrypt');
const DELETION = denyCalls('DeleteUser cognito-idp:AdminDeleteUser');
const CANCELLATION = denyCalls('CancelUserCreation DELETE /admin/create-user/{id}');

const deprovisioned = true;
const cancelledAt: Position[] = [{ machine: 'CreateServiceUser', state: 'DecryptCredentials' }];

/** Every state of the four state machines in which an execution can be interrupted. */
export const interruptionPoints: readonly InterruptionPoint[] = [
  ...pointsOf('ProvisionServiceUser', [
    'PublishRequested',
    'EncryptCredentials',
    'RequestUserCreation',
    'PublishProvisioned',
  ]),
  // The sign-in at a target serves many provisionings, and a token in memory needs none.
  ...heldPointsOf('ProvisionServiceUser', ['ProvisionTargets', 'Authenticate']),
  ...pointsOf('ProvisionServiceUser', ['CancelUserCreation', 'PublishProvisioningFailed'], {
    denied: [GROUP],
  }),
  ...heldPointsOf(
    'ProvisionServiceUser',
    ['TargetFailed', 'CompensateTargets', 'ChooseCompensation', 'ChooseOutcome'],
    { denied: [GROUP] },
  ),
  ...heldPointsOf('ProvisionServiceUser', ['NothingRequested'], { denied: [KEY] }),
  ...heldPointsOf('ProvisionServiceUser', ['UserMayRemain'], { denied: [GROUP, CANCELLATION] }),
  ...pointsOf('ProvisionServiceUser', ['PublishRollBackFailed'], { denied: [GROUP, CANCELLATION] }),
  ...pointsOf('CreateServiceUser', [
    'DecryptCredentials',
    'CreateUser',
    'SetPassword',
    'AddToGroup',
    'PublishUserCreated',
  ]),
  ...pointsOf('CreateServiceUser', ['PublishUserCreationRejected'], { weak: true }),
  ...pointsOf('CreateServiceUser', ['DeleteUser', 'PublishUserRolledBack'], { denied: [GROUP] }),
  ...pointsOf('CreateServiceUser', ['PublishRollBackFailed'], { denied: [GROUP, DELETION] }),
  ...pointsOf('RollBackProvisioning', ['StopProvisioning', 'CancelUserCreation', 'PublishDeprovisioned'], {
    deprovisioned,
  }),
  ...heldPointsOf('RollBackProvisioning', ['CompensateTargets', 'ChooseCompensation', 'ChooseOutcome'], {
    deprovisioned,
  }),
  ...heldPointsOf('RollBackProvisioning', ['UserMayRemain'], { deprovisioned, denied: [CANCELLATION] }),
  ...pointsOf('RollBackServiceUser', ['StopUserCreation', 'DeleteUser', 'PublishUserRemoved'], {
    deprovisioned,
  }),
  ...pointsOf('RollBackProvisioning', ['PublishProvisioningCancelled'], { cancelledAt }),
  ...heldPointsOf('RollBackProvisioning', ['NothingRequested'], {
    cancelledAt: [{ machine: 'ProvisionServiceUser', state: 'EncryptCredentials' }],
  }),
  ...pointsOf('RollBackServiceUser', ['PublishUserCreationCancelled'], { cancelledAt }),
  ...pointsOf('RollBackProvisioning', ['PublishRollBackFailed'], {
    deprovisioned,
    denied: [CANCELLATION],
  }),
  ...pointsOf('RollBackServiceUser', ['PublishRollBackFailed'], { deprovisioned, denied: [DELETION] }),
];

/** Plans a provisioning that can reach an interruption point. */
export const planFor = ({ weak = false, targets }: InterruptionPoint): Promise<PlannedProvisioning> =>
  plan({
    ...(weak ? { password: passwordWithoutSymbol() } : {}),
    ...(targets === undefined ? {} : { targets }),
  });

/** Leads a planned provisioning to an interruption point, delays it there, and interrupts it. */
export async function interruptAt(
  point: InterruptionPoint,
  by: Intervention,
  planned: PlannedProvisioning,
): Promise<void> {
  const { machine, deprovisioned = false, cancelledAt, denied = [] } = point;
  if (deprovisioned) await provision(planned);
  const denials = await inject(...denied.map((rule) => rule(planned)));
  const beforeDelete = await hold(cancelledAt ?? [], planned.id);
  const delay = await delayAt(point, planned);
  try {
    if (deprovisioned) await cancel(planned.id);
    else await post(planned, planned.key);
    if (cancelledAt !== undefined) {
      await beforeDelete.waitUntilReached();
      await cancel(planned.id);
    }
    await delay.waitUntilReached();
    await interventions[by](machine, planned.id);
  } finally {
    await denials.lift();
    await beforeDelete.lift();
    await delay.lift();
  }
}

/** Delays the call of an interruption point, or holds the executions. */
async function delayAt(
  { machine, state, deprovisioned = false, held }: InterruptionPoint,
  planned: PlannedProvisioning,
): Promise<Hold> {
  if (held !== undefined) return hold(held, planned.id);
  const delay = await inject(...delayState(state, planned, { machine, deprovisioned }));
  return {
    async waitUntilReached() {
      await waitForState(machine, planned.id, state);
      await delay.waitUntilFired();
    },
    lift: delay.lift,
  };
}

/** Provisions the planned user. */
export async function provision(planned: PlannedProvisioning): Promise<void> {
  await post(planned, planned.key);
  await eventually(async () => {
    const { status } = await waitForOutcome(planned.id);
    if (status !== 'SUCCEEDED') throw new Error(`${planned.id} is ${status}.`);
  }, 60_000);
}
