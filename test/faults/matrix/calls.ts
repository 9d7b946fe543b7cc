import type { ServiceKind } from '../../../contracts/services.ts';
import { functionNamed } from '../../../infra/names.ts';
import type { FaultRule } from '../../../local/harness/faults/rules.ts';
import { targetFunction } from '../support/target.ts';
import type { Fault } from './faults.ts';
import type { Flow } from './flows.ts';
import {
  cognito,
  describes,
  intakeEncryption,
  type Match,
  onExecution,
  type ProvisioningIdentifiers,
  publishes,
  starts,
  targetKey,
  targetRequests,
  text,
} from './matches.ts';

/**
 * Every call to AWS and to App2 that the system makes for one provisioning, as the fault proxy sees it. The name of a
 * call is the state or function that makes it, and the operation that it calls.
 */

/** What retries the call. The effect of a fault follows from it. */
export type Caller =
  /** A state that can be compensated: its retry policies; then the compensation starts. */
  | 'step'
  /** A state of a compensation: its retry policy, which is the longest; then the sweep starts the next roll-back. */
  | 'compensation'
  /** A function behind App1's API: the SDK retries once, then the caller repeats the request. */
  | 'api'
  /** A function behind App2's API: the SDK retries once, then App1's state, which takes App2 for unavailable. */
  | 'app2 api'
  /** App2's authorizer: no retry of its own; App1's state retries, and its compensation needs the authorizer, too. */
  | 'authorizer'
  /**
   * The function of the rule on status changes of executions: the SDK retries once, then Lambda twice; then the sweep
   * starts the roll-back.
   */
  | 'event rule'
  /** A function that continues without the result. */
  | 'best effort';

export interface Call extends Match {
  /** The state that makes the call, or the function when it belongs to no state. */
  by: string;
  /** API and operation, with what the call is about where several calls share them. */
  to: string;
  service: ServiceKind;
  caller: Caller;
  flow: Flow;
  /** The Lambda function that makes the call; absent for a state that calls EventBridge itself. */
  functionName?: string;
  /** Faults that lead to the call. */
  given?: (identifiers: ProvisioningIdentifiers) => FaultRule[];
  /** Whether a roll-back does not make this call, because it does not know the user's `sub`. */
  notInRollBack?: true;
  /** Faults in spite of which the call takes effect, so that the retry finds nothing left to do. */
  effectiveDespite?: readonly Fault[];
  /** The part of the target that the call needs. The state retries until an outage of it ends. */
  target?: 'sign-in' | 'key';
  /** Whether it is a request to App2, not a call to AWS. */
  http?: true;
}

/** Matches calls that this function makes: on the local AWS under test, its SDK puts the name into `User-Agent`. */
export const fromFunction = (functionName: string) => ({ headers: { 'User-Agent': `app/${functionName}` } });

/** The name that a function of the target under test has at another target. */
export const functionAt = (target: string, functionName: string): string =>
  functionName.startsWith(targetFunction(''))
    ? functionNamed(target, functionName.slice(targetFunction('').length))
    : functionName;

const functionCall = (
  functionName: string,
  { match }: Match,
  call: Omit<Call, 'match' | 'functionName' | 'service'>,
): Call => ({
  ...call,
  service: functionName.startsWith('app1-') ? 'app1' : 'app2',
  functionName,
  match: (identifiers) => ({
    ...match(identifiers),
    ...fromFunction(functionAt(identifiers.target, functionName)),
  }),
});

/** The call by which a state publishes an event. */
const publishCall = (
  service: ServiceKind,
  event: string,
  call: Omit<Call, 'match' | 'service' | 'to'>,
): Call => ({
  ...call,
  to: 'events:PutEvents',
  service,
  ...publishes(service, event),
});

/** A request of App1 to App2. */
const targetRequest = ({ match }: Match, call: Omit<Call, 'match' | 'service' | 'http'>): Call => ({
  ...call,
  service: 'app1',
  http: true,
  match,
});

const CREATE = cognito('AdminCreateUser', 'username');

const postCalls: readonly Call[] = [
  functionCall('app1-start-provisioning', intakeEncryption, {
    by: 'start-provisioning',
    to: 'kms:Encrypt',
    caller: 'api',
    flow: 'provision',
  }),
  functionCall(
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
  functionCall('app1-start-provisioning', starts('ProvisionServiceUser'), {
    by: 'start-provisioning',
    to: 'states:StartExecution',
    caller: 'api',
    flow: 'provision',
  }),
  functionCall('app1-start-provisioning', describes('ProvisionServiceUser'), {
    by: 'start-provisioning',
    to: 'states:DescribeExecution',
    caller: 'api',
    flow: 'repeat',
  }),
];

const provisionServiceUser: readonly Call[] = [
  functionCall('app1-encrypt-credentials', targetKey('ReEncrypt'), {
    by: 'EncryptCredentials',
    to: 'kms:ReEncrypt',
    caller: 'step',
    flow: 'provision',
    target: 'key',
  }),
  targetRequest(targetRequests.POST, {
    by: 'RequestUserCreation',
    to: 'POST /admin/create-user',
    caller: 'step',
    flow: 'provision',
  }),
  functionCall(targetFunction('start-user-creation'), starts('CreateServiceUser'), {
    by: 'start-user-creation',
    to: 'states:StartExecution',
    caller: 'app2 api',
    flow: 'provision',
  }),
  functionCall(targetFunction('start-user-creation'), describes('CreateServiceUser'), {
    by: 'start-user-creation',
    to: 'states:DescribeExecution',
    caller: 'app2 api',
    flow: 'provision',
  }),
  publishCall('app1', 'ServiceUserProvisioningRequested', {
    by: 'PublishRequested',
    caller: 'step',
    flow: 'provision',
  }),
  publishCall('app1', 'ServiceUserProvisioned', {
    by: 'PublishProvisioned',
    caller: 'step',
    flow: 'provision',
  }),
];

const createServiceUser: readonly Call[] = [
  functionCall(targetFunction('decrypt-credentials'), targetKey('Decrypt'), {
    by: 'DecryptCredentials',
    to: 'kms:Decrypt',
    caller: 'step',
    flow: 'provision',
  }),
  functionCall(targetFunction('create-user'), CREATE, {
    by: 'CreateUser',
    to: 'cognito-idp:AdminCreateUser',
    caller: 'step',
    flow: 'provision',
  }),
  functionCall(targetFunction('create-user'), cognito('AdminGetUser', 'username'), {
    by: 'CreateUser',
    to: 'cognito-idp:AdminGetUser after a lost response',
    caller: 'step',
    flow: 'provision',
    given: (identifiers) => [{ ...CREATE.match(identifiers), response: { abort_bytes: 0 }, times: 1 }],
  }),
  functionCall(targetFunction('create-user'), describes('CreateServiceUser', 'rival'), {
    by: 'CreateUser',
    to: 'states:DescribeExecution of the creation of the existing user',
    caller: 'step',
    flow: 'name in use',
  }),
  functionCall(targetFunction('create-user'), describes('RollBackServiceUser', 'rival'), {
    by: 'CreateUser',
    to: 'states:DescribeExecution of the roll-back of the existing user',
    caller: 'step',
    flow: 'name in use',
  }),
  functionCall(targetFunction('set-password'), targetKey('Decrypt'), {
    by: 'SetPassword',
    to: 'kms:Decrypt',
    caller: 'step',
    flow: 'provision',
  }),
  functionCall(targetFunction('set-password'), cognito('AdminSetUserPassword', 'sub'), {
    by: 'SetPassword',
    to: 'cognito-idp:AdminSetUserPassword',
    caller: 'step',
    flow: 'provision',
  }),
  functionCall(targetFunction('add-to-group'), cognito('AdminAddUserToGroup', 'sub'), {
    by: 'AddToGroup',
    to: 'cognito-idp:AdminAddUserToGroup',
    caller: 'step',
    flow: 'provision',
  }),
  publishCall('app2', 'ServiceUserCreated', { by: 'PublishUserCreated', caller: 'step', flow: 'provision' }),
];

const compensationCalls: readonly Call[] = [
  functionCall(targetFunction('delete-user'), cognito('AdminGetUser', 'sub'), {
    by: 'DeleteUser',
    to: 'cognito-idp:AdminGetUser',
    caller: 'compensation',
    flow: 'compensation',
    notInRollBack: true,
  }),
  functionCall(targetFunction('delete-user'), cognito('AdminDeleteUser', 'sub'), {
    by: 'DeleteUser',
    to: 'cognito-idp:AdminDeleteUser',
    caller: 'compensation',
    flow: 'compensation',
    effectiveDespite: ['response lost', 'response late', 'late effect'],
  }),
  publishCall('app2', 'ServiceUserCreationRolledBack', {
    by: 'PublishUserRolledBack',
    caller: 'compensation',
    flow: 'compensation',
  }),
  targetRequest(targetRequests.DELETE, {
    by: 'CancelUserCreation',
    to: 'DELETE /admin/create-user/{id}',
    caller: 'compensation',
    flow: 'compensation',
    // The response is a 204, which has no body to lose.
    effectiveDespite: ['response lost'],
  }),
  publishCall('app1', 'ServiceUserProvisioningFailed', {
    by: 'PublishProvisioningFailed',
    caller: 'compensation',
    flow: 'compensation',
  }),
  functionCall(targetFunction('cancel-user-creation'), starts('CreateServiceUser'), {
    by: 'cancel-user-creation',
    to: 'states:StartExecution under the name of the missing creation',
    caller: 'compensation',
    flow: 'compensation before App2',
    effectiveDespite: ['response lost', 'response late', 'late effect'],
  }),
  functionCall(targetFunction('cancel-user-creation'), cognito('AdminGetUser', 'username'), {
    by: 'cancel-user-creation',
    to: 'cognito-idp:AdminGetUser of a creation without a record',
    caller: 'compensation',
    flow: 'compensation before App2',
  }),
];

const deleteCalls: readonly Call[] = [
  functionCall('app1-cancel-provisioning', describes('ProvisionServiceUser'), {
    by: 'cancel-provisioning',
    to: 'states:DescribeExecution',
    caller: 'api',
    flow: 'deprovision',
  }),
  functionCall('app1-cancel-provisioning', describes('RollBackProvisioning'), {
    by: 'cancel-provisioning',
    to: 'states:DescribeExecution of the roll-back',
    caller: 'api',
    flow: 'deprovision',
  }),
  functionCall('app1-cancel-provisioning', starts('RollBackProvisioning'), {
    by: 'cancel-provisioning',
    to: 'states:StartExecution',
    caller: 'api',
    flow: 'deprovision',
  }),
];

const rollBackCalls: readonly Call[] = [
  functionCall('app1-stop-provisioning', describes('ProvisionServiceUser'), {
    by: 'StopProvisioning',
    to: 'states:DescribeExecution',
    caller: 'compensation',
    flow: 'deprovision',
  }),
  functionCall('app1-stop-provisioning', onExecution('GetExecutionHistory', 'ProvisionServiceUser'), {
    by: 'StopProvisioning',
    to: 'states:GetExecutionHistory',
    caller: 'compensation',
    flow: 'deprovision',
  }),
  functionCall('app1-stop-provisioning', onExecution('StopExecution', 'ProvisionServiceUser'), {
    by: 'StopProvisioning',
    to: 'states:StopExecution',
    caller: 'compensation',
    flow: 'cancel',
    effectiveDespite: ['response lost', 'response late', 'late effect'],
  }),
  functionCall(targetFunction('cancel-user-creation'), describes('CreateServiceUser'), {
    by: 'cancel-user-creation',
    to: 'states:DescribeExecution',
    caller: 'compensation',
    flow: 'deprovision',
  }),
  functionCall(targetFunction('cancel-user-creation'), describes('RollBackServiceUser'), {
    by: 'cancel-user-creation',
    to: 'states:DescribeExecution of the roll-back',
    caller: 'compensation',
    flow: 'deprovision',
  }),
  functionCall(targetFunction('cancel-user-creation'), starts('RollBackServiceUser'), {
    by: 'cancel-user-creation',
    to: 'states:StartExecution',
    caller: 'compensation',
    flow: 'deprovision',
    // The next request finds the roll-back that was started.
    effectiveDespite: ['response lost', 'response late', 'late effect'],
  }),
  functionCall(targetFunction('stop-user-creation'), describes('CreateServiceUser'), {
    by: 'StopUserCreation',
    to: 'states:DescribeExecution',
    caller: 'compensation',
    flow: 'deprovision',
  }),
  functionCall(targetFunction('stop-user-creation'), onExecution('StopExecution', 'CreateServiceUser'), {
    by: 'StopUserCreation',
    to: 'states:StopExecution',
    caller: 'compensation',
    flow: 'cancel',
    effectiveDespite: ['response lost', 'response late', 'late effect'],
  }),
  functionCall(targetFunction('delete-user'), cognito('AdminGetUser', 'username'), {
    by: 'DeleteUser',
    to: 'cognito-idp:AdminGetUser by name',
    caller: 'compensation',
    flow: 'deprovision',
  }),
  publishCall('app2', 'ServiceUserRemoved', {
    by: 'PublishUserRemoved',
    caller: 'compensation',
    flow: 'deprovision',
  }),
  publishCall('app1', 'ServiceUserDeprovisioned', {
    by: 'PublishDeprovisioned',
    caller: 'compensation',
    flow: 'deprovision',
  }),
  publishCall('app2', 'ServiceUserCreationCancelled', {
    by: 'PublishUserCreationCancelled',
    caller: 'compensation',
    flow: 'cancel',
  }),
  publishCall('app1', 'ServiceUserProvisioningCancelled', {
    by: 'PublishProvisioningCancelled',
    caller: 'compensation',
    flow: 'cancel',
  }),
];

const eventRuleCalls: readonly Call[] = [
  functionCall('app1-start-roll-back', describes('ProvisionServiceUser'), {
    by: 'start-roll-back',
    to: 'states:DescribeExecution',
    caller: 'event rule',
    flow: 'stopped at App1',
  }),
  functionCall('app1-start-roll-back', starts('RollBackProvisioning'), {
    by: 'start-roll-back',
    to: 'states:StartExecution',
    caller: 'event rule',
    flow: 'stopped at App1',
    effectiveDespite: ['response lost', 'response late', 'late effect'],
  }),
  functionCall(targetFunction('start-roll-back'), describes('CreateServiceUser'), {
    by: 'start-roll-back',
    to: 'states:DescribeExecution',
    caller: 'event rule',
    flow: 'stopped at App2',
  }),
  functionCall(targetFunction('start-roll-back'), starts('RollBackServiceUser'), {
    by: 'start-roll-back',
    to: 'states:StartExecution',
    caller: 'event rule',
    flow: 'stopped at App2',
  }),
];

export const calls: readonly Call[] = [
  ...postCalls,
  ...provisionServiceUser,
  ...createServiceUser,
  ...compensationCalls,
  ...deleteCalls,
  ...rollBackCalls,
  ...eventRuleCalls,
];

/** A call to the table of the rate limiters or to the table of the clean outcomes. No user depends on one of them. */
const tableCall = (
  functionName: string,
  operation: string,
  call: Pick<Call, 'by' | 'flow'>,
  item: { name?: string; body?: string } = {},
): Call =>
  functionCall(
    functionName,
    {
      match: () => ({
        service: 'dynamodb',
        operation,
        ...(item.body === undefined ? {} : { body: item.body }),
      }),
    },
    {
      ...call,
      to: `dynamodb:${operation}${item.name === undefined ? '' : ` of ${item.name}`}`,
      caller: 'best effort',
    },
  );

/**
 * Calls that serve many provisionings, or that do not identify the provisioning. A fault in one of them affects every
 * provisioning, so these rows run one after the other, and no other case runs at the same time.
 */
export const sharedCalls: readonly Call[] = [
  functionCall(
    'app1-call-target',
    {
      match: ({ secretArn }) => ({
        service: 'secretsmanager',
        operation: 'GetSecretValue',
        body: `SecretId == ${text(secretArn)}`,
      }),
    },
    {
      by: 'Authenticate',
      to: 'secretsmanager:GetSecretValue',
      caller: 'step',
      flow: 'provision',
      target: 'sign-in',
    },
  ),
  functionCall(
    'app1-call-target',
    {
      match: ({ clientId }) => ({
        service: 'cognito-idp',
        operation: 'InitiateAuth',
        body: `ClientId == ${text(clientId)}`,
      }),
    },
    {
      by: 'Authenticate',
      to: 'cognito-idp:InitiateAuth',
      caller: 'step',
      flow: 'provision',
      target: 'sign-in',
    },
  ),
  functionCall(
    'app1-call-target',
    { match: () => ({ service: 'stepfunctions', operation: 'SendTaskSuccess' }) },
    {
      by: 'RequestUserCreation',
      to: 'states:SendTaskSuccess',
      caller: 'step',
      flow: 'provision',
      // The task has finished, even if the function fails afterwards.
      effectiveDespite: ['response lost', 'response late'],
    },
  ),
  {
    by: 'authorizer',
    to: 'GET jwks.json',
    service: 'app2',
    functionName: targetFunction('authorizer'),
    caller: 'authorizer',
    flow: 'provision',
    match: () => ({ service: 'jwks', operation: 'GET' }),
  },
  tableCall(targetFunction('start-user-creation'), 'GetItem', {
    by: 'start-user-creation',
    flow: 'provision',
  }),
  tableCall(targetFunction('start-user-creation'), 'UpdateItem', {
    by: 'start-user-creation',
    flow: 'provision',
  }),
  tableCall(targetFunction('decrypt-credentials'), 'UpdateItem', {
    by: 'DecryptCredentials',
    flow: 'provision',
  }),
  tableCall(targetFunction('add-to-group'), 'UpdateItem', { by: 'AddToGroup', flow: 'provision' }),
  tableCall('app1-start-provisioning', 'UpdateItem', { by: 'start-provisioning', flow: 'repeat' }),
  tableCall('app1-cancel-provisioning', 'UpdateItem', { by: 'cancel-provisioning', flow: 'deprovision' }),
  tableCall(
    targetFunction('stop-user-creation'),
    'DeleteItem',
    { by: 'StopUserCreation', flow: 'cancel' },
    { name: 'the reservation', body: "starts_with(Key.name.S, 'reservation:')" },
  ),
  tableCall('app1-start-roll-back', 'PutItem', {
    by: 'start-roll-back',
    flow: 'compensation',
  }),
  tableCall(targetFunction('start-roll-back'), 'PutItem', { by: 'start-roll-back', flow: 'compensation' }),
];

/** A call that the system makes only while App1 waits for a completion notification. */
type NotifiedCall = Omit<Call, 'flow' | 'effectiveDespite'>;

const tokenKey = (operation: 'Encrypt' | 'Decrypt'): Match => ({
  match: ({ id, target }) => ({
    service: 'kms',
    operation,
    body: `EncryptionContext.provisioning_id == ${text(id)} && EncryptionContext.waits_for == ${text(target)}`,
  }),
});

const notified = (
  functionName: string,
  match: Match,
  call: Pick<Call, 'by' | 'to' | 'caller'>,
): NotifiedCall => functionCall(functionName, match, { ...call, flow: 'provision' });

/**
 * Calls that the system makes only when a creation is queued, or when App1 does not poll: App1 registers its task token,
 * and App2 publishes a completion notification.
 */
export const notifiedCalls: readonly NotifiedCall[] = [
  notified(
    'app1-call-target',
    {
      match: ({ id, target }) => ({
        service: 'dynamodb',
        operation: 'UpdateItem',
        body: `Key.provisioning_id.S == ${text(id)} && Key.target.S == ${text(target)}`,
      }),
    },
    { by: 'RequestUserCreation', to: 'dynamodb:UpdateItem of the registry', caller: 'step' },
  ),
  notified('app1-call-target', tokenKey('Encrypt'), {
    by: 'RequestUserCreation',
    to: 'kms:Encrypt of the task token',
    caller: 'step',
  }),
  notified(
    targetFunction('notify-completion'),
    {
      match: ({ id }) => ({
        service: 'events',
        operation: 'PutEvents',
        body: `contains(Entries[0].Detail, ${text(id)})`,
      }),
    },
    { by: 'notify-completion', to: 'events:PutEvents', caller: 'event rule' },
  ),
  notified('app1-call-target', tokenKey('Decrypt'), {
    by: 'call-target',
    to: 'kms:Decrypt of the task token',
    caller: 'event rule',
  }),
  notified(targetFunction('get-user-creation'), cognito('AdminGetUser', 'username'), {
    by: 'get-user-creation',
    to: 'cognito-idp:AdminGetUser',
    caller: 'event rule',
  }),
  notified(targetFunction('get-user-creation'), cognito('AdminListGroupsForUser', 'sub'), {
    by: 'get-user-creation',
    to: 'cognito-idp:AdminListGroupsForUser',
    caller: 'event rule',
  }),
];

/** Calls by which the sweeps find executions. Without the recorded clean outcomes they describe more executions. */
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
