import { DeleteRolePolicyCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import type { Outputs } from '../../cli/outputs.ts';

/** The function or state machine whose role loses a permission. */
export type PermissionHolder = { functionName: string } | { stateMachineArn: string };

const POLICY = 'removed-permission';

/**
 * Removes one permission of a function or state machine while `run` runs, as a manual change of a role would: a real failure of
 * a single step. Restores the permission afterwards.
 */
export async function withoutPermission<Result>(
  outputs: Outputs,
  holder: PermissionHolder,
  action: string,
  run: () => Promise<Result>,
): Promise<Result> {
  const configuration = {
    endpoint: outputs.endpoint,
    region: outputs.region,
    credentials: { accessKeyId: outputs.access_key_id, secretAccessKey: outputs.secret_access_key },
  };
  const roleArn =
    'functionName' in holder
      ? (
          await new LambdaClient(configuration).send(
            new GetFunctionConfigurationCommand({ FunctionName: holder.functionName }),
          )
        ).Role
      : (await new SFNClient(configuration).send(new DescribeStateMachineCommand(holder))).roleArn;
  const iam = new IAMClient(configuration);
  const policy = {
    RoleName: roleArn?.split('/').at(-1),
    PolicyName: `${POLICY}-${action.replace(':', '-')}`,
  };
  const denied = { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: action, Resource: '*' }] };
  await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument: JSON.stringify(denied) }));
  try {
    return await run();
  } finally {
    await iam.send(new DeleteRolePolicyCommand(policy));
  }
}
