import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import * as z from 'zod';
import type { Outputs } from '../../cli/outputs.ts';

const clientOf = ({ endpoint, region, access_key_id, secret_access_key }: Outputs): LambdaClient =>
  new LambdaClient({
    endpoint,
    region,
    credentials: { accessKeyId: access_key_id, secretAccessKey: secret_access_key },
  });

async function variablesOf(outputs: Outputs, FunctionName: string): Promise<Record<string, string>> {
  const { Environment } = await clientOf(outputs).send(new GetFunctionConfigurationCommand({ FunctionName }));
  return Environment?.Variables ?? {};
}

/** Sets environment variables of a function while `run` runs, and resets them afterwards. */
export async function withVariables<Result>(
  outputs: Outputs,
  FunctionName: string,
  variables: Record<string, string>,
  run: () => Promise<Result>,
): Promise<Result> {
  const lambda = clientOf(outputs);
  const before = await variablesOf(outputs, FunctionName);
  const set = (Variables: Record<string, string>) =>
    lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
  await set({ ...before, ...variables });
  try {
    return await run();
  } finally {
    await set(before);
  }
}

const entries = z.array(z.looseObject({ name: z.string() }));

/** A registry of targets, the value of the variable `TARGETS`, with other fields of one target. */
export const changeTarget = (
  registry: string | undefined,
  name: string,
  fields: Record<string, string>,
): string =>
  JSON.stringify(
    entries
      .parse(JSON.parse(registry ?? '[]'))
      .map((target) => (target.name === name ? { ...target, ...fields } : target)),
  );

/** Changes fields of a target in the registry of a function while `run` runs. */
export async function withTarget<Result>(
  outputs: Outputs,
  FunctionName: string,
  name: string,
  fields: Record<string, string>,
  run: () => Promise<Result>,
): Promise<Result> {
  const TARGETS = changeTarget((await variablesOf(outputs, FunctionName))['TARGETS'], name, fields);
  return withVariables(outputs, FunctionName, { TARGETS }, run);
}
