import type { FaultMatch } from '../../../local/faults/rules.ts';
import type { Fault } from './faults.ts';

/**
 * Every call to AWS and to App2 that the system makes on its way from a request to an end, as the fault proxy sees it.
 * A call is named by the function or state that makes it, and by what it calls.
 */

/** What of a provisioning is known before it begins, so that rules can be about it alone. */
export interface Known {
  id: string;
  username: string;
  /** The `sub` of the user that will be made. */
  sub: string;
  /** Base64 of what GenerateMac is asked about. */
  macMessage: string;
}

/** Who repeats the call, which decides what a fault comes to. */
export type Caller =
  /** A state that can still be undone: by the named retry policies, then its undo begins. */
  | 'step'
  /** A state of an undo: longest, then the roll-back is left to the sweep. */
  | 'undo'
  /** A function behind an API: the SDK once, then the caller. */
  | 'api';

/** What leads to the call. */
export type Flow =
  /** A POST, and nothing else is wrong. */
  | 'provision'
  /** A POST of which AddToGroup is refused for ever, so that it is undone. */
  | 'undo'
  /** A DELETE of what was provisioned. */
  | 'deprovision';

export interface Call {
  /** Function or state. */
  by: string;
  /** API and operation. */
  to: string;
  service: 'app1' | 'app2';
  caller: Caller;
  flow: Flow;
  match: (known: Known) => FaultMatch;
  /** How many calls that look the same come before. */
  after?: number;
  /** Whether the roll-back that follows does not make this call: it does not know the user's `sub`. */
  inLineOnly?: true;
  /** Faults after which the call has had its effect, so that the next look finds nothing left to do. */
  settledBy?: readonly Fault[];
  /** A request of the other service, not a call of AWS. */
  http?: true;
}

const text = (value: string): string => `'${value}'`;

const kms = (operation: string, context: string) => ({
  match: ({ id }: Known): FaultMatch => ({
    service: 'kms',
    operation,
    body: `${context}.provisioning_id == ${text(id)}`,
  }),
});
const cognito = (operation: string, address: 'username' | 'sub') => ({
  match: (known: Known): FaultMatch => ({
    service: 'cognito-idp',
    operation,
    body: `Username == ${text(known[address])}`,
  }),
});
const starts = (machine: string) => ({
  match: ({ id }: Known): FaultMatch => ({
    service: 'stepfunctions',
    operation: 'StartExecution',
    body: `name == ${text(id)} && ends_with(stateMachineArn, ':${machine}') && !contains(input, 'cancelled')`,
  }),
});
const onExecution = (operation: 'DescribeExecution' | 'StopExecution', machine: string) => ({
  match: ({ id }: Known): FaultMatch => ({
    service: 'stepfunctions',
    operation,
    body: `ends_with(executionArn, ':${machine}:${id}')`,
  }),
});
const publishes = (event: string) => ({
  match: ({ id }: Known): FaultMatch => ({
    service: 'events',
    operation: 'PutEvents',
    body: `Entries[0].DetailType == ${text(event)} && contains(Entries[0].Detail, ${text(id)})`,
  }),
});

export const calls: readonly Call[] = [
  // POST at App1
  {
    by: 'start-provisioning',
    to: 'kms:Encrypt',
    service: 'app1',
    caller: 'api',
    flow: 'provision',
    ...kms('Encrypt', 'EncryptionContext'),
  },
  {
    by: 'start-provisioning',
    to: 'kms:GenerateMac',
    service: 'app1',
    caller: 'api',
    flow: 'provision',
    match: ({ macMessage }) => ({
      service: 'kms',
      operation: 'GenerateMac',
      body: `Message == ${text(macMessage)}`,
    }),
  },
  {
    by: 'start-provisioning',
    to: 'states:StartExecution',
    service: 'app1',
    caller: 'api',
    flow: 'provision',
    ...starts('ProvisionServiceUser'),
  },

  // ProvisionServiceUser
  {
    by: 'EncryptCredentials',
    to: 'kms:ReEncrypt',
    service: 'app1',
    caller: 'step',
    flow: 'provision',
    ...kms('ReEncrypt', 'SourceEncryptionContext'),
  },
  {
    by: 'RequestUserCreation',
    to: 'POST /admin/create-user',
    service: 'app1',
    caller: 'step',
    flow: 'provision',
    http: true,
    match: ({ id }) => ({ service: 'execute-api', operation: 'POST', headers: { 'Idempotency-Key': id } }),
  },
  {
    by: 'AnnounceProvisioned',
    to: 'events:PutEvents',
    service: 'app1',
    caller: 'step',
    flow: 'provision',
    ...publishes('ServiceUserProvisioned'),
  },

  // CreateServiceUser
  {
    by: 'DecryptCredentials',
    to: 'kms:Decrypt',
    service: 'app2',
    caller: 'step',
    flow: 'provision',
    ...kms('Decrypt', 'EncryptionContext'),
  },
  {
    by: 'CreateUser',
    to: 'cognito-idp:AdminCreateUser',
    service: 'app2',
    caller: 'step',
    flow: 'provision',
    ...cognito('AdminCreateUser', 'username'),
  },
  {
    by: 'SetPassword',
    to: 'kms:Decrypt',
    service: 'app2',
    caller: 'step',
    flow: 'provision',
    after: 1,
    ...kms('Decrypt', 'EncryptionContext'),
  },
  {
    by: 'SetPassword',
    to: 'cognito-idp:AdminSetUserPassword',
    service: 'app2',
    caller: 'step',
    flow: 'provision',
    ...cognito('AdminSetUserPassword', 'sub'),
  },
  {
    by: 'AddToGroup',
    to: 'cognito-idp:AdminAddUserToGroup',
    service: 'app2',
    caller: 'step',
    flow: 'provision',
    ...cognito('AdminAddUserToGroup', 'sub'),
  },
  {
    by: 'AnnounceCreated',
    to: 'events:PutEvents',
    service: 'app2',
    caller: 'step',
    flow: 'provision',
    ...publishes('ServiceUserCreated'),
  },

  // The undo in both machines
  {
    by: 'DeleteUser',
    to: 'cognito-idp:AdminGetUser',
    service: 'app2',
    caller: 'undo',
    flow: 'undo',
    inLineOnly: true,
    ...cognito('AdminGetUser', 'sub'),
  },
  {
    by: 'DeleteUser',
    to: 'cognito-idp:AdminDeleteUser',
    service: 'app2',
    caller: 'undo',
    flow: 'undo',
    settledBy: ['answer lost', 'answer late', 'effect late'],
    ...cognito('AdminDeleteUser', 'sub'),
  },
  {
    by: 'AnnounceRolledBack',
    to: 'events:PutEvents',
    service: 'app2',
    caller: 'undo',
    flow: 'undo',
    ...publishes('ServiceUserCreationRolledBack'),
  },
  {
    by: 'CancelUserCreation',
    to: 'DELETE /admin/create-user/{id}',
    service: 'app1',
    caller: 'undo',
    flow: 'undo',
    // The answer is a 204, which has no body to lose.
    settledBy: ['answer lost'],
    http: true,
    match: ({ id }) => ({
      service: 'execute-api',
      operation: 'DELETE',
      resource: `/admin/create-user/${id}`,
    }),
  },
  {
    by: 'AnnounceProvisioningFailed',
    to: 'events:PutEvents',
    service: 'app1',
    caller: 'undo',
    flow: 'undo',
    ...publishes('ServiceUserProvisioningFailed'),
  },

  // DELETE at App1, and both roll-backs
  {
    by: 'cancel-provisioning',
    to: 'states:DescribeExecution',
    service: 'app1',
    caller: 'api',
    flow: 'deprovision',
    ...onExecution('DescribeExecution', 'ProvisionServiceUser'),
  },
  {
    by: 'cancel-provisioning',
    to: 'states:StartExecution',
    service: 'app1',
    caller: 'api',
    flow: 'deprovision',
    ...starts('RollBackProvisioning'),
  },
  {
    by: 'StopProvisioning',
    to: 'states:DescribeExecution',
    service: 'app1',
    caller: 'undo',
    flow: 'deprovision',
    after: 1,
    ...onExecution('DescribeExecution', 'ProvisionServiceUser'),
  },
  {
    by: 'cancel-user-creation',
    to: 'states:StartExecution',
    service: 'app2',
    caller: 'undo',
    flow: 'deprovision',
    // App1 asks for so long that the roll-back has ended meanwhile.
    settledBy: ['answer late', 'effect late'],
    ...starts('RollBackServiceUser'),
  },
  {
    by: 'StopUserCreation',
    to: 'states:DescribeExecution',
    service: 'app2',
    caller: 'undo',
    flow: 'deprovision',
    after: 1,
    ...onExecution('DescribeExecution', 'CreateServiceUser'),
  },
  {
    by: 'DeleteUser',
    to: 'cognito-idp:AdminGetUser by name',
    service: 'app2',
    caller: 'undo',
    flow: 'deprovision',
    ...cognito('AdminGetUser', 'username'),
  },
  {
    by: 'AnnounceRemoved',
    to: 'events:PutEvents',
    service: 'app2',
    caller: 'undo',
    flow: 'deprovision',
    ...publishes('ServiceUserRemoved'),
  },
  {
    by: 'AnnounceDeprovisioned',
    to: 'events:PutEvents',
    service: 'app1',
    caller: 'undo',
    flow: 'deprovision',
    ...publishes('ServiceUserDeprovisioned'),
  },
];
