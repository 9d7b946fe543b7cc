import {
  GetAccountSettingsCommand,
  InvokeCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { describe, expect, test } from '@jest/globals';
import { client, endpoint } from './support/clients.ts';
import { eventually } from './support/eventually.ts';
import { createFunction, functionRole, invoke, invokeLater } from './support/functions.ts';
import { invocationLogs } from './support/logs.ts';
import { createQueue, lengthOf, nextEvent } from './support/queues.ts';
import { createRole } from './support/roles.ts';
import { unique } from './support/unique.ts';

describe('corrected: the response of a failed invocation', () => {
  // lambda/latest/dg/nodejs-exceptions
  // recorded: lambda_ test_uncaught_exception_invoke
  test('an error of the handler returns name, message and trace', async () => {
    const failing = await createFunction(`
      class UserAlreadyExists extends Error { name = 'UserAlreadyExists'; }
      exports.handler = async () => { throw new UserAlreadyExists('zoe is taken'); };`);

    expect(await invoke(failing)).toEqual({
      error: 'Unhandled',
      payload: {
        errorType: 'UserAlreadyExists',
        errorMessage: 'zoe is taken',
        trace: expect.arrayContaining([
          'UserAlreadyExists: zoe is taken',
          expect.stringContaining('index.js'),
        ]),
      },
    });
  });

  // lambda/latest/dg/nodejs-exceptions
  test('an error before the first await is returned like any other', async () => {
    const failing = await createFunction(`exports.handler = () => { throw new RangeError('too far'); };`);

    expect((await invoke(failing)).payload).toMatchObject({
      errorType: 'RangeError',
      errorMessage: 'too far',
    });
  });

  // lambda/latest/dg/lambda-runtime-environment
  // recorded: lambda_ test_lambda_runtime_error
  test('an error while the module is loaded is returned and logged', async () => {
    const broken = await createFunction(`
      console.log('loading');
      throw new TypeError('SETTING is missing');`);
    const error = expect.stringContaining('SETTING is missing');

    expect((await invoke(broken)).payload).toMatchObject({
      errorType: 'TypeError',
      errorMessage: 'SETTING is missing',
    });
    expect(await invocationLogs(broken)).toEqual([['loading', error]]);
  });

  // lambda/latest/dg/lambda-runtime-environment
  test('the next invocation after an error has the same execution environment', async () => {
    const counting = await createFunction(`
      let count = 0;
      exports.handler = async ({ fail }) => { count += 1; if (fail) throw new Error('no'); return count; };`);
    await invoke(counting, { fail: false });
    await invoke(counting, { fail: true });

    expect((await invoke(counting, { fail: false })).payload).toBe(3);
  });

  // lambda/latest/dg/troubleshooting-invocation
  // recorded: lambda_ test_lambda_handler_exit
  test('a process that exits returns Runtime.ExitError, and the next invocation has a new one', async () => {
    const exiting = await createFunction(
      `exports.handler = async ({ exit }) => { if (exit) process.exit(1); return 'alive'; };`,
    );

    expect(await invoke(exiting, { exit: true })).toMatchObject({
      error: 'Unhandled',
      payload: { errorType: 'Runtime.ExitError' },
    });
    expect((await invoke(exiting, { exit: false })).payload).toBe('alive');
  });

  // lambda/latest/dg/nodejs-logging: so a secret in a property of an error is a secret in the log
  test('the log has the error with all its properties', async () => {
    const failing = await createFunction(
      `exports.handler = async () => { throw Object.assign(new Error('no'), { request: { user: 'zoe' } }); };`,
    );
    await invoke(failing);
    const [[line = ''] = []] = await invocationLogs(failing);

    expect(line).toContain('\tERROR\tInvoke Error');
    expect(JSON.parse(line.slice(line.indexOf('{')))).toMatchObject({
      errorType: 'Error',
      errorMessage: 'no',
      request: { user: 'zoe' },
      stack: expect.arrayContaining(['Error: no']),
    });
  });
});

describe('corrected: the response of a failed Python function', () => {
  // lambda/latest/dg/python-exceptions
  // recorded: lambda_ test_uncaught_exception_invoke
  test('the error is returned by its name', async () => {
    const python = await createFunction('def handler(event, context):\n    raise ValueError("no")', {
      runtime: 'python3.12',
    });

    expect(await invoke(python)).toMatchObject({
      error: 'Unhandled',
      payload: { errorType: 'ValueError', errorMessage: 'no', stackTrace: expect.any(Array) },
    });
  });
});

describe('corrected: the log of a function', () => {
  // lambda/latest/dg/nodejs-logging
  test('every line is complete, in order and in the log of its own invocation', async () => {
    const writing = await createFunction(`
      exports.handler = async ({ id }) => {
        for (let line = 0; line < 500; line += 1) {
          if (line % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 20));
          console.log(JSON.stringify({ id, line, text: 'x'.repeat(2000) + '\\u2028\\u0085' }));
        }
        console.log('y'.repeat(200_000));
        process.stdout.write(Buffer.from([0x7a, 0xff, 0x0a])); // not UTF-8
      };`);
    for (const id of ['first', 'second']) await invoke(writing, { id });
    const lines = (id: string) =>
      Array.from({ length: 500 }, (_, line) =>
        JSON.stringify({ id, line, text: `${'x'.repeat(2000)}\u2028\u0085` }),
      );
    const rest = ['y'.repeat(200_000), 'z\ufffd'];

    expect(await invocationLogs(writing)).toEqual([
      [...lines('first'), ...rest],
      [...lines('second'), ...rest],
    ]);
  });
});

describe('corrected: speed', () => {
  // lambda/latest/dg/lambda-runtime-environment: a warm invocation costs what the handler costs
  test('a function without output returns at once', async () => {
    const silent = await createFunction(`exports.handler = async () => 'done';`);
    await invoke(silent);
    const durations: number[] = [];
    for (let count = 0; count < 20; count += 1) {
      const start = performance.now();
      await invoke(silent);
      durations.push(performance.now() - start);
    }

    expect(Math.min(...durations)).toBeLessThan(40);
  });
});

describe('corrected: concurrency', () => {
  // lambda/latest/dg/lambda-concurrency
  test('fifty concurrent invocations of one function share a few processes', async () => {
    const functionUnderLoad = await createFunction(`
      exports.handler = async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return process.pid;
      };`);
    const invocations = await Promise.all(Array.from({ length: 50 }, () => invoke(functionUnderLoad)));

    expect(invocations.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(new Set(invocations.map(({ payload }) => payload)).size).toBeLessThanOrEqual(2);
  });

  // lambda/latest/dg/gettingstarted-limits and lambda-concurrency; the machine has to bear it, too
  test('many concurrent functions succeed with few processes', async () => {
    const { AccountLimit } = await client(LambdaClient).send(new GetAccountSettingsCommand({}));

    expect(AccountLimit?.ConcurrentExecutions).toBe(1000);

    const functions = await Promise.all(
      Array.from({ length: 50 }, () => createFunction(`exports.handler = async () => process.pid;`)),
    );
    const invocations = await Promise.all([...functions, ...functions].map((arn) => invoke(arn)));

    expect(invocations.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(
      new Set(invocations.map(({ payload }) => Number(payload)).filter(isRunning)).size,
    ).toBeLessThanOrEqual(40);
  }, 30_000);

  // lambda/latest/dg/functions-states: until an update is complete, the previous configuration handles the invocations
  test('an update of the configuration does not end a running invocation', async () => {
    const FunctionName = await createFunction(`
      exports.handler = async () => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        return process.env.SETTING ?? 'none';
      };`);
    const invocations = Array.from({ length: 8 }, () => invoke(FunctionName));
    await Promise.race(invocations);
    await client(LambdaClient).send(
      new UpdateFunctionConfigurationCommand({
        FunctionName,
        Environment: { Variables: { SETTING: 'changed' } },
      }),
    );
    const finished = await Promise.all(invocations);
    const next = await invoke(FunctionName);

    expect(finished.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(next).toMatchObject({ payload: 'changed' });
  });
});

describe('corrected: the context of an invocation', () => {
  // lambda/latest/api/API_Invoke (ClientContext: synchronous invocations only) and lambda/latest/dg/nodejs-context
  test('contains the client context, in a synchronous invocation only', async () => {
    const FunctionName = await createFunction(`
      exports.handler = async (event, { clientContext }) => {
        console.log(JSON.stringify(clientContext ?? 'none'));
        return { event, clientContext };
      };`);
    const ClientContext = Buffer.from(JSON.stringify({ custom: { who: 'me' } })).toString('base64');
    const call = { FunctionName, Payload: JSON.stringify({ n: 1 }) };
    const { Payload } = await client(LambdaClient).send(new InvokeCommand({ ...call, ClientContext }));

    expect(JSON.parse(Payload?.transformToString() ?? '')).toEqual({
      event: { n: 1 },
      clientContext: { custom: { who: 'me' } },
    });

    await client(LambdaClient).send(new InvokeCommand(call));
    const later = { ...call, ClientContext, InvocationType: 'Event' } as const;
    await client(LambdaClient).send(new InvokeCommand(later));

    await eventually(async () =>
      expect((await invocationLogs(FunctionName)).flat()).toEqual([
        '{"custom":{"who":"me"}}',
        '"none"',
        '"none"',
      ]),
    );
  });
});

describe('unchanged: invocations', () => {
  // lambda/latest/dg/nodejs-handler
  // recorded: lambda_ test_echo_invoke
  test('the result of the handler is returned as JSON, and undefined as null', async () => {
    const echo = await createFunction(
      `exports.handler = async (event) => event.nothing ? undefined : event;`,
    );

    expect(await invoke(echo, { text: 'ü \u2028', list: [1, null] })).toEqual({
      error: undefined,
      payload: { text: 'ü \u2028', list: [1, null] },
    });
    expect((await invoke(echo, { nothing: true })).payload).toBeNull();
  });

  // lambda/latest/dg/python-handler
  test('a Python function returns and logs, too', async () => {
    const python = await createFunction('def handler(event, context):\n    print(event)\n    return event', {
      runtime: 'python3.12',
    });

    expect(await invoke(python, 'hello')).toEqual({ error: undefined, payload: 'hello' });
    expect(await invocationLogs(python)).toEqual([['hello']]);
  });

  // lambda/latest/dg/configuration-timeout
  // recorded: lambda_ test_lambda_invoke_with_timeout
  test('an invocation that times out returns Sandbox.Timedout, and the next one has a new process', async () => {
    const slow = await createFunction(
      `exports.handler = async ({ wait }) => { if (wait) await new Promise(() => setInterval(() => {}, 1000)); };`,
      { timeout: 1 },
    );

    expect(await invoke(slow, { wait: true })).toMatchObject({
      error: 'Unhandled',
      payload: {
        errorType: 'Sandbox.Timedout',
        errorMessage: expect.stringContaining('Task timed out after 1.00 seconds'),
      },
    });
    expect(await invoke(slow, { wait: false })).toEqual({ error: undefined, payload: null });
  });

  // lambda/latest/dg/lambda-runtime-environment: what is kept in memory outlives the invocation
  // recorded: lambda_ test_invoke_warm_start
  test('module state persists until the next invocation', async () => {
    const counting = await createFunction(`let count = 0; exports.handler = async () => (count += 1);`);
    await invoke(counting);

    expect((await invoke(counting)).payload).toBe(2);
  });

  // lambda/latest/dg/nodejs-context and configuration-envvars
  // recorded: lambda_ test_invocation_with_qualifier
  test('the handler receives its environment and its context', async () => {
    const arn = await createFunction(
      `exports.handler = async (_event, context) => ({
        setting: process.env.SETTING,
        region: process.env.AWS_REGION,
        endpoint: process.env.AWS_ENDPOINT_URL,
        name: context.functionName,
        arn: context.invokedFunctionArn,
        request: context.awsRequestId,
        remaining: context.getRemainingTimeInMillis(),
      });`,
      { timeout: 5, environment: { SETTING: 'given' } },
    );
    const { payload } = await invoke(arn);

    expect(payload).toMatchObject({
      setting: 'given',
      region: arn.split(':')[3],
      endpoint,
      name: arn.split(':')[6],
      arn,
      request: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(payload).toHaveProperty('remaining', expect.any(Number));
  });

  // lambda/latest/dg/lambda-intro-execution-role
  test('a function has only the permissions of its role', async () => {
    const source = `
      const { SecretsManagerClient, CreateSecretCommand } = require('@aws-sdk/client-secrets-manager');
      exports.handler = async ({ Name }) => {
        try {
          await new SecretsManagerClient({}).send(
            new CreateSecretCommand({ Name, SecretString: 'x', ClientRequestToken: crypto.randomUUID() }),
          );
          return 'created';
        } catch (error) {
          return error.name;
        }
      };`;
    const role = await functionRole({
      Effect: 'Allow',
      Action: 'secretsmanager:CreateSecret',
      Resource: '*',
    });
    const [allowed, denied] = await Promise.all([createFunction(source, { role }), createFunction(source)]);

    expect((await invoke(allowed, { Name: unique('secret') })).payload).toBe('created');
    expect((await invoke(denied, { Name: unique('secret') })).payload).toBe('AccessDeniedException');
  });

  // lambda/latest/api/API_Invoke
  // recorded: lambda_ test_invoke_exceptions
  test('a missing function returns ResourceNotFoundException', async () => {
    const invocation = client(LambdaClient).send(new InvokeCommand({ FunctionName: unique('none') }));

    await expect(invocation).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("corrected: a function's permissions", () => {
  const allow = (Action: string[], Resource = '*') => ({ Effect: 'Allow' as const, Action, Resource });
  const roleWith = (...statements: ReturnType<typeof allow>[]) =>
    createRole({ Service: 'lambda.amazonaws.com' }, statements);

  // lambda/latest/dg/monitoring-cloudwatchlogs (prerequisites)
  test.each([
    ['logs:CreateLogStream', 'logs:PutLogEvents'],
    ['logs:PutLogEvents', 'logs:CreateLogStream'],
  ])('without %s it has no log', async (_missing, only) => {
    const source = "exports.handler = async () => console.log('here')";
    const silent = await createFunction(source, { role: await roleWith(allow([only])) });
    await invoke(silent);

    await expect(invocationLogs(silent)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  // lambda/latest/dg/invocation-async-retain-records (dead-letter queues)
  test('it sends failed events only with permission', async () => {
    const queue = await createQueue();
    const failing = async (...statements: ReturnType<typeof allow>[]) => {
      const arn = await createFunction("exports.handler = async () => { throw new Error('no') }", {
        role: await roleWith(...statements),
        deadLetterQueue: queue.arn,
      });
      await invokeLater(arn, { from: arn });
      return arn;
    };
    await failing();
    const able = await failing(allow(['sqs:SendMessage'], queue.arn));

    expect(await nextEvent(queue.url)).toEqual({ from: able });
    expect(await lengthOf(queue.url)).toBe(0);
  });
});

describe('the environment of functions', () => {
  // lambda/latest/dg/nodejs-package: the SDK in a function finds no configuration files. Here it would find those of
  // the user of the local AWS.
  test('the handler has no configuration of the AWS SDK except its environment', async () => {
    const arn = await createFunction(
      `const { existsSync } = require('node:fs');
      exports.handler = async () =>
        ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'].map((name) => existsSync(process.env[name] ?? process.execPath));`,
    );

    const { payload } = await invoke(arn);

    expect(payload).toEqual([false, false]);
  });
});
