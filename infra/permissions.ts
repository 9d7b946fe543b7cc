import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { publishConditions } from '../workflows/publish-conditions.ts';

/** IAM policy statements of the functions: named actions on named resources. */

/** The condition block of a statement, as in IAM. */
type Conditions = Record<string, Record<string, string | string[]>>;

export function allow(actions: string[], resources: string[], conditions?: Conditions): PolicyStatement {
  return new PolicyStatement({ actions, resources, ...(conditions === undefined ? {} : { conditions }) });
}

/**
 * Restricts the use of a key to one `target` in the encryption context.
 * @param target name of the service whose passwords they are, or `task-token` for App1's task tokens
 */
export function encryptedFor(target: string): Conditions {
  return { StringEquals: { 'kms:EncryptionContext:target': target } };
}

/**
 * Decryption of one secret under a customer managed key, through Secrets Manager only.
 * docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
 */
export function decryptSecret(scope: Construct, secretArn: string, keyArn: string): PolicyStatement {
  const { region, urlSuffix } = Stack.of(scope);
  return allow(['kms:Decrypt'], [keyArn], {
    StringEquals: {
      'kms:ViaService': `secretsmanager.${region}.${urlSuffix}`,
      'kms:EncryptionContext:SecretARN': secretArn,
    },
  });
}

/** Permission to put events of the given source and detail types on a bus. */
export function putEventsOn(
  busArn: string,
  source: string | readonly string[],
  detailTypes: readonly string[],
): PolicyStatement {
  return allow(['events:PutEvents'], [busArn], publishConditions(source, detailTypes));
}

export function startExecutionOf(scope: Construct, machine: string): PolicyStatement {
  return allow(['states:StartExecution'], [stateMachineArn(scope, machine)]);
}

export function describeExecutionsOf(scope: Construct, ...machines: string[]): PolicyStatement {
  return allow(
    ['states:DescribeExecution'],
    machines.map((machine) => executionsOf(scope, machine)),
  );
}

export function historiesOf(scope: Construct, ...machines: string[]): PolicyStatement {
  return allow(
    ['states:GetExecutionHistory'],
    machines.map((machine) => executionsOf(scope, machine)),
  );
}

export function listExecutionsOf(scope: Construct, ...machines: string[]): PolicyStatement {
  return allow(
    ['states:ListExecutions'],
    machines.map((machine) => stateMachineArn(scope, machine)),
  );
}

export function stopExecutionsOf(scope: Construct, machine: string): PolicyStatement {
  return allow(['states:StopExecution'], [executionsOf(scope, machine)]);
}

/** Permission to complete tasks with a task token. IAM supports only the state machine as the resource. */
export function resumeTasksOf(scope: Construct, machine: string): PolicyStatement[] {
  return [allow(['states:SendTaskSuccess', 'states:SendTaskFailure'], [stateMachineArn(scope, machine)])];
}

/** ARN of a state machine from its fixed name. A function that is a step of the state machine can use it without a cycle. */
export function stateMachineArn(scope: Construct, machine: string): string {
  return arn(scope, 'stateMachine', machine);
}

/** ARN pattern of all executions of a state machine. */
function executionsOf(scope: Construct, machine: string): string {
  return arn(scope, 'execution', `${machine}:*`);
}

function arn(scope: Construct, resource: string, resourceName: string): string {
  return Stack.of(scope).formatArn({
    service: 'states',
    resource,
    resourceName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}
