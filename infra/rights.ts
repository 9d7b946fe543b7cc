import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';

/** Rights as functions need them: named actions on named resources. */

/** What a right is bound to, as in IAM. */
type Conditions = Record<string, Record<string, string | string[]>>;

export function allow(actions: string[], resources: string[], conditions?: Conditions): PolicyStatement {
  return new PolicyStatement({ actions, resources, ...(conditions === undefined ? {} : { conditions }) });
}

/** Use of a key for passwords that are sealed for one service, and for nothing else. */
export function sealedFor(target: 'app1' | 'app2'): Conditions {
  return { StringEquals: { 'kms:EncryptionContext:target': target } };
}

export function startExecutionOf(machine: StateMachine): PolicyStatement {
  return allow(['states:StartExecution'], [machine.stateMachineArn]);
}

export function describeExecutionsOf(...machines: StateMachine[]): PolicyStatement {
  return allow(['states:DescribeExecution'], machines.map(executionsOf));
}

export function stopExecutionsOf(machine: StateMachine): PolicyStatement {
  return allow(['states:StopExecution'], [executionsOf(machine)]);
}

/** ARN pattern of a machine's executions. Machines have fixed names, so this is as narrow as it can be. */
function executionsOf(machine: StateMachine): string {
  return Stack.of(machine).formatArn({
    service: 'states',
    resource: 'execution',
    resourceName: `${machine.stateMachineName}:*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}
