import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Service } from '../contracts/services.ts';
import { publishConditions } from '../workflows/publish-conditions.ts';

/** Permissions as functions need them: named actions on named resources. */

/** What a right is bound to, as in IAM. */
type Conditions = Record<string, Record<string, string | string[]>>;

export function allow(actions: string[], resources: string[], conditions?: Conditions): PolicyStatement {
  return new PolicyStatement({ actions, resources, ...(conditions === undefined ? {} : { conditions }) });
}

/** Use of a key for passwords that are sealed for one service, or for App1's task tokens, and for nothing else. */
export function sealedFor(target: Service | 'task-token'): Conditions {
  return { StringEquals: { 'kms:EncryptionContext:target': target } };
}

/**
 * Reading a secret that a customer managed key encrypts: by Secrets Manager, this secret only.
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

/** Putting events of one source and of these types on a bus, and no others. */
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

/** Tasks that wait for a token know the machine, and nothing of the execution. */
export function resumeTasksOf(scope: Construct, machine: string): PolicyStatement[] {
  return [allow(['states:SendTaskSuccess', 'states:SendTaskFailure'], [stateMachineArn(scope, machine)])];
}

/** ARN of a machine by its fixed name: a function that is a step of a machine can know it, too. */
export function stateMachineArn(scope: Construct, machine: string): string {
  return arn(scope, 'stateMachine', machine);
}

/** ARN pattern of a machine's executions. Machines have fixed names, so this is as narrow as it can be. */
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
