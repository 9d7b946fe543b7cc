import { DeleteRolePolicyCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import type { Outputs } from '../../cli/outputs.ts';

/** Whose role loses the right. */
export type Bearer = { functionName: string } | { stateMachineArn: string };

const POLICY = 'taken-away';

/**
 * Runs something while a function or a state machine has lost one of its permissions, as it happens when somebody edits a
 * role: a real failure of a single step. The right is given back afterwards.
 */
export async function withoutPermission<Result>(
  outputs: Outputs,
  bearer: Bearer,
  action: string,
  run: () => Promise<Result>,
): Promise<Result> {
  const configuration = {
    endpoint: outputs.endpoint,
    region: outputs.region,
    credentials: { accessKeyId: outputs.access_key_id, secretAccessKey: outputs.secret_access_key },
  };
  const roleArn =
    'functionName' in bearer
      ? (
          await new LambdaClient(configuration).send(
            new GetFunctionConfigurationCommand({ FunctionName: bearer.functionName }),
          )
        ).Role
      : (await new SFNClient(configuration).send(new DescribeStateMachineCommand(bearer))).roleArn;
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
