import type { FaultRule } from '../../../local/harness/faults/rules.ts';
import { passwordWithoutSymbol } from '../../../local/harness/lax-policy.ts';
import type { Machine } from '../../../local/system.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import type { ProvisioningIdentifiers } from '../matrix/matches.ts';
import { delayState, denyCalls, dropCalls } from './call-rules.ts';
import { waitForState } from './executions.ts';
import { type Intervention, interventions } from './interventions.ts';
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
  /** Whether the execution starts by a DELETE while App2 creates the user. */
  cancelled?: boolean;
  /** Permanent errors that lead to the state. */
  denied?: ((identifiers: ProvisioningIdentifiers) => FaultRule)[];
  /** Whether the password violates App2's password policy. */
  weak?: boolean;
}

const pointsOf = (
  machine: Machine,
  states: string[],
  path: Omit<InterruptionPoint, 'machine' | 'state'> = {},
): InterruptionPoint[] => states.map((state) => ({ machine, state, ...path }));

const GROUP = denyCalls('AddToGroup cognito-idp:AdminAddUserToGroup');
const DELETION = denyCalls('DeleteUser cognito-idp:AdminDeleteUser');
const CANCELLATION = denyCalls('CancelUserCreation DELETE /admin/create-user/{id}');

/** Every state of the four state machines in which an execution can be interrupted. */
export const interruptionPoints: readonly InterruptionPoint[] = [
  ...pointsOf('ProvisionServiceUser', [
    'PublishRequested',
    'EncryptCredentials',
    'RequestUserCreation',
    'PublishProvisioned',
  ]),
  ...pointsOf('ProvisionServiceUser', ['CancelUserCreation', 'PublishProvisioningFailed'], {
    denied: [GROUP],
  }),
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
    deprovisioned: true,
  }),
  ...pointsOf('RollBackServiceUser', ['StopUserCreation', 'DeleteUser', 'PublishUserRemoved'], {
    deprovisioned: true,
  }),
  ...pointsOf('RollBackProvisioning', ['PublishProvisioningCancelled'], { cancelled: true }),
  ...pointsOf('RollBackServiceUser', ['PublishUserCreationCancelled'], { cancelled: true }),
  ...pointsOf('RollBackProvisioning', ['PublishRollBackFailed'], {
    deprovisioned: true,
    denied: [CANCELLATION],
  }),
  ...pointsOf('RollBackServiceUser', ['PublishRollBackFailed'], { deprovisioned: true, denied: [DELETION] }),
];

/** Plans a provisioning that can reach an interruption point. */
export const planFor = ({ weak = false }: InterruptionPoint): Promise<PlannedProvisioning> =>
  plan(weak ? { password: passwordWithoutSymbol() } : {});

/** Leads a planned provisioning to an interruption point, delays it there, and interrupts it. */
export async function interruptAt(
  { machine, state, deprovisioned = false, cancelled = false, denied = [] }: InterruptionPoint,
  by: Intervention,
  planned: PlannedProvisioning,
): Promise<void> {
  if (deprovisioned) await provision(planned);
  const denials = await inject(...denied.map((rule) => rule(planned)));
  const timeouts = await inject(...(cancelled ? [dropCalls('DecryptCredentials kms:Decrypt', planned)] : []));
  const delay = await inject(...delayState(state, planned, { machine, deprovisioned }));
  try {
    if (deprovisioned) await cancel(planned.id);
    else await post(planned, planned.key);
    if (cancelled) {
      await timeouts.waitUntilFired();
      await cancel(planned.id);
    }
    await waitForState(machine, planned.id, state);
    await delay.waitUntilFired();
    await interventions[by](machine, planned.id);
  } finally {
    await denials.lift();
    await timeouts.lift();
    await delay.lift();
  }
}

/** Provisions the planned user. */
export async function provision(planned: PlannedProvisioning): Promise<void> {
  await post(planned, planned.key);
  await eventually(async () => {
    const { status } = await waitForOutcome(planned.id);
    if (status !== 'SUCCEEDED') throw new Error(`${planned.id} is ${status}.`);
  }, 60_000);
}
