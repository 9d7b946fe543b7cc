import {
  GetFunctionCommand,
  InvokeCommand,
  type InvokeCommandInput,
  LambdaClient,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { zip } from '../../local/harness/zip.ts';
import { client } from './support/clients.ts';
import { createFunction, invoke } from './support/functions.ts';
import { present } from './support/present.ts';
import { unique } from './support/unique.ts';

const lambda = client(LambdaClient);
const ECHO = 'exports.handler = async (event) => event;';
const invokeWith = (FunctionName: string, input: Omit<InvokeCommandInput, 'FunctionName'>) =>
  lambda.send(new InvokeCommand({ FunctionName, ...input }));

describe('corrected: payloads of invocations', () => {
  // lambda/latest/api/API_Invoke (InvalidRequestContentException)
  // recorded: lambda_ test_lambda_invoke_payload_encoding_error
  it.each([
    ['text that is not UTF-8', Buffer.from('n\x87r', 'latin1')],
    ['text that is not JSON', Buffer.from('{no}')],
  ])('are rejected: %s', async (_case, Payload) => {
    await expect(invokeWith(await createFunction(ECHO), { Payload })).rejects.toMatchObject({
      name: 'InvalidRequestContentException',
      Type: 'User',
    });
  });

  // lambda/latest/dg/gettingstarted-limits (invocation payload): 6 MB, of an event 1 MB
  it.each([
    ['RequestResponse', 6_291_557],
    ['Event', 1024 * 1024 + 1],
  ] as const)('of type %s are rejected from %i bytes', async (InvocationType, bytes) => {
    const arn = await createFunction(ECHO);
    const text = (length: number) => JSON.stringify('x'.repeat(length - 2));

    const tooLarge = invokeWith(arn, { InvocationType, Payload: text(bytes) });
    const largest = invokeWith(arn, { InvocationType, Payload: text(bytes - 1) });

    await expect(tooLarge).rejects.toMatchObject({ name: 'RequestTooLargeException' });
    expect((await largest).FunctionError).toBeUndefined();
  });

  // lambda/latest/dg/gettingstarted-limits (invocation payload)
  // recorded: lambda_ test_lambda_too_large_response
  it('are at most 6 MB in a response', async () => {
    const arn = await createFunction(`exports.handler = async (bytes) => 'x'.repeat(bytes - 2);`);

    expect(await invoke(arn, 6_291_557)).toEqual({
      error: 'Unhandled',
      payload: {
        errorType: 'Function.ResponseSizeTooLarge',
        errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
      },
    });
    expect((await invoke(arn, 6_291_556)).error).toBeUndefined();
  });
});

describe('corrected: errors of Lambda', () => {
  // lambda/latest/api/API_Invoke (Errors, Type)
  // recorded: lambda_ test_invoke_exceptions
  it('have a type', async () => {
    await expect(invokeWith(unique('none'), {})).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      Type: 'User',
    });
  });

  // lambda/latest/dg/python-exceptions
  // recorded: lambda_ test_lambda_runtime_error
  it('of a Python module that cannot be loaded are returned by name', async () => {
    const broken = await createFunction('raise ValueError("no")', { runtime: 'python3.12' });

    expect((await invoke(broken)).payload).toMatchObject({ errorType: 'ValueError', errorMessage: 'no' });
  });
});

describe('corrected: the log in the response of an invocation', () => {
  // lambda/latest/api/API_Invoke (LogType)
  // recorded: lambda_ test_invocation_with_logs
  it('has the lines of Lambda, and the duration of a cold start', async () => {
    const arn = await createFunction(`exports.handler = async () => console.log('here');`);
    const tail = async () => {
      const { LogResult = '' } = await invokeWith(arn, { LogType: 'Tail' });
      return Buffer.from(LogResult, 'base64').toString();
    };
    const lines = [
      'START RequestId: (.{36}) Version: \\$LATEST\n',
      'here\n',
      'END RequestId: \\1\n',
      'REPORT RequestId: \\1\tDuration: \\d+\\.\\d\\d ms\tBilled Duration: \\d+ ms\tMemory Size: 128 MB\tMax Memory Used: \\d+ MB\t',
    ].join('');

    expect(await tail()).toMatch(new RegExp(`^${lines}Init Duration: \\d+\\.\\d\\d ms\t\n$`));
    expect(await tail()).toMatch(new RegExp(`^${lines}\n$`));
  });
});

describe('corrected: the start of a function', () => {
  const WRAPPER = '#!/bin/sh\nexport FROM_WRAPPER="$(basename "$1")"\nexec "$@"\n';
  const READ = 'exports.handler = async () => process.env.FROM_WRAPPER;';
  const environment = { AWS_LAMBDA_EXEC_WRAPPER: '/opt/wrapper' };
  const layer = async (permissions: number) => {
    const { LayerVersionArn } = await lambda.send(
      new PublishLayerVersionCommand({
        LayerName: unique('layer'),
        Content: { ZipFile: zip('wrapper', WRAPPER, permissions) },
      }),
    );
    return present(LayerVersionArn);
  };

  // lambda/latest/dg/runtimes-modify (wrapper scripts)
  // recorded: lambda_ test_runtime_wrapper_invoke
  it('is by the wrapper script of a layer, which receives the command of the runtime', async () => {
    const wrapped = await createFunction(READ, { environment, layers: [await layer(0o755)] });

    expect(await invoke(wrapped)).toEqual({ error: undefined, payload: expect.stringMatching(/^node/) });
  });

  // lambda/latest/dg/troubleshooting-invocation
  // recorded: lambda_ test_lambda_runtime_wrapper_not_found
  it.each([
    ['is missing', async () => [], 127],
    ['is not executable', async () => [await layer(0o644)], 126],
  ])('fails if the wrapper script %s', async (_case, layers, status) => {
    const failing = await createFunction(READ, { environment, layers: await layers() });

    expect((await invoke(failing)).payload).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringContaining(`Runtime exited with error: exit status ${status}`),
    });
  });
});

describe('corrected: the role of a function', () => {
  const CREDENTIALS = `
    exports.handler = async () => {
      const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
      return {
        accessKeyId: AWS_ACCESS_KEY_ID,
        secretAccessKey: AWS_SECRET_ACCESS_KEY,
        sessionToken: AWS_SESSION_TOKEN,
      };
    };`;
  const credentials = z.object({
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
    sessionToken: z.string(),
  });
  const credentialsOf = async (arn: string) => credentials.parse((await invoke(arn)).payload);
  const sessionOf = async (of: z.infer<typeof credentials>) => {
    const { Arn } = await client(STSClient, of).send(new GetCallerIdentityCommand({}));
    return Arn?.split('/').at(-1);
  };

  // lambda/latest/dg/lambda-intro-execution-role
  // recorded: lambda_ test_lambda_different_iam_keys_environment
  it('is assumed for each execution environment, by the name of the function', async () => {
    const arn = await createFunction(CREDENTIALS);
    const first = await credentialsOf(arn);
    // A changed configuration applies to new environments only.
    await lambda.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: arn,
        Environment: { Variables: { CHANGED: '1' } },
      }),
    );
    const second = await credentialsOf(arn);
    const name = arn.split(':').at(-1);

    expect([await sessionOf(first), await sessionOf(second)]).toEqual([name, name]);
    expect(first.accessKeyId).not.toBe(second.accessKeyId);
  });

  // STS/latest/APIReference/API_AssumeRole (RoleSessionName): at least two characters
  // recorded: lambda_ test_assume_role
  it('is assumed with a suffix if the name of the function has one character', async () => {
    const arn = await createFunction(CREDENTIALS, { name: 'f' });

    expect(await sessionOf(await credentialsOf(arn))).toBe('f@lambda_function');
  });
});

describe('corrected: updates of a function', () => {
  const update = (FunctionName: string, source: string, Publish = false) =>
    lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: zip('index.js', source), Publish }));

  // lambda/latest/api/API_GetFunctionConfiguration (LastUpdateStatusReason, RevisionId)
  // recorded: lambda_ test_lambda_handler_update, test_function_state
  it('have a reason while they are in progress, and change the revision when they are done', async () => {
    const FunctionName = await createFunction(ECHO);
    const { RevisionId, ...updated } = await update(FunctionName, 'exports.handler = async () => 2;');

    expect(updated).toMatchObject({
      State: 'Active',
      LastUpdateStatus: 'InProgress',
      LastUpdateStatusReason: 'The function is being created.',
      LastUpdateStatusReasonCode: 'Creating',
    });

    await waitUntilFunctionUpdatedV2({ client: lambda, maxWaitTime: 10 }, { FunctionName });
    const { Configuration } = await lambda.send(new GetFunctionCommand({ FunctionName }));

    expect(Configuration).toMatchObject({ LastUpdateStatus: 'Successful' });
    expect(Configuration?.RevisionId).not.toBe(RevisionId);
  });

  // lambda/latest/api/API_UpdateFunctionCode (Publish)
  // recorded: lambda_ test_lambda_versions_with_code_changes
  it('that publish return the new version', async () => {
    const FunctionName = await createFunction(ECHO);
    const published = await update(FunctionName, 'exports.handler = async () => 2;', true);

    expect(published).toMatchObject({ FunctionArn: `${FunctionName}:1`, Version: '1', State: 'Pending' });
    expect(published).not.toHaveProperty('LastUpdateStatus');
  });
});

describe('unchanged: versions of a function', () => {
  // lambda/latest/dg/configuration-versions: an unchanged function is not published again
  it('are not published twice for the same code, also when the state changes in between', async () => {
    const FunctionName = await createFunction(ECHO);
    await lambda.send(
      new UpdateFunctionCodeCommand({
        FunctionName,
        ZipFile: zip('index.js', 'exports.handler = async () => 2;'),
      }),
    );
    const publish = async () => (await lambda.send(new PublishVersionCommand({ FunctionName }))).Version;
    const first = await publish();
    await waitUntilFunctionUpdatedV2({ client: lambda, maxWaitTime: 10 }, { FunctionName });

    expect(await publish()).toBe(first);
  });
});
