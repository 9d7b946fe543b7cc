import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, jest, test } from '@jest/globals';
import { client } from './support/clients.ts';
import { eventually } from './support/eventually.ts';
import { createFunction } from './support/functions.ts';
import { invocationLogs } from './support/logs.ts';
import { createMachine, ended, history, outputOf, reached, start } from './support/machines.ts';
import { present } from './support/present.ts';
import { only, shapeOf } from './support/recorded.ts';
import { callerWho } from './support/roles.ts';

const sfn = client(SFNClient);

jest.setTimeout(30_000);

/** A function that logs its task token, and then runs the given code. */
const taking = (more = '') =>
  createFunction(`exports.handler = async ({ token }) => { console.log('token=' + token); ${more} };`);

/** A state machine with a callback task; `fields` are those of the task, which other states can follow. */
const waiting = (FunctionName: string, fields: object = {}, more: Record<string, object> = {}) =>
  createMachine({
    StartAt: 'Wait',
    States: {
      Wait: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
        Arguments: { FunctionName, Payload: { token: '{% $states.context.Task.Token %}' } },
        End: true,
        ...fields,
      },
      ...more,
    },
  });

/** The task tokens of the function in order, after it has received the given number. */
const tokensOf = (functionArn: string, count: number): Promise<string[]> =>
  eventually(async () => {
    const text = JSON.stringify(await invocationLogs(functionArn));
    const tokens = [...text.matchAll(/token=([\w-]+)/g)].map(([, token = '']) => token);
    if (tokens.length < count) throw new Error(`There are ${tokens.length} tokens.`);
    return tokens;
  });

const succeed = (taskToken: string, as = sfn) =>
  as.send(new SendTaskSuccessCommand({ taskToken, output: '{"by":"callback"}' }));

describe('a task that waits for a callback', () => {
  // step-functions/latest/dg/connect-to-resource.html#connect-wait-token
  test('continues with the result that was sent for its token', async () => {
    const taker = await taking();
    const execution = await start(await waiting(taker));
    const [token = ''] = await tokensOf(taker, 1);
    await succeed(token);

    expect(outputOf(await ended(execution))).toEqual({ by: 'callback' });
  });

  // step-functions/latest/dg/connect-to-resource.html#connect-wait-token
  test("continues with a result that was sent while its function was running, regardless of the function's result", async () => {
    const server = createServer(async (request, response) => {
      await succeed(new URL(request.url ?? '', 'http://here').searchParams.get('token') ?? '');
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

    try {
      const { port } = server.address() as AddressInfo; // a server that listens on a port has one
      const sends = `await fetch('http://127.0.0.1:${port}/?token=' + encodeURIComponent(token));`;
      for (const more of ['return { by: "function" }', "throw new Error('afterwards')"]) {
        const execution = await start(await waiting(await taking(`${sends} ${more}`)));
        expect(outputOf(await ended(execution))).toEqual({ by: 'callback' });
      }
    } finally {
      server.close();
    }
  });

  test('fails with the error that was sent for its token', async () => {
    const taker = await taking();
    const execution = await start(await waiting(taker));
    const [taskToken = ''] = await tokensOf(taker, 1);
    await sfn.send(new SendTaskFailureCommand({ taskToken, error: 'Refused', cause: 'because' }));

    expect(await ended(execution)).toMatchObject({ status: 'FAILED', error: 'Refused', cause: 'because' });
  });
});

describe('corrected: a task that waits for a callback', () => {
  // recorded: stepfunctions test_sqs_wait_for_task_token
  test('records when its call has returned', async () => {
    const taker = await taking("return 'taken'");
    const execution = await start(await waiting(taker));
    const [token = ''] = await tokensOf(taker, 1);
    await reached(execution, 'TaskSubmitted');

    await succeed(token);
    await ended(execution);
    const events = await history(execution);
    const { output = '', ...of } = present(only(events, 'TaskSubmitted').taskSubmittedEventDetails);

    expect(shapeOf(events).slice(1, 6)).toEqual([
      [2, 0, 'TaskStateEntered'],
      [3, 2, 'TaskScheduled'],
      [4, 3, 'TaskStarted'],
      [5, 4, 'TaskSubmitted'],
      [6, 5, 'TaskSucceeded'],
    ]);
    expect(of).toEqual({ resourceType: 'lambda', resource: 'invoke.waitForTaskToken' });
    expect(JSON.parse(output)).toMatchObject({ StatusCode: 200, Payload: 'taken' });
  });

  // recorded: stepfunctions test_sqs_failure_in_wait_for_task_tok_no_error_field[SQS_WAIT_FOR_TASK_TOKEN_CATCH]
  test('fails without an error if none is sent, and a Catch receives null', async () => {
    const taker = await taking();
    const Catch = [{ ErrorEquals: ['States.ALL'], Output: '{% $states.errorOutput %}', Next: 'Caught' }];
    const execution = await start(await waiting(taker, { Catch }, { Caught: { Type: 'Succeed' } }));
    const [taskToken = ''] = await tokensOf(taker, 1);
    await sfn.send(new SendTaskFailureCommand({ taskToken }));

    expect(outputOf(await ended(execution))).toEqual({ Error: null, Cause: null });
    expect(only(await history(execution), 'TaskFailed').taskFailedEventDetails).toEqual({
      resourceType: 'lambda',
      resource: 'invoke.waitForTaskToken',
    });
  });

  // recorded: stepfunctions test_heartbeat_timeout
  test('times out without a heartbeat', async () => {
    const limits = { TimeoutSeconds: 60, HeartbeatSeconds: 1 };
    const execution = await start(await waiting(await taking(), limits));
    const record = await ended(execution);
    const events = await history(execution);

    expect(record).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    expect(only(events, 'TaskScheduled').taskScheduledEventDetails).toMatchObject({
      timeoutInSeconds: 60,
      heartbeatInSeconds: 1,
    });
    expect(shapeOf(events).slice(4, 6)).toEqual([
      [5, 4, 'TaskSubmitted'],
      [6, 5, 'TaskTimedOut'],
    ]);
  });

  // step-functions/latest/dg/connect-lambda
  test('fails at once with the error of its function', async () => {
    const taker = await taking("const error = new Error('no'); error.name = 'Thrown'; throw error");
    const execution = await start(await waiting(taker, { TimeoutSeconds: 60 }));

    expect(await ended(execution, 8_000)).toMatchObject({ status: 'FAILED', error: 'Thrown' });
  });

  // step-functions/latest/dg/connect-to-resource.html#connect-wait-token
  test('has a new token when it is retried, and the previous one is invalid', async () => {
    const taker = await taking();
    const again = { ErrorEquals: ['States.Timeout'], IntervalSeconds: 1, MaxAttempts: 1 };
    const execution = await start(await waiting(taker, { TimeoutSeconds: 1, Retry: [again] }));
    const [first = '', second = ''] = await tokensOf(taker, 2);

    expect(second).not.toBe(first);
    await expect(succeed(first)).rejects.toMatchObject({ name: expect.stringMatching(/^Task/) });

    await succeed(second);

    expect(await ended(execution)).toMatchObject({ status: 'SUCCEEDED' });
  });

  // step-functions/latest/apireference/API_StopExecution
  test('stops waiting when its execution is stopped', async () => {
    const taker = await taking();
    const execution = await start(await waiting(taker));
    const [token = ''] = await tokensOf(taker, 1);
    await sfn.send(new StopExecutionCommand({ executionArn: execution }));
    await reached(execution, 'ExecutionAborted');

    // A heartbeat has no effect, so it can check repeatedly whether the token is valid.
    await eventually(async () => {
      const alive = sfn.send(new SendTaskHeartbeatCommand({ taskToken: token }));
      await expect(alive).rejects.toMatchObject({ name: expect.stringMatching(/^Task/) });
    });
    await expect(succeed(token)).rejects.toMatchObject({ name: expect.stringMatching(/^Task/) });
  });

  // service-authorization/latest/reference/list_awsstepfunctions
  test('is resumed only by principals with permission on its state machine', async () => {
    const taker = await taking();
    const machine = await waiting(taker);
    const execution = await start(machine);
    const [token = ''] = await tokensOf(taker, 1);
    const who = async (Resource: string) =>
      client(SFNClient, await callerWho({ Effect: 'Allow', Action: 'states:SendTaskSuccess', Resource }));

    await expect(succeed(token, await who(`${machine}-other`))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });

    await succeed(token, await who(machine));

    expect(await ended(execution)).toMatchObject({ status: 'SUCCEEDED' });
  });
});
