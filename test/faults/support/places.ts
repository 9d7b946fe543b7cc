import type { FaultRule } from '../../../local/harness/faults/rules.ts';
import { passwordWithoutSymbol } from '../../../local/harness/lax-policy.ts';
import type { Machine } from '../../../local/system.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import type { Known } from '../matrix/matches.ts';
import { entered } from './executions.ts';
import { holdOf, refusal, unanswered } from './holds.ts';
import { type Intervention, interventions } from './interventions.ts';
import { type Planned, plan } from './known.ts';
import { endOf } from './oracle.ts';
import { cancel, post } from './provisioning.ts';
import { inject } from './proxy.ts';

/** A state of a machine, how an execution comes to it, and is held there. */
export interface Place {
  machine: Machine;
  state: string;
  /** Whether the way there begins with a DELETE of what was provisioned. */
  deprovisioned?: boolean;
  /** Whether the way there begins with a DELETE while App2 is at work. */
  cancelled?: boolean;
  /** What is refused for good, so that the way leads there. */
  refused?: ((known: Known) => FaultRule)[];
  /** A password that App2's policy refuses. */
  weak?: boolean;
}

const on = (machine: Machine, states: string[], more: Omit<Place, 'machine' | 'state'> = {}): Place[] =>
  states.map((state) => ({ machine, state, ...more }));

const GROUP = refusal('AddToGroup cognito-idp:AdminAddUserToGroup');
const DELETION = refusal('DeleteUser cognito-idp:AdminDeleteUser');
const CANCELLATION = refusal('CancelUserCreation DELETE /admin/create-user/{id}');

/** Every state of the four machines in which an execution can be met. */
export const places: readonly Place[] = [
  ...on('ProvisionServiceUser', [
    'PublishRequested',
    'EncryptCredentials',
    'RequestUserCreation',
    'PublishProvisioned',
  ]),
  ...on('ProvisionServiceUser', ['CancelUserCreation', 'PublishProvisioningFailed'], { refused: [GROUP] }),
  ...on('ProvisionServiceUser', ['PublishRollBackFailed'], { refused: [GROUP, CANCELLATION] }),
  ...on('CreateServiceUser', [
    'DecryptCredentials',
    'CreateUser',
    'SetPassword',
    'AddToGroup',
    'PublishUserCreated',
  ]),
  ...on('CreateServiceUser', ['PublishUserCreationRejected'], { weak: true }),
  ...on('CreateServiceUser', ['DeleteUser', 'PublishUserRolledBack'], { refused: [GROUP] }),
  ...on('CreateServiceUser', ['PublishRollBackFailed'], { refused: [GROUP, DELETION] }),
  ...on('RollBackProvisioning', ['StopProvisioning', 'CancelUserCreation', 'PublishDeprovisioned'], {
    deprovisioned: true,
  }),
  ...on('RollBackServiceUser', ['StopUserCreation', 'DeleteUser', 'PublishUserRemoved'], {
    deprovisioned: true,
  }),
  ...on('RollBackProvisioning', ['PublishProvisioningCancelled'], { cancelled: true }),
  ...on('RollBackServiceUser', ['PublishUserCreationCancelled'], { cancelled: true }),
  ...on('RollBackProvisioning', ['PublishRollBackFailed'], {
    deprovisioned: true,
    refused: [CANCELLATION],
  }),
  ...on('RollBackServiceUser', ['PublishRollBackFailed'], { deprovisioned: true, refused: [DELETION] }),
];

/** Plans what can come to a place. */
export const planFor = ({ weak = false }: Place): Promise<Planned> =>
  plan(weak ? { password: passwordWithoutSymbol() } : {});

/** Brings what was planned to a place, holds it there, and intervenes. */
export async function interruptAt(
  { machine, state, deprovisioned = false, cancelled = false, refused: refusals = [] }: Place,
  by: Intervention,
  planned: Planned,
): Promise<void> {
  if (deprovisioned) await provisioned(planned);
  const refused = await inject(...refusals.map((rule) => rule(planned)));
  const stuck = await inject(...(cancelled ? [unanswered('DecryptCredentials kms:Decrypt', planned)] : []));
  const hold = await inject(...holdOf(state, planned, { machine, deprovisioned }));
  try {
    if (deprovisioned) await cancel(planned.id);
    else await post(planned, planned.key);
    if (cancelled) {
      await stuck.met();
      await cancel(planned.id);
    }
    await entered(machine, planned.id, state);
    await hold.met();
    await interventions[by](machine, planned.id);
  } finally {
    await refused.lift();
    await stuck.lift();
    await hold.lift();
  }
}

/** Provisions what was planned. */
export async function provisioned(planned: Planned): Promise<void> {
  await post(planned, planned.key);
  await eventually(async () => {
    const { status } = await endOf(planned.id);
    if (status !== 'SUCCEEDED') throw new Error(`${planned.id} is ${status}.`);
  }, 60_000);
}
