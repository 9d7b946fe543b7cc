/**
 * What the system relies on and nobody could see without an AWS account: AWS does not document it, documents it in a way
 * that can be read twice, or it was not among what others have recorded on AWS. docs/aws-assumptions.md shows this table.
 */
export interface Assumption {
  readonly id: string;
  /** What AWS does, as the system takes it. */
  readonly assumption: string;
  /** The files that would have to change. */
  readonly reliesOn: readonly string[];
  /** A page of docs.aws.amazon.com that says so without all that is needed, or how else it is known. */
  readonly source: string;
  /** What decides it on an account. */
  readonly decidedBy: Decided;
}

/** By checks, by their names; with what they have to be run. Or by nothing that can be run, with the reason and what is done about it. */
type Decided =
  | { readonly checks: readonly string[]; readonly with?: '--full' | '--app2-profile' | '--api-key-file' }
  | { readonly undecided: string };

const INFERRED = 'inferred';

export const assumptions: readonly Assumption[] = [
  {
    id: 'stop-is-not-caught',
    assumption:
      'A stopped execution runs no Catch: it becomes ABORTED, and its status change reaches the rule with its input.',
    reliesOn: ['infra/constructs/roll-back-watch.ts', 'handlers/shared/finished-execution.ts'],
    source: `${INFERRED} from step-functions/latest/dg/concepts-error-handling`,
    decidedBy: { checks: ['removal/stopped-provisioning', 'removal/stopped-creation'] },
  },
  {
    id: 'ended-name-is-taken',
    assumption:
      'StartExecution refuses the name of an execution that has ended with ExecutionAlreadyExists, also for the same input.',
    reliesOn: ['handlers/shared/executions.ts', 'handlers/app2/start-user-creation.ts'],
    source: 'step-functions/latest/apireference/API_StartExecution; not recorded for the same input',
    decidedBy: { checks: ['assumed/name-taken', 'provisioning/repeat'] },
  },
  {
    id: 'describe-may-be-late',
    assumption:
      'DescribeExecution may not know an execution for some seconds after its start, and then knows it.',
    reliesOn: ['handlers/shared/waiting-for.ts', 'handlers/shared/executions.ts'],
    source: 'step-functions/latest/apireference/API_DescribeExecution, which does not say for how long',
    decidedBy: {
      undecided:
        'Nothing makes AWS be late. Nothing is decided on it alone: who does not see an execution yet asks again.',
    },
  },
  {
    id: 'name-is-free-after-retention',
    assumption: 'The name of an execution is free 90 days after its end, and not before.',
    reliesOn: ['contracts/time-limits.ts'],
    source: 'step-functions/latest/dg/service-quotas',
    decidedBy: {
      undecided:
        'It takes 90 days. A later name belongs to another generation, which touches no user of an earlier one (docs/decisions/0024-generations.md).',
    },
  },
  {
    id: 'callback-before-the-function-returns',
    assumption:
      'A task with a callback takes the success that its own function sends before that function has returned.',
    reliesOn: ['handlers/app1/call-app2.ts', 'workflows/app1/provision-service-user.ts'],
    source: `${INFERRED} from step-functions/latest/dg/connect-to-resource (waitForTaskToken)`,
    decidedBy: { checks: ['provisioning/succeeds', 'provisioning/retry'] },
  },
  {
    id: 'redrive-count',
    assumption:
      'The context object tells the redrive count of an execution, also in a step that a redrive begins with.',
    reliesOn: ['handlers/shared/redriven.ts', 'workflows/app1/provision-service-user.ts'],
    source: 'step-functions/latest/dg/redrive-executions; not recorded',
    decidedBy: {
      undecided:
        'A redrive needs an execution that has failed in a step, which only a defect brings about. Nobody has the right to redrive by a role of this system.',
    },
  },
  {
    id: 'names-of-event-errors',
    assumption:
      'A PutEvents that is refused ends a task with EventBridge.FailedEntry, EventBridge.EventBridgeException or EventBridge.AmazonEventBridgeException.',
    reliesOn: ['workflows/aws-errors.ts'],
    source: 'step-functions/latest/dg/connect-eventbridge; the latter two inferred',
    decidedBy: {
      undecided:
        'It needs a bus that refuses. Every other name is caught, too: it leads to the compensation without further attempts.',
    },
  },
  {
    id: 'calls-land-in-time',
    assumption:
      'A call that nobody waits for any more takes effect within three seconds after its client has given up, or never.',
    reliesOn: ['contracts/time-limits.ts', 'handlers/app2/delete-user.ts'],
    source: INFERRED,
    decidedBy: {
      undecided:
        'Nothing makes AWS be late. A user that comes later has the stamp of its provisioning, and the audit of pool and records finds it.',
    },
  },
  {
    id: 'admin-get-user-is-consistent',
    assumption:
      'AdminGetUser shows a user as soon as the call that made, changed or deleted it was answered.',
    reliesOn: ['handlers/app2/lib/pool-user.ts', 'handlers/app2/create-user.ts'],
    source:
      'cognito-user-identity-pools/latest/APIReference/API_ListUsers advises AdminGetUser; no page promises it',
    decidedBy: { checks: ['provisioning/taken-name', 'removal/delete'] },
  },
  {
    id: 'group-again',
    assumption: 'AdminAddUserToGroup succeeds for a user that is in the group.',
    reliesOn: ['handlers/app2/add-to-group.ts'],
    source: `${INFERRED}: the API has no error for it`,
    decidedBy: { checks: ['assumed/group-again'] },
  },
  {
    id: 'password-again',
    assumption:
      'AdminSetUserPassword takes the password that the user has, in a pool without password history.',
    reliesOn: ['handlers/app2/set-password.ts'],
    source: `${INFERRED} from cognito-user-identity-pools/latest/APIReference/API_AdminSetUserPassword`,
    decidedBy: { checks: ['assumed/password-again'] },
  },
  {
    id: 'space-in-a-password',
    assumption:
      'Cognito takes a password with a space inside, and counts the space as a symbol; or refuses it with InvalidPasswordException or InvalidParameterException.',
    reliesOn: ['contracts/password-policy.ts', 'handlers/app2/set-password.ts'],
    source: 'cognito/latest/developerguide/managing-users-passwords',
    decidedBy: { checks: ['passwords/inner-space', 'signals/no-system-alarm'] },
  },
  {
    id: 'length-of-a-password',
    assumption: 'Cognito counts the characters of a password in code points or in UTF-16 units.',
    reliesOn: ['contracts/fields.ts', 'contracts/password-policy.ts'],
    source: 'no page says which',
    decidedBy: {
      undecided:
        'Both are counted, the least by one and the greatest by the other, so that what App1 lets pass is short and long enough for either (docs/decisions/0028-text.md).',
    },
  },
  {
    id: 'secret-hash',
    assumption:
      'SECRET_HASH is the HMAC-SHA256 of username and client id under the client secret, in base64.',
    reliesOn: ['handlers/shared/secret-hash.ts'],
    source: 'cognito/latest/developerguide/signing-up-users-in-your-app (SecretHash)',
    decidedBy: { checks: ['provisioning/machine-signs-in'] },
  },
  {
    id: 'groups-in-access-tokens',
    assumption:
      'The access token of InitiateAuth names the groups of the user and the client that it was issued to.',
    reliesOn: ['handlers/app2/authorizer.ts'],
    source: 'cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token',
    decidedBy: {
      checks: ['provisioning/signs-in', 'refusals/foreign-group', 'refusals/foreign-client'],
    },
  },
  {
    id: 'owner-of-a-role-session',
    assumption:
      'API Gateway tells account and unique id of whoever signed a request; of a role, without its session.',
    reliesOn: ['handlers/app1/lib/owner.ts'],
    source:
      'apigateway/latest/developerguide/api-gateway-mapping-template-reference ($context.identity.caller)',
    decidedBy: { checks: ['provisioning/repeat', 'removal/delete'] },
  },
  {
    id: 'gateway-responses',
    assumption:
      'A gateway response sets Content-Type and other headers, although its template is one for application/json.',
    reliesOn: ['infra/constructs/problem-responses.ts'],
    source: 'apigateway/latest/developerguide/supported-gateway-response-types; not recorded',
    decidedBy: {
      checks: ['refusals/unsigned', 'refusals/unknown-route', 'refusals/bad-json', 'refusals/no-token'],
    },
  },
  {
    id: 'malformed-signature',
    assumption:
      'An Authorization header that is no signature is answered with 403 by the gateway response DEFAULT_4XX.',
    reliesOn: ['infra/constructs/problem-responses.ts'],
    source: `${INFERRED}: no type of gateway response is documented for it`,
    decidedBy: { checks: ['refusals/malformed-signature'] },
  },
  {
    id: 'too-large-bodies',
    assumption:
      'A body above the 6 MB of Lambda or the 10 MB of API Gateway is answered by the gateway response REQUEST_TOO_LARGE.',
    reliesOn: ['infra/constructs/problem-responses.ts'],
    source: `${INFERRED} from apigateway/latest/developerguide/supported-gateway-response-types`,
    decidedBy: {
      checks: ['refusals/too-large-for-lambda', 'refusals/too-large-for-the-gateway'],
      with: '--full',
    },
  },
  {
    id: 'authorizer-verdicts',
    assumption:
      'An authorizer that throws Unauthorized is answered with UNAUTHORIZED, a policy that denies with ACCESS_DENIED; one policy is kept for each token, for all routes.',
    reliesOn: ['handlers/app2/authorizer.ts', 'contracts/app2-access.ts'],
    source: 'apigateway/latest/developerguide/api-gateway-lambda-authorizer-output; not recorded',
    decidedBy: {
      checks: ['refusals/invalid-token', 'refusals/foreign-group', 'refusals/unknown-route-of-app2'],
    },
  },
  {
    id: 'missing-api-key',
    assumption:
      'A signed request without an API key, where one is asked for, is answered by the gateway response INVALID_API_KEY.',
    reliesOn: ['infra/constructs/service-api.ts'],
    source: 'apigateway/latest/developerguide/supported-gateway-response-types; not recorded',
    decidedBy: { checks: ['refusals/missing-api-key'], with: '--api-key-file' },
  },
  {
    id: 'notify-pattern',
    assumption:
      'An event pattern with a wildcard matches the input of an execution, which is text in the status change.',
    reliesOn: ['infra/app2-stack.ts'],
    source: 'eventbridge/latest/userguide/eb-create-pattern-operators',
    decidedBy: { checks: ['notification/sent'] },
  },
  {
    id: 'rule-on-another-bus',
    assumption:
      "App1's rule on App2's bus, which CloudFormation makes in App1's account, forwards to a bus of App1's account.",
    reliesOn: ['infra/constructs/notifications.ts', 'infra/constructs/audit-bus.ts'],
    source: 'eventbridge/latest/userguide/eb-cross-account; the conditions of the bus policy inferred',
    decidedBy: { checks: ['notification/delivered'], with: '--app2-profile' },
  },
  {
    id: 're-encrypt-across-accounts',
    assumption:
      "App1's role may re-encrypt to App2's key by the key's policy, with a condition on the encryption context of the destination.",
    reliesOn: ['infra/permissions.ts', 'handlers/app1/encrypt-credentials.ts'],
    source: 'kms/latest/developerguide/conditions-kms (kms:EncryptionContext of ReEncrypt)',
    decidedBy: { checks: ['provisioning/succeeds'], with: '--app2-profile' },
  },
  {
    id: 'secret-across-accounts',
    assumption:
      "App1's role reads App2's secret by the secret's policy, and its key by a condition on kms:ViaService and the secret's ARN.",
    reliesOn: ['infra/app1-stack.ts', 'infra/app2-stack.ts'],
    source: 'secretsmanager/latest/userguide/auth-and-access_examples_cross',
    decidedBy: { checks: ['provisioning/succeeds'], with: '--app2-profile' },
  },
  {
    id: 'events-to-a-log',
    assumption:
      'EventBridge writes to a log group by the policy of that log group, with a condition on the ARN of the rule.',
    reliesOn: ['infra/constructs/audit-bus.ts'],
    source:
      'AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy (resourceArn); that EventBridge is let by it, and the condition, inferred',
    decidedBy: { checks: ['signals/events'] },
  },
  {
    id: 'permissions-to-put-events',
    assumption:
      'PutEvents by a state machine and by a function meets conditions on events:source and events:detail-type.',
    reliesOn: ['infra/permissions.ts'],
    source: 'eventbridge/latest/userguide/eb-use-conditions',
    decidedBy: { checks: ['signals/events', 'notification/sent'] },
  },
  {
    id: 'filters-on-logs-of-machines',
    assumption: 'Entries of the logs of state machines have the fields by which metric filters count them.',
    reliesOn: ['infra/constructs/log-metrics.ts'],
    source: 'step-functions/latest/dg/cw-logs; recorded in part',
    decidedBy: { checks: ['signals/metric-filters'] },
  },
  {
    id: 'metrics-in-logs',
    assumption: 'CloudWatch reads metrics out of lines of functions whose metrics are not their only fields.',
    reliesOn: ['handlers/shared/metrics.ts', 'handlers/shared/logger.ts'],
    source: 'AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification',
    decidedBy: { checks: ['signals/embedded-metrics'] },
  },
  {
    id: 'one-trace',
    assumption:
      'The trace of a request goes on by the header of StartExecution into the functions of a machine, and by a header of our own into the other API.',
    reliesOn: ['handlers/shared/trace-header.ts', 'handlers/app1/lib/app2-client.ts'],
    source: 'step-functions/latest/dg/concepts-xray-tracing; from an API to an API inferred',
    decidedBy: { checks: ['signals/one-trace', 'signals/x-ray'] },
  },
  {
    id: 'alarms-to-an-encrypted-topic',
    assumption:
      'CloudWatch publishes to a topic under a key of ours whose policy names the account as aws:SourceAccount.',
    reliesOn: ['infra/constructs/alarm-topic.ts'],
    source: 'sns/latest/dg/sns-key-management; the condition on the key inferred',
    decidedBy: { checks: ['operations/alarms-of-app1', 'operations/alarms-of-app2'], with: '--full' },
  },
  {
    id: 'rotation',
    assumption:
      'Secrets Manager calls the four steps with a version of its own, and testSecret when a schedule is made.',
    reliesOn: ['handlers/app2/rotate-machine-user.ts'],
    source: 'secretsmanager/latest/userguide/rotate-secrets_lambda-functions',
    decidedBy: { checks: ['operations/rotation'], with: '--full' },
  },
  {
    id: 'custom-resource-answers',
    assumption: 'CloudFormation takes the answer of a custom resource that has no content type.',
    reliesOn: ['handlers/app2/lib/custom-resource.ts'],
    source: 'AWSCloudFormation/latest/UserGuide/crpg-ref-responses; the signature of its address inferred',
    decidedBy: { checks: ['health/doctor'] },
  },
  {
    id: 'failed-creations-are-removed',
    assumption:
      'CloudFormation removes what RETAIN_ON_UPDATE_OR_DELETE protects when the creation of a stack is rolled back.',
    reliesOn: ['infra/settings.ts'],
    source: 'AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy',
    decidedBy: {
      undecided:
        'It needs a first deployment that fails; the guide says what to do then (docs/deploying.md), and preflight names what is left.',
    },
  },
  {
    id: 'configuration-of-a-migration',
    assumption:
      'AppConfig answers with an empty configuration when it has not changed, and a flag that is deployed in steps is told to a share of those who ask.',
    reliesOn: ['handlers/app1/migration/migration-flag.ts'],
    source: 'appconfig/latest/userguide/appconfig-retrieving-the-configuration; not recorded',
    decidedBy: {
      undecided:
        'It is used only while a legacy endpoint is being replaced, and then the acceptance refuses to run. A flag that cannot be read means the legacy endpoint.',
    },
  },
  {
    id: 'schedules',
    assumption: 'A rule with a rate calls the sweep from its deployment on, every five minutes.',
    reliesOn: ['infra/constructs/roll-back-watch.ts'],
    source: 'eventbridge/latest/userguide/eb-rate-expressions',
    decidedBy: { checks: ['operations/sweeps-of-app1', 'operations/sweeps-of-app2'], with: '--full' },
  },
];
