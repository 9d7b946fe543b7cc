import { CreateFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { client } from './clients.ts';
import { present } from './present.ts';
import { createRole, type Statement } from './roles.ts';
import { unique } from './unique.ts';
import { zip } from './zip.ts';

const lambda = client(LambdaClient);

interface FunctionOptions {
  runtime?: 'nodejs24.x' | 'python3.12';
  /** In seconds. */
  timeout?: number;
  environment?: Record<string, string>;
  /** The role of the function; by default one that may do nothing. */
  role?: string;
}

let powerless: Promise<string> | undefined;

/** A role for functions that may do what the statements say. */
export function functionRole(...statements: Statement[]): Promise<string> {
  return createRole({ Service: 'lambda.amazonaws.com' }, statements);
}

/** A new function of one module, in Node a CommonJS one, which exports `handler`; its ARN. It can be invoked at once. */
export async function createFunction(
  source: string,
  { runtime = 'nodejs24.x', timeout = 10, environment = {}, role }: FunctionOptions = {},
): Promise<string> {
  powerless ??= functionRole();
  const { FunctionArn } = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: unique('function'),
      Runtime: runtime,
      Handler: 'index.handler',
      Role: role ?? (await powerless),
      Code: { ZipFile: zip(runtime.startsWith('nodejs') ? 'index.js' : 'index.py', source) },
      Timeout: timeout,
      Environment: { Variables: environment },
    }),
  );
  return present(FunctionArn);
}

export interface Invocation {
  /** `FunctionError`: set when the function failed. */
  error: string | undefined;
  payload: unknown;
}

export async function invoke(functionArn: string, event: unknown = {}): Promise<Invocation> {
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: functionArn, Payload: JSON.stringify(event) }),
  );
  return { error: FunctionError, payload: JSON.parse(present(Payload).transformToString()) };
}
