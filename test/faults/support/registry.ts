import {
  LambdaClient,
  paginateListFunctions,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { APP1 } from '../../../contracts/services.ts';
import { functionNamed } from '../../../infra/names.ts';
import { configuration } from '../../e2e/support/deployed.ts';

/** App1's registry of targets, as deployments change it: the variable TARGETS of App1's functions. */

const lambda = new LambdaClient(configuration);

/** What a deployment does to a target. */
export type RegistryChange = 'retired' | 'gone' | 'removed';

const entries = z.array(z.looseObject({ name: z.string() }));

/** A registry after a change of a target. */
function changed(registry: string, name: string, change: RegistryChange): string {
  const all = entries.parse(JSON.parse(registry));
  const replacement = (entry: object): object[] => {
    if (change === 'removed') return [];
    return [change === 'gone' ? { name, state: change } : { ...entry, state: change }];
  };
  return JSON.stringify(all.flatMap((entry) => (entry.name === name ? replacement(entry) : [entry])));
}

/** Runs a function while App1 has another registry. Concurrent calls are not possible. */
export async function withRegistryChange(
  name: string,
  change: RegistryChange,
  run: () => Promise<unknown>,
): Promise<void> {
  const functions = await readersOfRegistry();
  const set = (FunctionName: string, Variables: Record<string, string>) =>
    lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
  try {
    await Promise.all(
      functions.map(([functionName, variables]) =>
        set(functionName, { ...variables, TARGETS: changed(variables['TARGETS'] ?? '[]', name, change) }),
      ),
    );
    await run();
  } finally {
    await Promise.all(functions.map(([functionName, variables]) => set(functionName, variables)));
  }
}

/** App1's functions that have the registry, with their variables. */
async function readersOfRegistry(): Promise<[functionName: string, variables: Record<string, string>][]> {
  const found: [string, Record<string, string>][] = [];
  for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {}))
    for (const { FunctionName = '', Environment: { Variables = {} } = {} } of Functions)
      if (FunctionName.startsWith(functionNamed(APP1, '')) && 'TARGETS' in Variables)
        found.push([FunctionName, Variables]);
  return found;
}
