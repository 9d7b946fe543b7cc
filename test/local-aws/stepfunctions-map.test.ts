import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, jest, test } from '@jest/globals';
import { client } from './support/clients.ts';
import { createFunction } from './support/functions.ts';
import {
  call,
  createMachine,
  type Definition,
  ended,
  history,
  outputOf,
  reached,
  run,
  start,
} from './support/machines.ts';
import { mapOf } from './support/maps.ts';
import { present } from './support/present.ts';
import { shapeOf } from './support/recorded.ts';

jest.setTimeout(20_000);

const fail = { Type: 'Fail', Error: 'HandleItemFailError', Cause: 'HandleItemFailCause' };
const caught = (fields: object = {}) => ({
  Catch: [
    { ErrorEquals: ['HandleItemFailError'], Output: '{% $states.errorOutput %}', Next: 'Caught', ...fields },
  ],
  Next: 'Done',
});
const ends = { Caught: { Type: 'Pass', End: true }, Done: { Type: 'Succeed' } };
const one = { Type: 'Pass', End: true };

const eventsOf = async (definition: Definition, input: unknown) =>
  history(present((await run(definition, input)).executionArn));

describe('corrected: the history of a Map', () => {
  // recorded: stepfunctions test_map_catch_error[MAP_CATCH_ERROR_OUTPUT]
  test('contains the events of sequential items', async () => {
    expect(shapeOf(await eventsOf(mapOf({ One: one }, { MaxConcurrency: 1 }), [1, 2]))).toEqual([
      [1, 0, 'ExecutionStarted'],
      [2, 0, 'MapStateEntered'],
      [3, 2, 'MapStateStarted'],
      [4, 3, 'MapIterationStarted'],
      [5, 4, 'PassStateEntered'],
      [6, 5, 'PassStateExited'],
      [7, 6, 'MapIterationSucceeded'],
      [8, 6, 'MapIterationStarted'],
      [9, 8, 'PassStateEntered'],
      [10, 9, 'PassStateExited'],
      [11, 10, 'MapIterationSucceeded'],
      [12, 11, 'MapStateSucceeded'],
      [13, 11, 'MapStateExited'],
      [14, 13, 'ExecutionSucceeded'],
    ]);
  });

  // recorded: stepfunctions test_service_lambda_map_timeout
  test('contains the events of concurrent items, each with its index', async () => {
    const events = await eventsOf(mapOf({ One: one }), ['a', 'b', 'c']);
    const started = events.filter(({ type }) => type === 'MapIterationStarted');

    expect(started.map(({ previousEventId }) => previousEventId)).toEqual([3, 3, 3]);
    expect(started.map(({ mapIterationStartedEventDetails }) => mapIterationStartedEventDetails)).toEqual(
      [0, 1, 2].map((index) => ({ name: 'Map', index })),
    );
    expect(events[2]?.mapStateStartedEventDetails).toEqual({ length: 3 });
    for (const { id } of started)
      expect(events.filter(({ previousEventId }) => previousEventId === id)).toMatchObject([
        { type: 'PassStateEntered' },
      ]);
  });

  // recorded: stepfunctions test_map_state_catch
  test('contains a failure that is caught with error and cause of the iteration', async () => {
    const definition = mapOf({ HandleItemFail: fail }, { MaxConcurrency: 1, ...caught() }, ends);
    const execution = await run(definition, [1]);

    expect(outputOf(execution)).toEqual({ Error: 'HandleItemFailError', Cause: 'HandleItemFailCause' });
    expect(shapeOf(await history(present(execution.executionArn))).slice(3)).toEqual([
      [4, 3, 'MapIterationStarted'],
      [5, 4, 'FailStateEntered'],
      [6, 5, 'MapIterationFailed'],
      [7, 5, 'MapStateFailed'],
      [8, 7, 'MapStateExited'],
      [9, 8, 'PassStateEntered'],
      [10, 9, 'PassStateExited'],
      [11, 10, 'ExecutionSucceeded'],
    ]);
  });

  // recorded: stepfunctions test_map_state_catch_empty_fail
  test('contains the failure of an iteration without an error, which the execution has, too', async () => {
    const definition = mapOf({ HandleItemFail: { Type: 'Fail' } }, caught(), ends);
    const { error, cause, executionArn } = await run(definition, [1]);

    expect({ error, cause }).toEqual({});
    expect((await history(present(executionArn))).at(-1)).toMatchObject({
      type: 'ExecutionFailed',
      executionFailedEventDetails: {},
    });
  });

  // recorded: stepfunctions test_map_state_retry
  test('contains a retry of the whole Map after the last event of the failed iteration', async () => {
    const Retry = [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 1, MaxAttempts: 1 }];
    const events = await eventsOf(mapOf({ HandleItemFail: fail }, { Retry }), [1]);

    expect(shapeOf(events).slice(2)).toEqual([
      [3, 2, 'MapStateStarted'],
      [4, 3, 'MapIterationStarted'],
      [5, 4, 'FailStateEntered'],
      [6, 5, 'MapIterationFailed'],
      [7, 5, 'MapStateStarted'],
      [8, 7, 'MapIterationStarted'],
      [9, 8, 'FailStateEntered'],
      [10, 9, 'MapIterationFailed'],
      [11, 9, 'MapStateFailed'],
      [12, 11, 'ExecutionFailed'],
    ]);
  });

  // recorded: stepfunctions test_map_catch_error[MAP_CATCH_ERROR_OUTPUT_WITH_RETRY]
  test('contains a failed expression in an iteration', async () => {
    const broken = { Type: 'Pass', Output: '{% $stateError %}', End: true };
    const events = await eventsOf(mapOf({ One: { Type: 'Pass', Next: 'Broken' }, Broken: broken }), [1]);

    expect(shapeOf(events).slice(3)).toEqual([
      [4, 3, 'MapIterationStarted'],
      [5, 4, 'PassStateEntered'],
      [6, 5, 'PassStateExited'],
      [7, 6, 'PassStateEntered'],
      [8, 6, 'EvaluationFailed'],
      [9, 8, 'MapIterationFailed'],
      [10, 8, 'MapStateFailed'],
      [11, 10, 'ExecutionFailed'],
    ]);
  });

  // recorded: stepfunctions test_map_state_items_eval_jsonata_fail[string], test_map_state_items_input_types[string]
  test.each([
    ['an expression', { Items: "{% 'text' %}" }, { location: 'Items' }],
    ['its input', {}, { cause: expect.stringContaining('Map state input must be an array but was: "text"') }],
  ])('contains the failure of a Map that receives no array from %s', async (_, fields, details) => {
    const events = await eventsOf(mapOf({ One: one }, fields), 'text');

    expect(shapeOf(events).slice(1)).toEqual([
      [2, 0, 'MapStateEntered'],
      [3, 0, 'EvaluationFailed'],
      [4, 3, 'MapStateFailed'],
      [5, 4, 'ExecutionFailed'],
    ]);
    expect(events[2]?.evaluationFailedEventDetails).toMatchObject({ state: 'Map', ...details });
  });

  // recorded: stepfunctions test_map_state_nested
  test('contains the events of a Map in a Map', async () => {
    const inner = { Inner: present(mapOf({ One: one }, { MaxConcurrency: 1 }).States['Map']) };
    const events = await eventsOf(mapOf(inner, { MaxConcurrency: 1 }), [[1, 2]]);

    expect(shapeOf(events).slice(3, 17)).toEqual([
      [4, 3, 'MapIterationStarted'],
      [5, 4, 'MapStateEntered'],
      [6, 5, 'MapStateStarted'],
      [7, 6, 'MapIterationStarted'],
      [8, 7, 'PassStateEntered'],
      [9, 8, 'PassStateExited'],
      [10, 9, 'MapIterationSucceeded'],
      [11, 9, 'MapIterationStarted'],
      [12, 11, 'PassStateEntered'],
      [13, 12, 'PassStateExited'],
      [14, 13, 'MapIterationSucceeded'],
      [15, 14, 'MapStateSucceeded'],
      [16, 14, 'MapStateExited'],
      [17, 16, 'MapIterationSucceeded'],
    ]);
  });
});

describe('corrected: a Map with a failed iteration', () => {
  /** The item 1 fails after the others have reached their states. */
  const oneFails = (other: object, fields: object = {}) =>
    mapOf(
      {
        Choose: {
          Type: 'Choice',
          Choices: [{ Condition: '{% $states.input = 1 %}', Next: 'First' }],
          Default: 'Other',
        },
        First: { Type: 'Wait', Seconds: 1, Next: 'HandleItemFail' },
        HandleItemFail: fail,
        Other: other,
        After: one,
      },
      { ...caught(), ...fields },
      ends,
    );

  // recorded: stepfunctions test_service_lambda_map_timeout
  test('stops the other iterations, whose events follow the last one of the failed iteration', async () => {
    const started = Date.now();
    const execution = await run(oneFails({ Type: 'Wait', Seconds: 30, Next: 'After' }), [1, 2, 3]);

    expect(Date.now() - started).toBeLessThan(10_000);

    const events = await history(present(execution.executionArn));
    const failed = present(events.find(({ type }) => type === 'FailStateEntered')).id;

    expect(shapeOf(events.slice(failed, failed === undefined ? 0 : failed + 7))).toEqual([
      [expect.any(Number), failed, 'MapIterationFailed'],
      [expect.any(Number), failed, 'MapIterationAborted'],
      [expect.any(Number), failed, 'WaitStateAborted'],
      [expect.any(Number), failed, 'MapIterationAborted'],
      [expect.any(Number), failed, 'WaitStateAborted'],
      [expect.any(Number), failed, 'MapStateFailed'],
      [expect.any(Number), expect.any(Number), 'MapStateExited'],
    ]);

    const aborted = events.flatMap(
      ({ mapIterationAbortedEventDetails }) => mapIterationAbortedEventDetails ?? [],
    );

    expect(aborted.map(({ index }) => index)).toEqual([1, 2]);
  });

  // recorded: stepfunctions test_service_lambda_map_timeout
  test('does not wait for the running function of another iteration', async () => {
    const slow = await createFunction(
      `exports.handler = () => new Promise((answer) => setTimeout(answer, 10000));`,
    );
    const began = Date.now();
    const stopped = await run(oneFails(call(slow, { End: undefined, Next: 'After' })), [1, 2]);

    expect(Date.now() - began).toBeLessThan(9_000);

    const events = await history(present(stopped.executionArn));

    expect(events.map(({ type }) => type)).toContain('TaskStateAborted');
    expect(events.map(({ type }) => type)).not.toContain('TaskSucceeded');
  });
});

describe('unchanged: the scope of an iteration', () => {
  // step-functions/latest/dg/workflow-variables (scope)
  test('contains the outer variables, and its own are not visible outside', async () => {
    const inner = {
      Set: { Type: 'Pass', Assign: { inner: '{% $states.input %}' }, Next: 'Get' },
      Get: { Type: 'Pass', Output: '{% [$outer, $inner] %}', End: true },
    };
    const map = present(mapOf(inner, { Items: [1, 2], Next: 'Read' }).States['Map']);
    const execution = await run({
      StartAt: 'Assign',
      States: {
        Assign: { Type: 'Pass', Assign: { outer: 0 }, Next: 'Map' },
        Map: map,
        Read: {
          Type: 'Pass',
          Output: { got: '{% $states.input %}', inner: '{% $exists($inner) %}' },
          End: true,
        },
      },
    });

    expect(outputOf(execution)).toEqual({
      got: [
        [0, 1],
        [0, 2],
      ],
      inner: false,
    });
  });
});

describe('corrected: the scope of an iteration', () => {
  // step-functions/latest/dg/input-output-contextobject (Map.Item)
  test('contains Map.Item in the ItemSelector only', async () => {
    const ItemSelector = {
      item: '{% $states.context.Map.Item.Value %}',
      n: '{% $states.context.Map.Item.Index %}',
    };
    const read = { Type: 'Pass', Output: '{% [$states.input, $exists($states.context.Map)] %}', End: true };

    expect(outputOf(await run(mapOf({ Read: read }, { ItemSelector }), ['a', 'b']))).toEqual([
      [{ item: 'a', n: 0 }, false],
      [{ item: 'b', n: 1 }, false],
    ]);
  });
});

describe('corrected: a Parallel', () => {
  // recorded: stepfunctions test_parallel_state_catch
  test('has events, and its Catch receives the error of the branch', async () => {
    const execution = await run({
      StartAt: 'Both',
      States: {
        Both: {
          Type: 'Parallel',
          Branches: [{ StartAt: 'Branch1', States: { Branch1: fail } }],
          ...caught(),
        },
        ...ends,
      },
    });

    expect(outputOf(execution)).toEqual({ Error: 'HandleItemFailError', Cause: 'HandleItemFailCause' });
    expect(shapeOf(await history(present(execution.executionArn))).slice(1, 6)).toEqual([
      [2, 0, 'ParallelStateEntered'],
      [3, 2, 'ParallelStateStarted'],
      [4, 3, 'FailStateEntered'],
      [5, 4, 'ParallelStateFailed'],
      [6, 5, 'ParallelStateExited'],
    ]);
  });

  // step-functions/latest/dg/state-parallel (JSONata)
  // recorded: stepfunctions test_parallel_state_order
  test('passes its Arguments to its branches, and returns their results', async () => {
    const branch = (n: number) => ({
      StartAt: `Branch${n}`,
      States: { [`Branch${n}`]: { Type: 'Pass', Output: `{% $states.input.of + ${n} %}`, End: true } },
    });
    const execution = await run({
      StartAt: 'Both',
      States: {
        Both: {
          Type: 'Parallel',
          Arguments: { of: 10 },
          Branches: [branch(1), branch(2)],
          Output: { sums: '{% $states.result %}' },
          End: true,
        },
      },
    });
    const events = await history(present(execution.executionArn));

    expect(outputOf(execution)).toEqual({ sums: [11, 12] });
    expect(shapeOf(events).at(-3)).toEqual([8, expect.any(Number), 'ParallelStateSucceeded']);
  });
});

describe('corrected: stopping an execution that is in a Map', () => {
  // not recorded; step-functions/latest/apireference/API_StopExecution
  test('ends its iterations', async () => {
    const wait = { Type: 'Wait', Seconds: 30, End: true };
    const execution = await start(await createMachine(mapOf({ Wait: wait }, {})), [1, 2]);
    await reached(execution, 'WaitStateEntered');
    await client(SFNClient).send(new StopExecutionCommand({ executionArn: execution }));

    expect(await ended(execution)).toMatchObject({ status: 'ABORTED' });
    expect((await history(execution)).at(-1)).toMatchObject({ type: 'ExecutionAborted', previousEventId: 0 });
  });
});
