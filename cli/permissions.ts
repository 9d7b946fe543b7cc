/**
 * The IAM actions that each command needs. docs/cli.md contains them, and a test runs every command with only these.
 */

const INVOKE = 'execute-api:Invoke';
const OUTPUTS = 'cloudformation:DescribeStacks';

export const permissions = {
  create: [OUTPUTS, INVOKE],
  status: [OUTPUTS, INVOKE],
  cancel: [OUTPUTS, INVOKE],
  retry: [OUTPUTS, INVOKE],
  list: [OUTPUTS, 'states:ListExecutions', 'states:DescribeExecution'],
  timeline: [OUTPUTS, 'states:DescribeExecution', 'states:GetExecutionHistory'],
  targets: [OUTPUTS],
  events: [OUTPUTS, 'logs:FilterLogEvents'],
  'revoke-machine-credentials': ['lambda:InvokeFunction'],
  doctor: [
    OUTPUTS,
    INVOKE,
    'cloudformation:ListStackResources',
    'cloudwatch:DescribeAlarms',
    'cognito-idp:DescribeUserPool',
    'dynamodb:GetItem',
    'events:DescribeEventBus',
    'events:DescribeRule',
    'events:ListRuleNamesByTarget',
    'events:ListTargetsByRule',
    'iam:SimulatePrincipalPolicy',
    'kms:DescribeKey',
    'lambda:GetFunctionConfiguration',
    'logs:DescribeLogGroups',
    'secretsmanager:DescribeSecret',
    'sqs:GetQueueAttributes',
    'sqs:GetQueueUrl',
    'states:DescribeExecution',
    'states:DescribeStateMachine',
    'states:ListExecutions',
  ],
} as const;
