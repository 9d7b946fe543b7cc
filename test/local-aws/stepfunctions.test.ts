import {
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, jest, test } from '@jest/globals';
import { account, client, region } from './support/clients.ts';
import { createFunction } from './support/functions.ts';
import { invocationLogs } from './support/logs.ts';
import {
  call,
  createMachine,
  type Definition,
  describeExecution,
  ended,
  FAILING_WITH,
  failing,
  history,
  machineMay,
  machineRole,
  outputOf,
  reached,
  run,
  start,
  toCall,
} from './support/machines.ts';
import { present } from './support/present.ts';
import { nextEvent, queueOf } from './support/queues.ts';
import { createRole } from './support/roles.ts';
import { unique } from './support/unique.ts';

const sfn = client(SFNClient);

jest.setTimeout(20_000);

const done = { Type: 'Succeed' };
const waiting: Definition = { StartAt: 'Wait', States: { Wait: { Type: 'Wait', Seconds: 30, End: true } } };

describe('corrected: starting an execution', () => {
  // step-functions/latest/dg/welcome: an execution begins at once
  test('an execution with Pass states only takes no measurable time', async () => {
    const machine = await createMachine({ StartAt: 'Pass', States: { Pass: { Type: 'Pass', End: true } } });
    const times: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const { startDate, stopDate } = await ended(await start(machine));
      times.push(present(stopDate).getTime() - present(startDate).getTime());
    }

    expect(Math.min(...times)).toBeLessThan(100);
  });

  // step-functions/latest/apireference/API_StartExecution
  test('a repeated start of a running execution with the same input returns the first response', async () => {
    const command = new StartExecutionCommand({
      stateMachineArn: await createMachine(waiting),
      name: unique('once'),
      input: '{"a":1}',
    });
    const first = await sfn.send(command);
    const second = await sfn.send(command);

    expect(second).toMatchObject({ executionArn: first.executionArn, startDate: first.startDate });

    await stop(present(first.executionArn));
  });
});

describe('corrected: the end of an execution', () => {
  // step-functions/latest/dg/statemachine-structure (TimeoutSeconds)
  // recorded: stepfunctions test_global_timeout
  test('an execution that exceeds TimeoutSeconds is TIMED_OUT, without an error', async () => {
    const execution = await start(await createMachine({ ...waiting, TimeoutSeconds: 1 }));
    const { status, error, cause, output, redriveStatus, startDate, stopDate } = await ended(
      execution,
      4_000,
    );

    expect({ status, error, cause, output, redriveStatus }).toEqual({
      status: 'TIMED_OUT',
      error: undefined,
      cause: undefined,
      output: undefined,
      redriveStatus: 'REDRIVABLE',
    });
    expect(present(stopDate).getTime() - present(startDate).getTime()).toBeGreaterThanOrEqual(1_000);
    expect((await history(execution)).map(({ type }) => type)).toEqual([
      'ExecutionStarted',
      'WaitStateEntered',
      'ExecutionTimedOut',
    ]);
  });

  // step-functions/latest/dg/concepts-error-handling: catchers are of states, not of the execution
  test('the timeout of an execution is not caught, and calls in flight have no effect on it', async () => {
    const slow = await createFunction(
      `exports.handler = () => new Promise((answer) => setTimeout(answer, 2000));`,
    );
    const next = await createFunction(`exports.handler = async () => console.log('called');`);
    const machine = (TimeoutSeconds: number) =>
      createMachine({
        TimeoutSeconds,
        StartAt: 'Slow',
        States: {
          Slow: toCall(slow, { Next: 'Next', Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Next' }] }),
          Next: call(next),
        },
      });
    const late = await start(await machine(1));
    outputOf(await ended(await start(await machine(10))));

    expect((await describeExecution(late)).status).toBe('TIMED_OUT');
    expect(await invocationLogs(next)).toEqual([['called']]); // by the execution that did not time out
  });

  // step-functions/latest/apireference/API_StopExecution
  test('a branch of a stopped execution does not continue', async () => {
    const { calls, machine } = await callingMachine((step) => ({
      StartAt: 'Both',
      States: {
        Both: {
          Type: 'Parallel',
          Branches: [
            {
              StartAt: 'Wait',
              States: {
                Wait: { Type: 'Wait', Seconds: '{% $states.input.wait %}', Next: 'Call' },
                Call: step,
              },
            },
          ],
          End: true,
        },
      },
    }));
    const stopped = await start(machine, { who: 'stopped', wait: 1 });
    await reached(stopped, 'ParallelStateEntered');
    await stop(stopped);
    outputOf(await ended(await start(machine, { who: 'ended', wait: 2 })));

    expect(await calls()).toEqual(['ended']);
    expect((await history(stopped)).at(-1)).toMatchObject({ type: 'ExecutionAborted' });
  });

  // step-functions/latest/apireference/API_StopExecution
  test('a step of a stopped execution is not retried', async () => {
    const { calls, machine } = await callingMachine((step) => ({
      StartAt: 'Call',
      States: {
        Call: {
          ...step,
          Retry: [{ ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 1, MaxAttempts: 1 }],
        },
      },
    }));
    const stopped = await start(machine, { who: 'stopped', fail: true });
    await reached(stopped, 'TaskFailed');
    await stop(stopped);

    expect(await ended(await start(machine, { who: 'ended', fail: true }))).toMatchObject({
      status: 'FAILED',
    });
    expect(await calls()).toEqual(['stopped', 'ended', 'ended']);
  });

  // step-functions/latest/apireference/API_StopExecution
  test('a failure after the stop has no effect', async () => {
    const slow = await createFunction(
      `exports.handler = (wait) => new Promise((_answer, fail) => setTimeout(fail, wait, new Error('late')));`,
    );
    const machine = await createMachine({ StartAt: 'Slow', States: { Slow: call(slow) } });
    const stopped = await start(machine, 500);
    await reached(stopped, 'TaskScheduled');

    await stop(stopped, { error: 'NotNeeded', cause: 'changed my mind' });
    await ended(await start(machine, 1_500)); // the other one has failed by then, too

    expect(await describeExecution(stopped)).toMatchObject({
      status: 'ABORTED',
      error: 'NotNeeded',
      cause: 'changed my mind',
    });
    // recorded: stepfunctions test_stop_execution
    expect((await history(stopped)).at(-1)).toMatchObject({
      type: 'ExecutionAborted',
      previousEventId: 0,
      executionAbortedEventDetails: { error: 'NotNeeded', cause: 'changed my mind' },
    });
  });

  // step-functions/latest/apireference/API_DescribeExecution: output is set only if the execution succeeds
  test('a failed execution has an error and a cause, and no output', async () => {
    const { status, error, cause, output, outputDetails } = await run({
      StartAt: 'Fail',
      States: { Fail: { Type: 'Fail', Error: 'Refused', Cause: 'because' } },
    });

    expect({ status, error, cause, output, outputDetails }).toEqual({
      status: 'FAILED',
      error: 'Refused',
      cause: 'because',
      output: undefined,
      outputDetails: undefined,
    });
  });

  // recorded: stepfunctions test_map_state_catch_empty_fail
  test('a Fail without Error and Cause has neither', async () => {
    const { status, error, cause } = await run({ StartAt: 'Fail', States: { Fail: { Type: 'Fail' } } });

    expect({ status, error, cause }).toEqual({ status: 'FAILED', error: undefined, cause: undefined });
  });

  /** A queue with the events of the executions of a state machine that have ended. */
  const queueOfEnds = (machine: string) =>
    queueOf({
      source: ['aws.states'],
      detail: { stateMachineArn: [machine], status: [{ 'anything-but': ['RUNNING'] }] },
    });

  // step-functions/latest/dg/eventbridge-integration
  test('EventBridge receives a stop', async () => {
    const machine = await createMachine(waiting);
    const ends = await queueOfEnds(machine);
    const stopped = await start(machine);
    await stop(stopped, { error: 'NotNeeded', cause: 'changed my mind' });

    expect(await nextEvent(ends)).toMatchObject({
      'detail-type': 'Step Functions Execution Status Change',
      resources: [stopped],
      detail: {
        executionArn: stopped,
        status: 'ABORTED',
        error: 'NotNeeded',
        cause: 'changed my mind',
        input: '{}',
        output: null,
      },
    });
  });

  test('EventBridge receives a timeout', async () => {
    const machine = await createMachine({ ...waiting, TimeoutSeconds: 2 });
    const ends = await queueOfEnds(machine);

    const late = await start(machine);

    expect(await nextEvent(ends)).toMatchObject({
      detail: {
        executionArn: late,
        status: 'TIMED_OUT',
        redriveStatus: 'REDRIVABLE',
        error: null,
        cause: null,
      },
    });
  });
});

describe('corrected: the history', () => {
  // step-functions/latest/apireference/API_GetExecutionHistory (example)
  test('each event has its previous event, and the first ones have none', async () => {
    const { executionArn } = await run({ StartAt: 'Done', States: { Done: done } });
    const events = await history(present(executionArn));

    expect(events.map(({ id, previousEventId }) => [id, previousEventId])).toEqual([
      [1, 0],
      [2, 0],
      [3, 2],
      [4, 3],
    ]);
  });

  // step-functions/latest/apireference/API_HistoryEvent (type)
  test('each attempt of a task is scheduled and started', async () => {
    const Retry = [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 1, MaxAttempts: 1 }];
    const { executionArn } = await run({ StartAt: 'Call', States: { Call: failing({ Retry }) } });

    expect((await history(present(executionArn))).map(({ type }) => type)).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      ...Array(2).fill(['TaskScheduled', 'TaskStarted', 'TaskFailed']).flat(),
      'ExecutionFailed',
    ]);
  });

  // step-functions/latest/apireference/API_TaskScheduledEventDetails: principals that may read the history see them
  test('a task has its resource and its parameters', async () => {
    const echo = await createFunction(`exports.handler = async (event) => event;`);
    const { executionArn } = await run(
      { StartAt: 'Call', States: { Call: call(echo, { TimeoutSeconds: 9 }) } },
      'seen',
    );
    const events = await history(present(executionArn));
    const scheduled = events.find(({ type }) => type === 'TaskScheduled')?.taskScheduledEventDetails;

    expect(scheduled).toMatchObject({
      resourceType: 'lambda',
      resource: 'invoke',
      region,
      timeoutInSeconds: 9,
    });
    expect(JSON.parse(present(scheduled?.parameters))).toEqual({ FunctionName: echo, Payload: 'seen' });
    expect(events.find(({ type }) => type === 'TaskSucceeded')?.taskSucceededEventDetails).toMatchObject({
      resourceType: 'lambda',
      resource: 'invoke',
    });
  });

  // step-functions/latest/apireference/API_StateExitedEventDetails: principals that may read the history see them, too
  test('a state has its assigned variables, also those of a Catch', async () => {
    const { executionArn } = await run({
      StartAt: 'First',
      States: {
        First: { Type: 'Pass', Assign: { text: 'seen', nothing: null }, Next: 'Call' },
        Call: failing({
          Catch: [{ ErrorEquals: ['States.ALL'], Assign: { text: { now: [1] } }, Next: 'Done' }],
        }),
        Done: done,
      },
    });
    const exits = (await history(present(executionArn))).flatMap(
      ({ stateExitedEventDetails }) => stateExitedEventDetails ?? [],
    );
    const assigned = exits.map(({ name, assignedVariables = {} }) => [
      name,
      Object.entries(assignedVariables).map(([variable, value]) => [variable, JSON.parse(value)]),
    ]);

    expect(assigned).toEqual([
      [
        'First',
        [
          ['text', 'seen'],
          ['nothing', null],
        ],
      ],
      ['Call', [['text', { now: [1] }]]],
      ['Done', []],
    ]);
  });

  // step-functions/latest/apireference/API_TaskTimedOutEventDetails
  // recorded: stepfunctions test_invoke_timeout
  test('a task that times out is TaskTimedOut without a cause, which is empty in a Catch', async () => {
    const execution = await run({
      StartAt: 'Slow',
      States: {
        Slow: call(await slowFunction(), {
          TimeoutSeconds: 1,
          Catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $states.errorOutput %}', Next: 'Done' }],
        }),
        Done: done,
      },
    });
    const events = await history(present(execution.executionArn));

    expect(events.find(({ type }) => type === 'TaskTimedOut')?.taskTimedOutEventDetails).toEqual({
      resourceType: 'lambda',
      resource: 'invoke',
      error: 'States.Timeout',
    });
    expect(outputOf(execution)).toEqual({ Error: 'States.Timeout', Cause: '' });
  });
});

describe('corrected: the role of a state machine', () => {
  // step-functions/latest/dg/connect-lambda (IAM policies)
  test('a function is invoked only with permission of the role', async () => {
    const [open, closed] = await Promise.all([echoFunction(), echoFunction()]);
    const role = await machineRole({ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: open });
    const calling = (arn: string) => run({ StartAt: 'Call', States: { Call: call(arn) } }, 'hello', role);

    expect(outputOf(await calling(open))).toBe('hello');
    expect(await calling(closed)).toMatchObject({
      status: 'FAILED',
      error: 'Lambda.AWSLambdaException',
      cause: expect.stringContaining('not authorized to perform: lambda:InvokeFunction'),
    });
  });

  // step-functions/latest/dg/procedure-create-iam-role (trust policy)
  test('a role that does not trust Step Functions cannot be assumed', async () => {
    const role = await createRole({ Service: 'lambda.amazonaws.com' }, [machineMay('lambda:InvokeFunction')]);
    const { error } = await run({ StartAt: 'Call', States: { Call: call(await echoFunction()) } }, {}, role);

    expect(error).toBe('Lambda.AWSLambdaException');
  });

  // IAM/latest/UserGuide/confused-deputy (aws:SourceArn, aws:SourceAccount)
  test('a role can be restricted to the state machines of one account', async () => {
    const calling = { StartAt: 'Call', States: { Call: call(await echoFunction()) } };
    const lentTo = (owner: string) =>
      createRole({ Service: 'states.amazonaws.com' }, [machineMay('lambda:InvokeFunction')], {
        StringEquals: { 'aws:SourceAccount': owner },
        ArnLike: { 'aws:SourceArn': `arn:aws:states:${region}:${owner}:stateMachine:*` },
      });

    expect(outputOf(await run(calling, 'hello', await lentTo(account)))).toBe('hello');
    expect((await run(calling, 'hello', await lentTo('999999999999'))).error).toBe(
      'Lambda.AWSLambdaException',
    );
  });

  // step-functions/latest/dg/connect-eventbridge (IAM policies)
  test('events are published only with permission of the role', async () => {
    const role = await machineRole(machineMay('lambda:InvokeFunction'));
    const { error, cause } = await run(publishing('test.denied'), {}, role);

    expect(error).toMatch(/^EventBridge\./);
    expect(cause).toContain('not authorized to perform: events:PutEvents');
  });

  // step-functions/latest/dg/connect-stepfunctions (IAM policies)
  test('executions are started only with permission of the role', async () => {
    const role = await machineRole(machineMay('lambda:InvokeFunction'));
    const { error, cause } = await run(await starting(), {}, role);

    expect(error).toMatch(/^StepFunctions\./);
    expect(cause).toContain('not authorized to perform: states:StartExecution');
  });
});

describe('corrected: publishing events', () => {
  // step-functions/latest/dg/connect-eventbridge
  test('each event has state machine and execution as resources', async () => {
    const source = unique('test.source');
    const queue = await queueOf({ source: [source] });
    const { executionArn, stateMachineArn } = await run(publishing(source));

    expect(await nextEvent(queue)).toMatchObject({ resources: [stateMachineArn, executionArn] });
  });

  // step-functions/latest/dg/connect-eventbridge
  test('an event that EventBridge rejects fails the task with EventBridge.FailedEntry', async () => {
    expect(await run(publishing('aws.reserved'))).toMatchObject({
      status: 'FAILED',
      error: 'EventBridge.FailedEntry',
      cause: expect.stringContaining('NotAuthorizedForSource'),
    });
  });
});

describe('corrected: retries and catches', () => {
  // step-functions/latest/dg/concepts-error-handling (MaxDelaySeconds)
  test('an interval is never longer than MaxDelaySeconds', async () => {
    const [first, second] = await pauses({ IntervalSeconds: 1, BackoffRate: 4, MaxDelaySeconds: 2 }, 2);

    expect(first).toBeGreaterThanOrEqual(1_000);
    expect(second).toBeGreaterThanOrEqual(2_000);
    expect(second).toBeLessThan(4_000);
  });

  // step-functions/latest/dg/concepts-error-handling (JitterStrategy)
  test('with full jitter an interval is drawn at random up to its length', async () => {
    const drawn = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const [pause] = await pauses({ IntervalSeconds: 2, JitterStrategy: 'FULL' }, 1);
        return present(pause);
      }),
    );

    expect(Math.min(...drawn)).toBeLessThan(1_500);
  });

  // step-functions/latest/dg/concepts-error-handling and lambda/latest/dg/nodejs-exceptions
  test('an error of a function is retried and caught by its name', async () => {
    const refusing = await createFunction(`
      exports.handler = async () => { throw Object.assign(new Error('zoe'), { name: 'UserAlreadyExists' }); };`);
    const execution = await run({
      StartAt: 'Call',
      States: {
        Call: toCall(refusing, {
          Retry: [
            { ErrorEquals: ['Throttled'], MaxAttempts: 5 },
            { ErrorEquals: ['UserAlreadyExists'], IntervalSeconds: 1, MaxAttempts: 1 },
          ],
          Catch: [
            { ErrorEquals: ['Throttled'], Next: 'Other' },
            { ErrorEquals: ['UserAlreadyExists'], Output: '{% $states.errorOutput %}', Next: 'Done' },
          ],
          Next: 'Other',
        }),
        Other: { Type: 'Fail' },
        Done: done,
      },
    });
    const events = await history(present(execution.executionArn));

    expect(outputOf(execution)).toEqual({ Error: 'UserAlreadyExists', Cause: expect.any(String) });
    expect(events.filter(({ type }) => type === 'TaskScheduled')).toHaveLength(2);
  });

  // step-functions/latest/dg/concepts-error-handling: States.ALL does not catch States.Runtime
  test('States.Runtime is not caught', async () => {
    const execution = await run(
      {
        QueryLanguage: 'JSONPath',
        StartAt: 'Branch',
        States: {
          Branch: {
            Type: 'Parallel',
            Branches: [{ StartAt: 'Fail', States: { Fail: { Type: 'Fail', ErrorPath: '$.number' } } }],
            Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Done' }],
            End: true,
          },
          Done: done,
        },
      },
      { number: 1 },
    );

    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });
});

describe('corrected: variables and context', () => {
  // step-functions/latest/dg/workflow-variables
  test('all expressions of Assign use the values before it', async () => {
    const execution = await run({
      StartAt: 'First',
      States: {
        First: { Type: 'Pass', Assign: { x: 1, y: 1 }, Next: 'Second' },
        Second: { Type: 'Pass', Assign: { x: 2, y: '{% $x + 10 %}' }, Next: 'Third' },
        Third: { Type: 'Pass', Output: '{% [$x, $y] %}', End: true },
      },
    });

    expect(outputOf(execution)).toEqual([2, 11]);
  });

  // step-functions/latest/dg/input-output-contextobject
  test('the context contains the role and the redrive count', async () => {
    const role = await machineRole();
    const Output = '{% $states.context.Execution.[RoleArn, RedriveCount] %}';
    const execution = await run(
      { StartAt: 'Read', States: { Read: { Type: 'Pass', Output, End: true } } },
      {},
      role,
    );

    expect(outputOf(execution)).toEqual([role, 0]);
  });
});

describe('unchanged: executions', () => {
  // step-functions/latest/apireference/API_StartExecution
  test('the name of a finished execution returns ExecutionAlreadyExists', async () => {
    const name = unique('once');
    const ran = await createMachine({ StartAt: 'Done', States: { Done: done } });
    await ended(await start(ran, { a: 1 }, name));

    await expect(start(ran, { a: 1 }, name)).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
  });

  test('the name of a running execution with another input returns ExecutionAlreadyExists', async () => {
    const name = unique('once');
    const running = await createMachine(waiting);
    const execution = await start(running, { a: 1 }, name);

    await expect(start(running, { a: 2 }, name)).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });

    await stop(execution);
  });

  // step-functions/latest/apireference/API_DescribeExecution
  test('an execution is described', async () => {
    const machine = await createMachine({ StartAt: 'Done', States: { Done: done } });
    const name = unique('described');
    const execution = await start(machine, { a: 1 }, name);

    expect(execution).toBe(`${machine.replace(':stateMachine:', ':execution:')}:${name}`);
    expect(await ended(execution)).toMatchObject({
      executionArn: execution,
      stateMachineArn: machine,
      name,
      status: 'SUCCEEDED',
      input: '{"a":1}',
      output: expect.stringMatching(/^\{"a": ?1\}$/),
      startDate: expect.any(Date),
      stopDate: expect.any(Date),
    });
  });

  // step-functions/latest/apireference/API_DescribeExecution, API_GetExecutionHistory and API_StopExecution
  test('a missing execution returns ExecutionDoesNotExist', async () => {
    const missing = `arn:aws:states:${region}:${account}:execution:none:${unique('none')}`;

    for (const request of [describeExecution(missing), history(missing), stop(missing)])
      await expect(request).rejects.toMatchObject({ name: 'ExecutionDoesNotExist' });
  });

  // step-functions/latest/apireference/API_StopExecution: a stop that is repeated
  test('a stopped execution can be stopped again', async () => {
    const execution = await start(await createMachine(waiting));
    const first = await stop(execution);

    expect((await stop(execution)).stopDate).toEqual(first.stopDate);
    expect((await describeExecution(execution)).status).toBe('ABORTED');
  });

  // step-functions/latest/dg/eventbridge-integration
  test('EventBridge receives the start and the end', async () => {
    const machine = await createMachine({ StartAt: 'Done', States: { Done: done } });
    const changes = await queueOf({ source: ['aws.states'], detail: { stateMachineArn: [machine] } });
    const execution = await start(machine, { a: 1 });
    const statusChanges = [await nextEvent(changes), await nextEvent(changes)];

    expect(statusChanges).toEqual(
      expect.arrayContaining(
        ['RUNNING', 'SUCCEEDED'].map((status) =>
          expect.objectContaining({
            detail: expect.objectContaining({ executionArn: execution, status, input: '{"a":1}' }),
          }),
        ),
      ),
    );
  });

  // step-functions/latest/apireference/API_GetExecutionHistory
  test('the history has the states with their input and output, in pages, in both directions', async () => {
    const { executionArn } = await run(
      { StartAt: 'First', States: { First: { Type: 'Pass', Output: 'out', Next: 'Done' }, Done: done } },
      { a: 1 },
    );
    const types = [
      'ExecutionStarted',
      'PassStateEntered',
      'PassStateExited',
      'SucceedStateEntered',
      'SucceedStateExited',
      'ExecutionSucceeded',
    ];
    const events = await history(present(executionArn));

    expect(events.map(({ type }) => type)).toEqual(types);
    expect(events.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(events[1]?.stateEnteredEventDetails).toMatchObject({
      name: 'First',
      input: expect.stringMatching(/^\{"a": ?1\}$/),
    });
    expect(events[2]?.stateExitedEventDetails).toMatchObject({ name: 'First', output: '"out"' });

    const page = new GetExecutionHistoryCommand({ executionArn, maxResults: 4, reverseOrder: true });
    const { events: newest = [], nextToken } = await sfn.send(page);
    const { events: oldest = [] } = await sfn.send(
      new GetExecutionHistoryCommand({ ...page.input, nextToken }),
    );

    expect([...newest, ...oldest].map(({ type }) => type)).toEqual(types.toReversed());

    const bare = await sfn.send(
      new GetExecutionHistoryCommand({ executionArn, includeExecutionData: false }),
    );

    expect(bare.events?.[1]?.stateEnteredEventDetails).toEqual({ name: 'First' });
  });
});

describe('unchanged: states', () => {
  // step-functions/latest/dg/transforming-data and workflow-variables
  test('a state assigns from its result, and later states read it', async () => {
    const execution = await run(
      {
        StartAt: 'Call',
        States: {
          Call: toCall(await echoFunction(), {
            Assign: { user: { sub: '{% $states.result.Payload.sub %}' } },
            Output: { status: '{% $states.result.StatusCode %}' },
            Next: 'Read',
          }),
          Read: { Type: 'Pass', Output: { input: '{% $states.input %}', sub: '{% $user.sub %}' }, End: true },
        },
      },
      { sub: 's-1' },
    );

    expect(outputOf(execution)).toEqual({ input: { status: 200 }, sub: 's-1' });
  });

  // step-functions/latest/dg/input-output-contextobject
  test('the context contains execution, state machine and state', async () => {
    const Output = '{% $states.context %}';
    const execution = await run(
      { StartAt: 'Read', States: { Read: { Type: 'Pass', Output, End: true } } },
      { a: 1 },
    );
    const { executionArn, stateMachineArn, name } = execution;

    expect(outputOf(execution)).toMatchObject({
      Execution: {
        Id: executionArn,
        Name: name,
        Input: { a: 1 },
        StartTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      },
      StateMachine: { Id: stateMachineArn, Name: stateMachineArn?.split(':').at(-1) },
      State: {
        Name: 'Read',
        EnteredTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      },
    });
  });

  // step-functions/latest/dg/input-output-contextobject: EnteredTime is of the state, RetryCount of the attempt
  test('a retry has its RetryCount and the EnteredTime of the first attempt', async () => {
    const twice = await createFunction(`
      exports.handler = async ({ RetryCount, EnteredTime }) => {
        console.log(EnteredTime);
        if (RetryCount === 0) throw new Error('once more');
        return RetryCount;
      };`);
    const Arguments = { FunctionName: twice, Payload: '{% $states.context.State %}' };
    const Retry = [{ ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 1, MaxAttempts: 2 }];
    const execution = await run({ StartAt: 'Call', States: { Call: call(twice, { Arguments, Retry }) } });
    const times = (await invocationLogs(twice)).map(([entered]) => entered);

    expect(outputOf(execution)).toBe(1);
    expect(times).toEqual([expect.stringContaining('T'), times[0]]);
  });

  // step-functions/latest/dg/concepts-error-handling: each retrier counts for itself; MaxAttempts 0 is never
  test('only the errors of a retrier are retried', async () => {
    const attempts = async (...Retry: object[]) => {
      const { executionArn } = await run({ StartAt: 'Call', States: { Call: failing({ Retry }) } });
      return (await history(present(executionArn))).filter(({ type }) => type === 'TaskScheduled').length;
    };
    const once = { IntervalSeconds: 1, MaxAttempts: 1 };

    expect(
      await Promise.all([
        attempts({ ErrorEquals: ['Another'], ...once }),
        attempts({ ErrorEquals: ['Another', FAILING_WITH], ...once }),
        attempts({ ErrorEquals: [FAILING_WITH], MaxAttempts: 0 }, { ErrorEquals: ['States.ALL'], ...once }),
      ]),
    ).toEqual([1, 2, 1]);
  });

  // step-functions/latest/dg/concepts-error-handling and workflow-variables
  test('a catch by name assigns from the error and continues with its output', async () => {
    const execution = await run(
      {
        StartAt: 'Call',
        States: {
          Call: failing({
            Catch: [
              { ErrorEquals: ['Another'], Next: 'Other' },
              {
                ErrorEquals: ['States.ALL'],
                Assign: { failure: { error: '{% $states.errorOutput.Error %}' } },
                Output: '{% $states.input %}',
                Next: 'Read',
              },
            ],
          }),
          Other: { Type: 'Fail' },
          Read: { Type: 'Pass', Output: '{% [$states.input, $failure.error] %}', End: true },
        },
      },
      'given',
    );

    expect(outputOf(execution)).toEqual(['given', FAILING_WITH]);
  });

  // step-functions/latest/dg/state-task (TimeoutSeconds)
  test('a task that times out is States.Timeout, which States.TaskFailed does not catch', async () => {
    const execution = await run({
      StartAt: 'Slow',
      States: {
        Slow: toCall(await slowFunction(), {
          TimeoutSeconds: 1,
          Next: 'Other',
          Catch: [
            { ErrorEquals: ['States.TaskFailed'], Next: 'Other' },
            { ErrorEquals: ['States.Timeout'], Output: '{% $states.errorOutput.Error %}', Next: 'Done' },
          ],
        }),
        Other: { Type: 'Fail' },
        Done: done,
      },
    });

    expect(outputOf(execution)).toBe('States.Timeout');
  });

  // step-functions/latest/dg/transforming-data: an undefined result is an error that can be caught
  test('an expression without a result fails with States.QueryEvaluationError', async () => {
    const missing = { Type: 'Pass', Output: '{% $states.input.missing %}', End: true };

    expect(await run({ StartAt: 'Read', States: { Read: missing } })).toMatchObject({
      status: 'FAILED',
      error: 'States.QueryEvaluationError',
    });
  });

  test('an expression without a result is caught as States.QueryEvaluationError', async () => {
    const caught = await run({
      StartAt: 'Call',
      States: {
        Call: call(await echoFunction(), {
          Output: '{% $states.result.missing %}',
          Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'Done' }],
        }),
        Done: done,
      },
    });

    expect(caught.status).toBe('SUCCEEDED');
  });

  // step-functions/latest/dg/state-fail
  test('a Fail state computes its error and its cause', async () => {
    const execution = await run(
      {
        StartAt: 'Fail',
        States: {
          Fail: { Type: 'Fail', Error: '{% $states.input.name %}', Cause: '{% $string($states.input) %}' },
        },
      },
      { name: 'UserCreationRolledBack' },
    );

    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'UserCreationRolledBack',
      cause: '{"name":"UserCreationRolledBack"}',
    });
  });

  // step-functions/latest/dg/state-choice
  test('a Choice follows its conditions in order, or its default', async () => {
    const definition: Definition = {
      StartAt: 'Choose',
      States: {
        Choose: {
          Type: 'Choice',
          Choices: [
            { Condition: '{% $states.input > 10 %}', Next: 'Big' },
            { Condition: '{% $states.input > 5 %}', Next: 'Medium' },
          ],
          Default: 'Small',
        },
        Big: { Type: 'Pass', Output: 'big', End: true },
        Medium: { Type: 'Pass', Output: 'medium', End: true },
        Small: { Type: 'Pass', Output: 'small', End: true },
      },
    };
    const executions = await Promise.all([20, 7, 1].map((input) => run(definition, input)));

    expect(executions.map(outputOf)).toEqual(['big', 'medium', 'small']);
  });

  // step-functions/latest/dg/state-wait
  test('a Wait state waits for the computed seconds', async () => {
    const Wait = { Type: 'Wait', Seconds: '{% $states.input %}', End: true };
    const { startDate, stopDate } = await run({ StartAt: 'Wait', States: { Wait } }, 1);

    expect(present(stopDate).getTime() - present(startDate).getTime()).toBeGreaterThanOrEqual(1_000);
  });

  // step-functions/latest/dg/connect-eventbridge: Detail is an object
  test('an event is published with the computed details', async () => {
    const source = unique('test.source');
    const queue = await queueOf({ source: [source] });
    const execution = await run(publishing(source), 'hello');

    expect(outputOf(execution)).toMatchObject({ FailedEntryCount: 0 });
    expect(await nextEvent(queue)).toMatchObject({ 'detail-type': 'Said', detail: { input: 'hello' } });
  });

  // step-functions/latest/dg/connect-stepfunctions
  test('an execution is started by another', async () => {
    expect(outputOf(await run(await starting()))).toMatchObject({ ExecutionArn: expect.any(String) });
  });
});

/** A state machine with one step; `calls` lists the executions that reached it, in order. */
async function callingMachine(define: (step: object) => Definition) {
  const called = await createFunction(`
    exports.handler = async ({ who, fail }) => { console.log(who); if (fail) throw new Error('wanted'); };`);
  return {
    machine: await createMachine(define(call(called))),
    calls: async () => (await invocationLogs(called)).map(([who]) => who),
  };
}

/** The intervals before the retries of a step that always fails, in milliseconds. */
async function pauses(retrier: object, MaxAttempts: number): Promise<number[]> {
  const Retry = [{ ErrorEquals: ['States.ALL'], MaxAttempts, ...retrier }];
  const { executionArn } = await run({ StartAt: 'Call', States: { Call: failing({ Retry }) } });
  const events = await history(present(executionArn));
  const times = (wanted: string) =>
    events.filter(({ type }) => type === wanted).map(({ timestamp }) => present(timestamp).getTime());
  const failures = times('TaskFailed');
  return times('TaskScheduled')
    .slice(1)
    .map((tried, n) => tried - present(failures[n]));
}

function publishing(Source: string): Definition {
  const Entries = [{ Source, DetailType: 'Said', Detail: { input: '{% $states.input %}' } }];
  return {
    StartAt: 'Publish',
    States: {
      Publish: {
        Type: 'Task',
        Resource: 'arn:aws:states:::events:putEvents',
        Arguments: { Entries },
        End: true,
      },
    },
  };
}

/** Starts an execution of another state machine. */
async function starting(): Promise<Definition> {
  const StateMachineArn = await createMachine({ StartAt: 'Done', States: { Done: done } });
  return {
    StartAt: 'Start',
    States: {
      Start: {
        Type: 'Task',
        Resource: 'arn:aws:states:::states:startExecution',
        Arguments: { StateMachineArn, Input: {} },
        End: true,
      },
    },
  };
}

const echoFunction = () => createFunction(`exports.handler = async (event) => event;`);

const slowFunction = () =>
  createFunction(`exports.handler = () => new Promise((answer) => setTimeout(answer, 2500));`);

const stop = (executionArn: string, reason: { error?: string; cause?: string } = {}) =>
  sfn.send(new StopExecutionCommand({ executionArn, ...reason }));
