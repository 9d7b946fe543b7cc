import {
  CreateFunctionCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionEventInvokeConfigCommand,
} from '@aws-sdk/client-lambda';
import { zip } from '../../../local/harness/zip.ts';
import { client } from './clients.ts';
import { present } from './present.ts';
import { createRole, type Statement } from './roles.ts';
import { unique } from './unique.ts';

const lambda = client(LambdaClient);

interface FunctionOptions {
  /** A unique one by default. */
  name?: string;
  runtime?: 'nodejs24.x' | 'python3.12';
  /** In seconds. */
  timeout?: number;
  environment?: Record<string, string>;
  /** ARN of the queue for failed events. */
  deadLetterQueue?: string;
  /** ARNs of layer versions. */
  layers?: string[];
  /** The role of the function; by default it may only write its log. */
  role?: string;
}

let ordinary: Promise<string> | undefined;

const log: Statement = {
  Effect: 'Allow',
  Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  Resource: '*',
};

/** A role for functions with permission to write their log, and with the given statements. */
export function functionRole(...statements: Statement[]): Promise<string> {
  return createRole({ Service: 'lambda.amazonaws.com' }, [log, ...statements]);
}

/** Creates a function from one module (in Node.js a CommonJS one) that exports `handler`. Returns its ARN when it can be invoked. */
export async function createFunction(
  source: string,
  {
    name = unique('function'),
    runtime = 'nodejs24.x',
    timeout = 10,
    environment = {},
    layers = [],
    role,
    deadLetterQueue,
  }: FunctionOptions = {},
): Promise<string> {
  ordinary ??= functionRole();
  const { FunctionArn } = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Runtime: runtime,
      Handler: 'index.handler',
      Role: role ?? (await ordinary),
      Code: { ZipFile: zip(runtime.startsWith('nodejs') ? 'index.js' : 'index.py', source) },
      Timeout: timeout,
      Environment: { Variables: environment },
      Layers: layers,
      ...(deadLetterQueue === undefined ? {} : { DeadLetterConfig: { TargetArn: deadLetterQueue } }),
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

/** Invokes the function asynchronously. */
export async function invokeLater(functionArn: string, event: unknown): Promise<void> {
  await lambda.send(
    new PutFunctionEventInvokeConfigCommand({ FunctionName: functionArn, MaximumRetryAttempts: 0 }),
  );
  await lambda.send(
    new InvokeCommand({ FunctionName: functionArn, InvocationType: 'Event', Payload: JSON.stringify(event) }),
  );
}
