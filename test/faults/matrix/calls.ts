import type { Service } from '../../../contracts/services.ts';
import type { FaultRule } from '../../../local/harness/faults/rules.ts';
import type { Fault } from './faults.ts';
import type { Flow } from './flows.ts';
import {
  cognito,
  describes,
  type Known,
  kms,
  type Match,
  onExecution,
  publishes,
  starts,
  text,
} from './matches.ts';

/**
 * Every call to AWS and to App2 that the system makes for one provisioning, as the fault proxy sees it. A call is
 * named by the state or function that makes it, and by what it calls.
 */

/** Who repeats the call, which decides what a fault comes to. */
export type Caller =
  /** A state that can still be undone: by the named retry policies, then its undo begins. */
  | 'step'
  /** A state of an undo: longest, then the roll-back is left to the sweep. */
  | 'undo'
  /** A function behind App1's API: the SDK once, then the caller. */
  | 'api'
  /** A function behind App2's API: the SDK once, then App1's state, for which App2 is unavailable. */
  | 'app2 api'
  /** App2's authorizer: once, then App1's state, whose undo needs the authorizer as well. */
  | 'authorizer'
  /** The function of the rule on ended executions: the SDK once, then Lambda twice, then it is left to the sweep. */
  | 'watch'
  /** A function that has a use for the answer, and does as well without it. */
  | 'best effort';

export interface Call extends Match {
  /** State, or function when it is none of a state's. */
  by: string;
  /** API and operation. */
  to: string;
  service: Service;
  caller: Caller;
  flow: Flow;
  /** The Lambda function that makes the call; a state that publishes makes its call itself. */
  functionName?: string;
  /** What has to go wrong before, so that the call is made. */
  given?: (known: Known) => FaultRule[];
  /** Whether the roll-back that follows does not make this call: it does not know the user's `sub`. */
  inLineOnly?: true;
  /** Faults after which the call has had its effect, so that the next look finds nothing left to do. */
  settledBy?: readonly Fault[];
  /** The part of the target that the call is about, whose outage is waited out. */
  target?: 'sign-in' | 'key';
  /** A request of the other service, not a call of AWS. */
  http?: true;
}

/** That a call is made by this function: on the local AWS under test its SDK names it. */
export const madeBy = (functionName: string) => ({ headers: { 'User-Agent': `app/${functionName}` } });

/** A call that a function makes. */
const made = (
  functionName: string,
  { match }: Match,
  call: Omit<Call, 'match' | 'functionName' | 'service'>,
): Call => ({
  ...call,
  service: functionName.startsWith('app1-') ? 'app1' : 'app2',
  functionName,
  match: (known) => ({ ...match(known), ...madeBy(functionName) }),
});

/** An event that a state publishes. */
const published = (service: Service, event: string, call: Omit<Call, 'match' | 'service' | 'to'>): Call => ({
  ...call,
  to: 'events:PutEvents',
  service,
  ...publishes(event),
});

/** A request of App1 to App2. */
const requested = (match: Call['match'], call: Omit<Call, 'match' | 'service' | 'http'>): Call => ({
  ...call,
  service: 'app1',
  http: true,
  match,
});

const CREATE = cognito('AdminCreateUser', 'username');

const onPost: readonly Call[] = [
  made('app1-start-provisioning', kms('Encrypt', 'EncryptionContext'), {
    by: 'start-provisioning',
    to: 'kms:Encrypt',
    caller: 'api',
    flow: 'provision',
  }),
  made(
    'app1-start-provisioning',
    {
      match: ({ macMessage }) => ({
        service: 'kms',
        operation: 'GenerateMac',
        body: `Message == ${text(macMessage)}`,
      }),
    },
    { by: 'start-provisioning', to: 'kms:GenerateMac', caller: 'api', flow: 'provision' },
  ),
  made('app1-start-provisioning', starts('ProvisionServiceUser'), {
    by: 'start-provisioning',
    to: 'states:StartExecution',
    caller: 'api',
    flow: 'provision',
  }),
  made('app1-start-provisioning', describes('ProvisionServiceUser'), {
    by: 'start-provisioning',
    to: 'states:DescribeExecution',
    caller: 'api',
    flow: 'repeat',
  }),
];

const provisionServiceUser: readonly Call[] = [
  made('app1-encrypt-credentials', kms('ReEncrypt', 'SourceEncryptionContext'), {
    by: 'EncryptCredentials',
    to: 'kms:ReEncrypt',
    caller: 'step',
    flow: 'provision',
    target: 'key',
  }),
  requested(({ id }) => ({ service: 'execute-api', operation: 'POST', headers: { 'Idempotency-Key': id } }), {
    by: 'RequestUserCreation',
    to: 'POST /admin/create-user',
    caller: 'step',
    flow: 'provision',
  }),
  made('app2-start-user-creation', starts('CreateServiceUser'), {
    by: 'start-user-creation',
    to: 'states:StartExecution',
    caller: 'app2 api',
    flow: 'provision',
  }),
  made('app2-start-user-creation', describes('CreateServiceUser'), {
    by: 'start-user-creation',
    to: 'states:DescribeExecution',
    caller: 'app2 api',
    flow: 'provision',
  }),
  published('app1', 'ServiceUserProvisioningRequested', {
    by: 'PublishRequested',
    caller: 'step',
    flow: 'provision',
  }),
  published('app1', 'ServiceUserProvisioned', {
    by: 'PublishProvisioned',
    caller: 'step',
    flow: 'provision',
  }),
];

const createServiceUser: readonly Call[] = [
  made('app2-decrypt-credentials', kms('Decrypt', 'EncryptionContext'), {
    by: 'DecryptCredentials',
    to: 'kms:Decrypt',
    caller: 'step',
    flow: 'provision',
  }),
  made('app2-create-user', CREATE, {
    by: 'CreateUser',
    to: 'cognito-idp:AdminCreateUser',
    caller: 'step',
    flow: 'provision',
  }),
  made('app2-create-user', cognito('AdminGetUser', 'username'), {
    by: 'CreateUser',
    to: 'cognito-idp:AdminGetUser when an answer was lost before',
    caller: 'step',
    flow: 'provision',
    given: (known) => [{ ...CREATE.match(known), response: { abort_bytes: 0 }, times: 1 }],
  }),
  made('app2-create-user', describes('CreateServiceUser', 'rival'), {
    by: 'CreateUser',
    to: 'states:DescribeExecution of who has the name',
    caller: 'step',
    flow: 'taken',
  }),
  made('app2-create-user', describes('RollBackServiceUser', 'rival'), {
    by: 'CreateUser',
    to: 'states:DescribeExecution of the roll-back of who has the name',
    caller: 'step',
    flow: 'taken',
  }),
  made('app2-set-password', kms('Decrypt', 'EncryptionContext'), {
    by: 'SetPassword',
    to: 'kms:Decrypt',
    caller: 'step',
    flow: 'provision',
  }),
  made('app2-set-password', cognito('AdminSetUserPassword', 'sub'), {
    by: 'SetPassword',
    to: 'cognito-idp:AdminSetUserPassword',
    caller: 'step',
    flow: 'provision',
  }),
  made('app2-add-to-group', cognito('AdminAddUserToGroup', 'sub'), {
    by: 'AddToGroup',
    to: 'cognito-idp:AdminAddUserToGroup',
    caller: 'step',
    flow: 'provision',
  }),
  published('app2', 'ServiceUserCreated', { by: 'PublishUserCreated', caller: 'step', flow: 'provision' }),
];

const undone: readonly Call[] = [
  made('app2-delete-user', cognito('AdminGetUser', 'sub'), {
    by: 'DeleteUser',
    to: 'cognito-idp:AdminGetUser',
    caller: 'undo',
    flow: 'undo',
    inLineOnly: true,
  }),
  made('app2-delete-user', cognito('AdminDeleteUser', 'sub'), {
    by: 'DeleteUser',
    to: 'cognito-idp:AdminDeleteUser',
    caller: 'undo',
    flow: 'undo',
    settledBy: ['answer lost', 'answer late', 'effect late'],
  }),
  published('app2', 'ServiceUserCreationRolledBack', {
    by: 'PublishUserRolledBack',
    caller: 'undo',
    flow: 'undo',
  }),
  requested(
    ({ id }) => ({
      service: 'execute-api',
      operation: 'DELETE',
      resource: `/admin/create-user/${id}`,
    }),
    {
      by: 'CancelUserCreation',
      to: 'DELETE /admin/create-user/{id}',
      caller: 'undo',
      flow: 'undo',
      // The answer is a 204, which has no body to lose.
      settledBy: ['answer lost'],
    },
  ),
  published('app1', 'ServiceUserProvisioningFailed', {
    by: 'PublishProvisioningFailed',
    caller: 'undo',
    flow: 'undo',
  }),
  made('app2-cancel-user-creation', starts('CreateServiceUser'), {
    by: 'cancel-user-creation',
    to: 'states:StartExecution of what must not come',
    caller: 'undo',
    flow: 'unreached',
    settledBy: ['answer lost', 'answer late', 'effect late'],
  }),
  made('app2-cancel-user-creation', cognito('AdminGetUser', 'username'), {
    by: 'cancel-user-creation',
    to: 'cognito-idp:AdminGetUser of what has no record',
    caller: 'undo',
    flow: 'unreached',
  }),
];

const onDelete: readonly Call[] = [
  made('app1-cancel-provisioning', describes('ProvisionServiceUser'), {
    by: 'cancel-provisioning',
    to: 'states:DescribeExecution',
    caller: 'api',
    flow: 'deprovision',
  }),
  made('app1-cancel-provisioning', describes('RollBackProvisioning'), {
    by: 'cancel-provisioning',
    to: 'states:DescribeExecution of the roll-back',
    caller: 'api',
    flow: 'deprovision',
  }),
  made('app1-cancel-provisioning', starts('RollBackProvisioning'), {
    by: 'cancel-provisioning',
    to: 'states:StartExecution',
    caller: 'api',
    flow: 'deprovision',
  }),
];

const rollBacks: readonly Call[] = [
  made('app1-stop-provisioning', describes('ProvisionServiceUser'), {
    by: 'StopProvisioning',
    to: 'states:DescribeExecution',
    caller: 'undo',
    flow: 'deprovision',
  }),
  made('app1-stop-provisioning', onExecution('GetExecutionHistory', 'ProvisionServiceUser'), {
    by: 'StopProvisioning',
    to: 'states:GetExecutionHistory',
    caller: 'undo',
    flow: 'deprovision',
  }),
  made('app1-stop-provisioning', onExecution('StopExecution', 'ProvisionServiceUser'), {
    by: 'StopProvisioning',
    to: 'states:StopExecution',
    caller: 'undo',
    flow: 'cancel',
    settledBy: ['answer lost', 'answer late', 'effect late'],
  }),
  made('app2-cancel-user-creation', describes('CreateServiceUser'), {
    by: 'cancel-user-creation',
    to: 'states:DescribeExecution',
    caller: 'undo',
    flow: 'deprovision',
  }),
  made('app2-cancel-user-creation', describes('RollBackServiceUser'), {
    by: 'cancel-user-creation',
    to: 'states:DescribeExecution of the roll-back',
    caller: 'undo',
    flow: 'deprovision',
  }),
  made('app2-cancel-user-creation', starts('RollBackServiceUser'), {
    by: 'cancel-user-creation',
    to: 'states:StartExecution',
    caller: 'undo',
    flow: 'deprovision',
    // The roll-back that was started is found by the next request.
    settledBy: ['answer lost', 'answer late', 'effect late'],
  }),
  made('app2-stop-user-creation', describes('CreateServiceUser'), {
    by: 'StopUserCreation',
    to: 'states:DescribeExecution',
    caller: 'undo',
    flow: 'deprovision',
  }),
  made('app2-stop-user-creation', onExecution('StopExecution', 'CreateServiceUser'), {
    by: 'StopUserCreation',
    to: 'states:StopExecution',
    caller: 'undo',
    flow: 'cancel',
    settledBy: ['answer lost', 'answer late', 'effect late'],
  }),
  made('app2-delete-user', cognito('AdminGetUser', 'username'), {
    by: 'DeleteUser',
    to: 'cognito-idp:AdminGetUser by name',
    caller: 'undo',
    flow: 'deprovision',
  }),
  published('app2', 'ServiceUserRemoved', { by: 'PublishUserRemoved', caller: 'undo', flow: 'deprovision' }),
  published('app1', 'ServiceUserDeprovisioned', {
    by: 'PublishDeprovisioned',
    caller: 'undo',
    flow: 'deprovision',
  }),
  published('app2', 'ServiceUserCreationCancelled', {
    by: 'PublishUserCreationCancelled',
    caller: 'undo',
    flow: 'cancel',
  }),
  published('app1', 'ServiceUserProvisioningCancelled', {
    by: 'PublishProvisioningCancelled',
    caller: 'undo',
    flow: 'cancel',
  }),
];

const watched: readonly Call[] = [
  made('app1-start-roll-back', describes('ProvisionServiceUser'), {
    by: 'start-roll-back',
    to: 'states:DescribeExecution',
    caller: 'watch',
    flow: 'stopped at App1',
  }),
  made('app1-start-roll-back', starts('RollBackProvisioning'), {
    by: 'start-roll-back',
    to: 'states:StartExecution',
    caller: 'watch',
    flow: 'stopped at App1',
    settledBy: ['answer lost', 'answer late', 'effect late'],
  }),
  made('app2-start-roll-back', describes('CreateServiceUser'), {
    by: 'start-roll-back',
    to: 'states:DescribeExecution',
    caller: 'watch',
    flow: 'stopped at App2',
  }),
  made('app2-start-roll-back', starts('RollBackServiceUser'), {
    by: 'start-roll-back',
    to: 'states:StartExecution',
    caller: 'watch',
    flow: 'stopped at App2',
  }),
];

export const calls: readonly Call[] = [
  ...onPost,
  ...provisionServiceUser,
  ...createServiceUser,
  ...undone,
  ...onDelete,
  ...rollBacks,
  ...watched,
];

/** A call of the table of the rate limiters, and of that of the clean outcomes: none decides what becomes of a user. */
const tableCall = (
  functionName: string,
  operation: string,
  call: Pick<Call, 'by' | 'flow'>,
  what: { of?: string; body?: string } = {},
): Call =>
  made(
    functionName,
    {
      match: () => ({
        service: 'dynamodb',
        operation,
        ...(what.body === undefined ? {} : { body: what.body }),
      }),
    },
    {
      ...call,
      to: `dynamodb:${operation}${what.of === undefined ? '' : ` ${what.of}`}`,
      caller: 'best effort',
    },
  );

/**
 * Calls that are made for many provisionings, or by which it cannot be told for which one: a fault of them is about all,
 * so that one of these rows runs after the other, and none beside them.
 */
export const sharedCalls: readonly Call[] = [
  made(
    'app1-call-app2',
    { match: () => ({ service: 'secretsmanager', operation: 'GetSecretValue' }) },
    {
      by: 'Authenticate',
      to: 'secretsmanager:GetSecretValue',
      caller: 'step',
      flow: 'provision',
      target: 'sign-in',
    },
  ),
  made(
    'app1-call-app2',
    { match: () => ({ service: 'cognito-idp', operation: 'InitiateAuth' }) },
    {
      by: 'Authenticate',
      to: 'cognito-idp:InitiateAuth',
      caller: 'step',
      flow: 'provision',
      target: 'sign-in',
    },
  ),
  made(
    'app1-call-app2',
    { match: () => ({ service: 'stepfunctions', operation: 'SendTaskSuccess' }) },
    {
      by: 'RequestUserCreation',
      to: 'states:SendTaskSuccess',
      caller: 'step',
      flow: 'provision',
      // The task has ended, whatever becomes of the function.
      settledBy: ['answer lost', 'answer late'],
    },
  ),
  {
    by: 'authorizer',
    to: 'GET jwks.json',
    service: 'app2',
    functionName: 'app2-authorizer',
    caller: 'authorizer',
    flow: 'provision',
    match: () => ({ service: 'jwks', operation: 'GET' }),
  },
  tableCall('app2-start-user-creation', 'GetItem', { by: 'start-user-creation', flow: 'provision' }),
  tableCall('app2-start-user-creation', 'UpdateItem', { by: 'start-user-creation', flow: 'provision' }),
  tableCall('app2-decrypt-credentials', 'UpdateItem', { by: 'DecryptCredentials', flow: 'provision' }),
  tableCall('app2-add-to-group', 'UpdateItem', { by: 'AddToGroup', flow: 'provision' }),
  tableCall('app1-start-provisioning', 'UpdateItem', { by: 'start-provisioning', flow: 'repeat' }),
  tableCall('app1-cancel-provisioning', 'UpdateItem', { by: 'cancel-provisioning', flow: 'deprovision' }),
  tableCall(
    'app2-stop-user-creation',
    'DeleteItem',
    { by: 'StopUserCreation', flow: 'cancel' },
    { of: 'of the reservation', body: "starts_with(Key.name.S, 'reservation:')" },
  ),
  tableCall('app1-start-roll-back', 'PutItem', {
    by: 'start-roll-back',
    flow: 'undo',
  }),
  tableCall('app2-start-roll-back', 'PutItem', { by: 'start-roll-back', flow: 'undo' }),
];

/** A call that is made while App1 waits for a notification. */
type NotifiedCall = Omit<Call, 'flow' | 'settledBy'>;

const ofProvisioning = (service: string, operation: string, field: string): Match => ({
  match: ({ id }) => ({ service, operation, body: `${field} == ${text(id)}` }),
});

const notified = (
  functionName: string,
  match: Match,
  call: Pick<Call, 'by' | 'to' | 'caller'>,
): NotifiedCall => made(functionName, match, { ...call, flow: 'provision' });

/** Calls that are made only when a creation is queued, or is not polled: App1 registers its task, App2 notifies. */
export const notifiedCalls: readonly NotifiedCall[] = [
  notified('app1-call-app2', ofProvisioning('dynamodb', 'UpdateItem', 'Key.provisioning_id.S'), {
    by: 'RequestUserCreation',
    to: 'dynamodb:UpdateItem of the registry',
    caller: 'step',
  }),
  notified('app1-call-app2', ofProvisioning('kms', 'Encrypt', 'EncryptionContext.provisioning_id'), {
    by: 'RequestUserCreation',
    to: 'kms:Encrypt of the task token',
    caller: 'step',
  }),
  notified(
    'app2-notify-completion',
    {
      match: ({ id }) => ({
        service: 'events',
        operation: 'PutEvents',
        body: `contains(Entries[0].Detail, ${text(id)})`,
      }),
    },
    { by: 'notify-completion', to: 'events:PutEvents', caller: 'watch' },
  ),
  notified('app1-call-app2', ofProvisioning('kms', 'Decrypt', 'EncryptionContext.provisioning_id'), {
    by: 'call-app2',
    to: 'kms:Decrypt of the task token',
    caller: 'watch',
  }),
  notified('app2-get-user-creation', cognito('AdminGetUser', 'username'), {
    by: 'get-user-creation',
    to: 'cognito-idp:AdminGetUser',
    caller: 'watch',
  }),
  notified('app2-get-user-creation', cognito('AdminListGroupsForUser', 'sub'), {
    by: 'get-user-creation',
    to: 'cognito-idp:AdminListGroupsForUser',
    caller: 'watch',
  }),
];

/** What the sweeps call to know what there is; without the outcomes that are known to be clean they just call more. */
export const sweepCalls: readonly {
  service: string;
  operation: string;
  action: string;
  caller?: 'best effort';
}[] = [
  { service: 'dynamodb', operation: 'GetItem', action: 'dynamodb:GetItem' },
  { service: 'stepfunctions', operation: 'ListExecutions', action: 'states:ListExecutions' },
  { service: 'dynamodb', operation: 'PutItem', action: 'dynamodb:PutItem' },
  {
    service: 'dynamodb',
    operation: 'BatchGetItem',
    action: 'dynamodb:BatchGetItem',
    caller: 'best effort',
  },
  { service: 'events', operation: 'DescribeEventBus', action: 'events:DescribeEventBus' },
  { service: 'events', operation: 'DescribeRule', action: 'events:DescribeRule' },
];
