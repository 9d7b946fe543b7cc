import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateStateMachineCommand, SendTaskSuccessCommand, SFNClient } from '@aws-sdk/client-sfn';
import { describe, expect, jest, test } from '@jest/globals';
import { sendFailure, sendSuccess, tokenReceiver, tokensOf, waitForCallback } from './support/callbacks.ts';
import { client } from './support/clients.ts';
import { createFunction } from './support/functions.ts';
import { invocationLogs } from './support/logs.ts';
import {
  createMachine,
  type Definition,
  ended,
  FAILING_WITH,
  failing,
  history,
  machineRole,
  outputOf,
  run,
  start,
  toCall,
} from './support/machines.ts';
import { iterationOf, mapOf, typesOf } from './support/maps.ts';
import { present } from './support/present.ts';
import { only } from './support/recorded.ts';
import { callerWho } from './support/roles.ts';
import { unique } from './support/unique.ts';

jest.setTimeout(30_000);

const pass = { Type: 'Pass', End: true };

const assigning = (name: string) => ({ ...pass, Assign: { [name]: 1 } });

/** The definition, with a first state that assigns these variables. */
const assigningFirst = (Assign: object, { StartAt, States }: Definition): Definition => ({
  StartAt: 'Assign',
  States: { Assign: { Type: 'Pass', Assign, Next: StartAt }, ...States },
});

describe('corrected: the fields of a Map', () => {
  // step-functions/latest/dg/state-map-inline (Items, ItemSelector, MaxConcurrency), dg/transforming-data (Output),
  // dg/workflow-variables (Assign), dg/input-output-contextobject (Map.Item)
  test('are evaluated with the variables and the input of the state', async () => {
    const map = mapOf(
      { One: { Type: 'Pass', Output: '{% $merge([$states.input, { "by": $prefix }]) %}', End: true } },
      {
        Items: '{% $targets %}',
        MaxConcurrency: '{% $at_once %}',
        ItemSelector: {
          target: '{% $states.context.Map.Item.Value %}',
          index: '{% $states.context.Map.Item.Index %}',
          source: '{% $states.context.Map.Item.Source %}',
          given: '{% $states.input %}',
        },
        Output: '{% $count($states.result) %}',
        Assign: { results: '{% $states.result %}' },
        Next: 'Read',
      },
      {
        Read: {
          Type: 'Pass',
          Output: { count: '{% $states.input %}', results: '{% $results %}' },
          End: true,
        },
      },
    );

    const execution = await run(
      assigningFirst({ targets: ['a', 'b'], at_once: 1, prefix: 'outer' }, map),
      'input',
    );

    const result = (target: string, index: number) => ({
      target,
      index,
      source: 'STATE_DATA',
      given: 'input',
      by: 'outer',
    });
    const events = await history(present(execution.executionArn));
    const [first, second] = events.filter(({ type }) => type === 'MapIterationStarted');
    const [last] = iterationOf(events, 0).slice(-1);

    expect(outputOf(execution)).toEqual({ count: 2, results: [result('a', 0), result('b', 1)] });
    expect(present(first).previousEventId).toBe(only(events, 'MapStateStarted').id);
    expect(present(second).previousEventId).toBe(present(last).id); // with MaxConcurrency 1
  });

  // step-functions/latest/dg/input-output-contextobject (Map.Item: in ItemSelector, not in the states of ItemProcessor)
  test.each<[string, object, object, string]>([
    ['a state of the iteration', { Output: '{% $states.context.Map.Item.Value %}' }, {}, 'One'],
    ['the Output of the Map', {}, { Output: '{% $states.context.Map.Item.Index %}' }, 'Map'],
    ['the Assign of the Map', {}, { Assign: { item: '{% $states.context.Map.Item.Value %}' } }, 'Map'],
  ])('do not contain Map.Item outside ItemSelector: %s', async (_, inner, fields, state) => {
    const execution = await run(mapOf({ One: { ...pass, ...inner } }, fields), [1]);
    const events = await history(present(execution.executionArn));

    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'States.QueryEvaluationError',
      cause: expect.stringContaining('returned nothing (undefined).'),
    });
    expect(only(events, 'EvaluationFailed').evaluationFailedEventDetails).toMatchObject({ state });
  });
});

// step-functions/latest/dg/workflow-variables (scope)
describe('corrected: the scope of the variables of an iteration', () => {
  const create = async (definition: Definition) =>
    client(SFNClient).send(
      new CreateStateMachineCommand({
        name: unique('machine'),
        roleArn: await machineRole(),
        definition: JSON.stringify({ QueryLanguage: 'JSONata', ...definition }),
      }),
    );

  test('ends with the Map', async () => {
    const map = mapOf(
      { One: assigning('inner') },
      { Next: 'Read' },
      { Read: { ...pass, Output: '{% $inner %}' } },
    );

    expect(await run(map, [1])).toMatchObject({
      status: 'FAILED',
      error: 'States.QueryEvaluationError',
      cause: expect.stringContaining('returned nothing (undefined).'),
    });
  });

  test('does not contain the variables of another iteration', async () => {
    const map = mapOf(
      {
        One: { Type: 'Pass', Output: '{% $exists($inner) %}', Assign: { inner: 1 }, Next: 'Two' },
        Two: pass,
      },
      { MaxConcurrency: 1, Assign: { after: '{% $exists($inner) %}' } },
    );

    const execution = await run(map, [1, 2]);
    const exits = (await history(present(execution.executionArn))).flatMap(
      ({ type, stateExitedEventDetails: exited }) => (type === 'MapStateExited' ? (exited ?? []) : []),
    );

    expect(outputOf(execution)).toEqual([false, false]);
    expect(exits).toMatchObject([{ assignedVariables: { after: 'false' } }]);
  });

  test('cannot contain the name of an outer variable', async () => {
    const definition = assigningFirst({ same: 0 }, mapOf({ One: assigning('same') }));

    await expect(create(definition)).rejects.toMatchObject({
      name: 'InvalidDefinition',
      message: expect.stringContaining("/States/Map/ItemProcessor/States/One/Assign'"),
    });
  });
});

// step-functions/latest/dg/workflow-variables (scope)
describe('unchanged: the scope of the variables of an iteration', () => {
  test('can contain a name of another Map, and outer variables are assigned in the Catch of the Map', async () => {
    const second = { ...present(mapOf({ Two: assigning('same') }).States['Map']), Items: [1] };
    const map = mapOf(
      {
        One: { Type: 'Pass', Assign: { same: 1 }, Next: 'Fail' },
        Fail: { Type: 'Fail', Error: 'Refused' },
      },
      {
        Catch: [
          {
            ErrorEquals: ['States.ALL'],
            Assign: { caught: '{% $states.errorOutput.Error %}' },
            Next: 'Second',
          },
        ],
        Next: 'Second',
      },
      { Second: { ...second, Output: '{% $caught %}' } },
    );

    expect(outputOf(await run(map, [1]))).toBe('Refused');
  });
});

const cause = JSON.stringify({
  target: 'b',
  step: 'EncryptCredentials',
  error: { message: 'größer < "1"' },
});
const catching = {
  Catch: [
    {
      ErrorEquals: ['TargetFailed'],
      Output: '{% { "parsed": $parse($states.errorOutput.Cause), "cause": $states.errorOutput.Cause } %}',
      Next: 'Caught',
    },
    { ErrorEquals: ['States.ALL'], Output: '{% { "other": $states.errorOutput } %}', Next: 'Caught' },
  ],
  Next: 'Done',
};
const after = { Caught: pass, Done: { Type: 'Succeed' } };
/** The item `bad` goes to the state First, every other one to Other. */
const choose = {
  Type: 'Choice',
  Choices: [{ Condition: "{% $states.input = 'bad' %}", Next: 'First' }],
  Default: 'Other',
};

describe('unchanged: the failure of an iteration', () => {
  // recorded: stepfunctions test_map_state_catch
  test.each<[string, object, object]>([
    [
      'by its name, with the unchanged Cause',
      { Type: 'Fail', Error: 'TargetFailed', Cause: cause },
      { parsed: JSON.parse(cause), cause },
    ],
    [
      'by States.ALL, if it has another name',
      { Type: 'Fail', Error: 'Other', Cause: 'no JSON' },
      { other: { Error: 'Other', Cause: 'no JSON' } },
    ],
  ])('reaches the catcher of the Map %s', async (_, First, expected) => {
    const map = mapOf({ Choose: choose, First, Other: pass }, catching, after);

    expect(outputOf(await run(map, ['good', 'bad', 'good']))).toEqual(expected);
  });
});

describe('corrected: the failure of an iteration', () => {
  // recorded: stepfunctions test_map_state_catch, test_service_lambda_map_timeout
  test('starts no later call of another iteration, whether it waits or is before a retry', async () => {
    const caller = await createFunction(
      `exports.handler = async ({ who, fails }) => { console.log('called by ' + who); if (fails) throw new Error(); };`,
    );
    const called = (who: string, fails: boolean, fields: object = {}) =>
      toCall(caller, { Arguments: { FunctionName: caller, Payload: { who, fails } }, Output: 1, ...fields });
    const machine = (isFailing: boolean) =>
      createMachine(
        mapOf(
          {
            Choose: {
              ...choose,
              Choices: [
                ...choose.Choices,
                { Condition: "{% $states.input = 'retrying' %}", Next: 'Retrying' },
              ],
            },
            // fails when the others have reached their waits
            First: { Type: 'Wait', Seconds: 1, Next: 'Decide' },
            Decide: isFailing ? { Type: 'Fail', Error: 'TargetFailed', Cause: cause } : pass,
            Other: { Type: 'Wait', Seconds: 3, Next: 'After' },
            After: called(isFailing ? 'failing' : 'control', false, { End: true }),
            Retrying: called(isFailing ? 'failing' : 'control', true, {
              Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 3, MaxAttempts: 1 }],
              Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Tried' }],
              Next: 'Tried',
            }),
            Tried: pass,
          },
          catching,
          { ...after, Caught: { Type: 'Wait', Seconds: 4, End: true } }, // outlasts the waits of the others
        ),
      );
    const items = ['bad', 'waiting', 'retrying'];

    const stopped = await start(await machine(true), items);
    const control = await start(await machine(false), items); // ends after the waits of the first one would have ended
    outputOf(await ended(control, 20_000));
    const calls = (await invocationLogs(caller)).flat().filter((line) => line.includes('called by'));
    const aborted = (await history(stopped)).filter(({ type }) => type?.endsWith('Aborted'));

    expect(outputOf(await ended(stopped))).toMatchObject({ cause });
    expect(calls.filter((line) => line.includes('failing'))).toHaveLength(1);
    expect(calls.filter((line) => line.includes('control'))).toHaveLength(3);
    expect(typesOf(aborted).toSorted()).toEqual([
      'MapIterationAborted',
      'MapIterationAborted',
      'TaskStateAborted',
      'WaitStateAborted',
    ]);
    expect(new Set(aborted.map(({ previousEventId }) => previousEventId)).size).toBe(1);
  });

  // step-functions/latest/dg/concepts-error-handling
  test('is retried and caught inside the iteration, and the Map succeeds', async () => {
    const First = failing({
      Retry: [{ ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 1, MaxAttempts: 1 }],
      Catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $states.errorOutput.Error %}', Next: 'Other' }],
    });

    const execution = await run(mapOf({ Choose: choose, First, Other: pass }), ['good', 'bad']);
    const events = await history(present(execution.executionArn));

    expect(outputOf(execution)).toEqual(['good', FAILING_WITH]);
    expect(typesOf(iterationOf(events, 1)).slice(3)).toEqual([
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskFailed',
      'TaskScheduled',
      'TaskStarted',
      'TaskFailed',
      'TaskStateExited',
      'PassStateEntered',
      'PassStateExited',
    ]);
    expect(typesOf(iterationOf(events, 0))).not.toContain('TaskScheduled');
  });

  // recorded: stepfunctions test_service_lambda_map_timeout
  test('can be a timeout, which reaches the catcher without a cause and aborts the other tasks', async () => {
    const receiver = await tokenReceiver();
    const map = mapOf(
      {
        Choose: choose,
        First: waitForCallback(receiver, { TimeoutSeconds: 2 }),
        Other: waitForCallback(receiver),
      },
      catching,
      after,
    );

    const execution = await run(map, ['good', 'bad']);
    const events = await history(present(execution.executionArn));
    const { id } = only(events, 'TaskTimedOut');

    expect(outputOf(execution)).toEqual({ other: { Error: 'States.Timeout', Cause: '' } });
    expect(events.filter(({ previousEventId }) => previousEventId === id)).toMatchObject([
      { type: 'MapIterationFailed', mapIterationFailedEventDetails: { index: 1, name: 'Map' } },
      { type: 'TaskStateAborted' },
      { type: 'MapIterationAborted', mapIterationAbortedEventDetails: { index: 0, name: 'Map' } },
      { type: 'TaskStateAborted' },
      { type: 'MapStateFailed' },
    ]);
  });
});

describe('corrected: a callback to an iteration', () => {
  // step-functions/latest/dg/connect-to-resource.html#connect-wait-token
  test('resumes the iteration of its token', async () => {
    const receiver = await tokenReceiver();
    const caught = {
      Catch: [{ ErrorEquals: ['Refused'], Output: '{% $states.errorOutput %}', Next: 'Caught' }],
    };
    const map = mapOf({ Wait: waitForCallback(receiver, caught), Caught: pass });
    const execution = await start(await createMachine(map), ['a', 'b', 'c']);
    const tokens = await tokensOf(receiver, 3);

    await sendSuccess(present(tokens['c']), 'result of c');
    await sendFailure(present(tokens['a']), 'Refused', 'because of a');
    await sendSuccess(present(tokens['b']), 'result of b');
    const record = await ended(execution);
    const events = await history(execution);

    expect(outputOf(record)).toEqual([
      { Error: 'Refused', Cause: 'because of a' },
      'result of b',
      'result of c',
    ]);
    expect(typesOf(iterationOf(events, 0)).slice(1)).toEqual([
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskSubmitted',
      'TaskFailed',
      'TaskStateExited',
      'PassStateEntered',
      'PassStateExited',
    ]);
    expect(typesOf(iterationOf(events, 2)).slice(-2)).toEqual(['TaskSucceeded', 'TaskStateExited']);
  });

  // step-functions/latest/apireference/API_SendTaskSuccess (TaskTimedOut)
  test('is rejected once another iteration has failed', async () => {
    const receiver = await tokenReceiver();
    const map = mapOf(
      { Wait: waitForCallback(receiver) },
      { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }], Next: 'Caught' },
      { Caught: { Type: 'Wait', Seconds: 2, End: true } },
    );
    const execution = await start(await createMachine(map), ['a', 'b']);
    const tokens = await tokensOf(receiver, 2);

    await sendFailure(present(tokens['a']), 'Refused', '');
    const reached = history(execution).then(typesOf);
    const late = sendSuccess(present(tokens['b']));

    await expect(late).rejects.toMatchObject({ name: 'TaskTimedOut' });
    expect(await reached).not.toContain('ExecutionSucceeded');

    outputOf(await ended(execution));

    expect(typesOf(await history(execution))).not.toContain('TaskSucceeded');
  });
});

describe('corrected: a callback', () => {
  // step-functions/latest/apireference/API_SendTaskSuccess (TaskTimedOut)
  test('is accepted once, and the first one counts, also while the call of its task is running', async () => {
    const received: unknown[] = [];
    const server = createServer(async (request, response) => {
      const token = new URL(request.url ?? '', 'http://here').searchParams.get('token') ?? '';
      await sendSuccess(token, 'first');
      received.push(await sendFailure(token, 'Late', '').catch((error: unknown) => error));
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

    try {
      const { port } = server.address() as AddressInfo; // a server that listens on a port has one
      const receiver = await tokenReceiver(`await fetch('http://127.0.0.1:${port}/?token=' + token);`);
      const execution = await run({ StartAt: 'Wait', States: { Wait: waitForCallback(receiver) } }, 'a');

      expect(outputOf(execution)).toBe('first');
      expect(received).toMatchObject([{ name: 'TaskTimedOut' }]);
    } finally {
      server.close();
    }
  });

  // service-authorization/latest/reference/list_awsstepfunctions: the permission is on the state machine of the token
  test('is rejected with TaskTimedOut for a principal with permission on its state machine only', async () => {
    const receiver = await tokenReceiver();
    const machine = await createMachine({ StartAt: 'Wait', States: { Wait: waitForCallback(receiver) } });
    const execution = await start(machine, 'a');
    const { a: taskToken = '' } = await tokensOf(receiver, 1);
    await sendSuccess(taskToken);
    await ended(execution);

    const caller = await callerWho({ Effect: 'Allow', Action: 'states:SendTaskSuccess', Resource: machine });
    const late = client(SFNClient, caller).send(new SendTaskSuccessCommand({ taskToken, output: '{}' }));

    await expect(late).rejects.toMatchObject({ name: 'TaskTimedOut' });
  });

  // recorded: stepfunctions test_sfn_send_task_outcome_with_no_such_token
  test('is rejected with InvalidToken if its token was never issued', async () => {
    await expect(sendSuccess('never-issued')).rejects.toMatchObject({ name: 'InvalidToken' });
  });
});
