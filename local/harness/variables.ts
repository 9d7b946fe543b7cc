import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import type { Outputs } from '../../cli/outputs.ts';

/** Sets environment variables of a function while `run` runs, and resets them afterwards. */
export async function withVariables<Result>(
  { endpoint, region, access_key_id, secret_access_key }: Outputs,
  FunctionName: string,
  variables: Record<string, string>,
  run: () => Promise<Result>,
): Promise<Result> {
  const credentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key };
  const lambda = new LambdaClient({ endpoint, region, credentials });
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const before = Environment?.Variables ?? {};
  const set = (Variables: Record<string, string>) =>
    lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
  await set({ ...before, ...variables });
  try {
    return await run();
  } finally {
    await set(before);
  }
}
