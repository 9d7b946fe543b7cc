/**
 * Behaviour of AWS that the system relies on and that could not be verified without an AWS account: AWS does not document
 * it or documents it ambiguously, and no recording of AWS contains it. docs/aws-assumptions.md contains this table.
 */
export interface Assumption {
  readonly id: string;
  /** The assumed behaviour of AWS. */
  readonly assumption: string;
  /** The files that would have to change if it is wrong. */
  readonly reliesOn: readonly string[];
  /** A page of docs.aws.amazon.com that documents a part of it, or another source. */
  readonly source: string;
  /** The checks that verify it on an AWS account. */
  readonly decidedBy: Decided;
}

/** Names of checks, with the option that they need; or the reason why no check can verify it, and the mitigation. */
type Decided =
  | { readonly checks: readonly string[]; readonly with?: '--full' | '--target-profile' | '--api-key-file' }
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
    id: 'finished-name-is-in-use',
    assumption:
      'StartExecution rejects the name of a finished execution with ExecutionAlreadyExists, also for the same input.',
    reliesOn: ['handlers/shared/executions.ts', 'handlers/app2/start-user-creation.ts'],
    source: 'step-functions/latest/apireference/API_StartExecution; not recorded for the same input',
    decidedBy: { checks: ['assumed/name-in-use', 'provisioning/repeat'] },
  },
  {
    id: 'describe-may-be-late',
    assumption:
      'DescribeExecution may not know an execution for some seconds after its start, and then knows it.',
    reliesOn: ['handlers/shared/waiting-for.ts', 'handlers/shared/executions.ts'],
    source: 'step-functions/latest/apireference/API_DescribeExecution, which does not state for how long',
    decidedBy: {
      undecided:
        'No check can delay AWS. No decision depends on it alone: a caller that does not find an execution calls again.',
    },
  },
  {
    id: 'name-is-free-after-retention',
    assumption: 'The name of an execution can be used again 90 days after its end, and not before.',
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
      'A task with a callback accepts the success that its own function sends before that function has returned.',
    reliesOn: ['handlers/app1/call-target.ts', 'workflows/app1/provision-service-user.ts'],
    source: `${INFERRED} from step-functions/latest/dg/connect-to-resource (waitForTaskToken)`,
    decidedBy: { checks: ['provisioning/succeeds', 'provisioning/retry'] },
  },
  {
    id: 'redrive-count',
    assumption:
      'The context object contains the redrive count of an execution, also in the step in which a redrive starts.',
    reliesOn: ['handlers/shared/redriven.ts', 'workflows/app1/provision-service-user.ts'],
    source: 'step-functions/latest/dg/redrive-executions; not recorded',
    decidedBy: {
      undecided:
        'A redrive needs an execution that has failed in a step, which only a defect causes. No role of this system has the permission to redrive.',
    },
  },
  {
    id: 'names-of-event-errors',
    assumption:
      'A rejected PutEvents fails a task with EventBridge.FailedEntry, EventBridge.EventBridgeException or EventBridge.AmazonEventBridgeException.',
    reliesOn: ['workflows/aws-errors.ts'],
    source: 'step-functions/latest/dg/connect-eventbridge; the latter two inferred',
    decidedBy: {
      undecided:
        'It needs a bus that rejects events. Every other name is caught, too, and leads to the compensation without further attempts.',
    },
  },
  {
    id: 'calls-land-in-time',
    assumption:
      'A call whose client has timed out takes effect within three seconds after the timeout, or never.',
    reliesOn: ['contracts/time-limits.ts', 'handlers/app2/delete-user.ts'],
    source: INFERRED,
    decidedBy: {
      undecided:
        'No check can delay AWS. A user that is created later has the stamp of its provisioning, and the audit of pool and records finds it.',
    },
  },
  {
    id: 'admin-get-user-is-consistent',
    assumption:
      'AdminGetUser is consistent with every call that created, changed or deleted a user and has returned.',
    reliesOn: ['handlers/app2/lib/pool-user.ts', 'handlers/app2/create-user.ts'],
    source:
      'cognito-user-identity-pools/latest/APIReference/API_ListUsers advises AdminGetUser; no page guarantees it',
    decidedBy: { checks: ['provisioning/existing-name', 'removal/delete'] },
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
      'AdminSetUserPassword accepts the current password of the user, in a pool without password history.',
    reliesOn: ['handlers/app2/set-password.ts'],
    source: `${INFERRED} from cognito-user-identity-pools/latest/APIReference/API_AdminSetUserPassword`,
    decidedBy: { checks: ['assumed/password-again'] },
  },
  {
    id: 'space-in-a-password',
    assumption:
      'Cognito accepts a password with a space inside and counts the space as a symbol, or rejects it with InvalidPasswordException or InvalidParameterException.',
    reliesOn: ['contracts/password-policy.ts', 'handlers/app2/set-password.ts'],
    source: 'cognito/latest/developerguide/managing-users-passwords',
    decidedBy: { checks: ['passwords/inner-space', 'signals/no-system-alarm'] },
  },
  {
    id: 'length-of-a-password',
    assumption: 'Cognito counts the characters of a password in code points or in UTF-16 units.',
    reliesOn: ['contracts/fields.ts', 'contracts/password-policy.ts'],
    source: 'no page states which',
    decidedBy: {
      undecided:
        'App1 counts both: the minimum length by one and the maximum by the other, so that a password that App1 accepts is valid for either (docs/decisions/0028-text.md).',
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
      checks: ['provisioning/business-endpoint', 'refusals/wrong-group', 'refusals/wrong-client'],
    },
  },
  {
    id: 'owner-of-a-role-session',
    assumption:
      'API Gateway passes the account and unique id of the principal that signed a request; for a role, without its session.',
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
      'A request with an invalid Authorization header receives 403 by the gateway response DEFAULT_4XX.',
    reliesOn: ['infra/constructs/problem-responses.ts'],
    source: `${INFERRED}: no type of gateway response is documented for it`,
    decidedBy: { checks: ['refusals/malformed-signature'] },
  },
  {
    id: 'too-large-bodies',
    assumption:
      'A request with a body above the 6 MB of Lambda or the 10 MB of API Gateway receives the gateway response REQUEST_TOO_LARGE.',
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
      'An authorizer that throws Unauthorized results in the gateway response UNAUTHORIZED, a policy that denies in ACCESS_DENIED; API Gateway caches one policy per token, for all routes.',
    reliesOn: ['handlers/app2/authorizer.ts', 'contracts/app2-access.ts'],
    source: 'apigateway/latest/developerguide/api-gateway-lambda-authorizer-output; not recorded',
    decidedBy: {
      checks: ['refusals/invalid-token', 'refusals/wrong-group', 'refusals/unknown-route-of-target'],
    },
  },
  {
    id: 'missing-api-key',
    assumption: 'A signed request without a required API key receives the gateway response INVALID_API_KEY.',
    reliesOn: ['infra/constructs/service-api.ts'],
    source: 'apigateway/latest/developerguide/supported-gateway-response-types; not recorded',
    decidedBy: { checks: ['refusals/missing-api-key'], with: '--api-key-file' },
  },
  {
    id: 'notify-pattern',
    assumption:
      'An event pattern with a wildcard matches the input of an execution, which is text in the status change.',
    reliesOn: ['infra/service-users.ts'],
    source: 'eventbridge/latest/userguide/eb-create-pattern-operators',
    decidedBy: { checks: ['notification/sent'] },
  },
  {
    id: 'rule-on-another-bus',
    assumption:
      "App1's rule on the target's bus, which CloudFormation makes in App1's account, forwards to a bus of App1's account; the `account` of an event remains that of the target.",
    reliesOn: ['infra/constructs/notifications.ts', 'infra/constructs/audit-bus.ts'],
    source:
      'eventbridge/latest/userguide/eb-cross-account; the conditions of the bus policy and the account inferred',
    decidedBy: { checks: ['notification/delivered'], with: '--target-profile' },
  },
  {
    id: 're-encrypt-across-accounts',
    assumption:
      "App1's role may re-encrypt to the target's key by the key's policy, with a condition on the encryption context of the destination.",
    reliesOn: ['infra/permissions.ts', 'handlers/app1/encrypt-credentials.ts'],
    source: 'kms/latest/developerguide/conditions-kms (kms:EncryptionContext of ReEncrypt)',
    decidedBy: { checks: ['provisioning/succeeds'], with: '--target-profile' },
  },
  {
    id: 'secret-across-accounts',
    assumption:
      "App1's role reads the target's secret by the secret's policy, and its key by a condition on kms:ViaService and the secret's ARN.",
    reliesOn: ['infra/user-management.ts', 'infra/service-users.ts'],
    source: 'secretsmanager/latest/userguide/auth-and-access_examples_cross',
    decidedBy: { checks: ['provisioning/succeeds'], with: '--target-profile' },
  },
  {
    id: 'events-to-a-log',
    assumption:
      'EventBridge writes to a log group by the policy of that log group, with a condition on the ARN of the rule.',
    reliesOn: ['infra/constructs/audit-bus.ts'],
    source:
      'AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy (resourceArn); that EventBridge is allowed by it, and the condition, inferred',
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
    assumption: 'CloudWatch extracts metrics from log lines of functions that have other fields, too.',
    reliesOn: ['handlers/shared/metrics.ts', 'handlers/shared/logger.ts'],
    source: 'AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification',
    decidedBy: { checks: ['signals/embedded-metrics'] },
  },
  {
    id: 'one-trace',
    assumption:
      'The trace of a request continues into the functions of a state machine by the header of StartExecution, and into the other API by a header that the client sends.',
    reliesOn: ['handlers/shared/trace-header.ts', 'handlers/app1/lib/target-client.ts'],
    source: 'step-functions/latest/dg/concepts-xray-tracing; from an API to an API inferred',
    decidedBy: { checks: ['signals/one-trace', 'signals/x-ray'] },
  },
  {
    id: 'alarms-to-an-encrypted-topic',
    assumption:
      'CloudWatch publishes to a topic under a customer managed key whose policy names the account as aws:SourceAccount.',
    reliesOn: ['infra/constructs/alarm-topic.ts'],
    source: 'sns/latest/dg/sns-key-management; the condition on the key inferred',
    decidedBy: { checks: ['operations/alarms-of-app1', 'operations/alarms-of-target'], with: '--full' },
  },
  {
    id: 'rotation',
    assumption:
      'Secrets Manager calls the four steps with a new version, and testSecret when a schedule is created.',
    reliesOn: ['handlers/app2/rotate-machine-user.ts'],
    source: 'secretsmanager/latest/userguide/rotate-secrets_lambda-functions',
    decidedBy: { checks: ['operations/rotation'], with: '--full' },
  },
  {
    id: 'custom-resource-responses',
    assumption: 'CloudFormation accepts the response of a custom resource without a content type.',
    reliesOn: ['handlers/app2/lib/custom-resource.ts'],
    source: 'AWSCloudFormation/latest/UserGuide/crpg-ref-responses; the signature of its URL inferred',
    decidedBy: { checks: ['health/doctor'] },
  },
  {
    id: 'failed-creations-are-removed',
    assumption:
      'CloudFormation removes resources with RETAIN_ON_UPDATE_OR_DELETE when the creation of a stack is rolled back.',
    reliesOn: ['infra/settings.ts'],
    source: 'AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy',
    decidedBy: {
      undecided:
        'It needs a first deployment that fails. docs/deploying.md describes the remedy, and preflight names the remaining resources.',
    },
  },
  {
    id: 'configuration-of-a-migration',
    assumption:
      'AppConfig returns an empty configuration when it has not changed, and returns a flag that is deployed in steps to a share of the callers.',
    reliesOn: ['handlers/app1/migration/migration-flag.ts'],
    source: 'appconfig/latest/userguide/appconfig-retrieving-the-configuration; not recorded',
    decidedBy: {
      undecided:
        'It is used only while a legacy endpoint is being replaced, and then the acceptance does not run. A flag that cannot be read selects the legacy endpoint.',
    },
  },
  {
    id: 'schedules',
    assumption: 'A rule with a rate invokes the sweep every five minutes from its deployment on.',
    reliesOn: ['infra/constructs/roll-back-watch.ts'],
    source: 'eventbridge/latest/userguide/eb-rate-expressions',
    decidedBy: { checks: ['operations/sweeps-of-app1', 'operations/sweeps-of-target'], with: '--full' },
  },
];
