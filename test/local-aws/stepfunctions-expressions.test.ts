import { describe, expect, jest, test } from '@jest/globals';
import { createFunction } from './support/functions.ts';
import { call, type Definition, history, outputOf, run, toCall } from './support/machines.ts';
import { present } from './support/present.ts';
import { only, shapeOf } from './support/recorded.ts';

jest.setTimeout(20_000);

const pass = (fields: object): Definition => ({
  StartAt: 'First',
  States: {
    First: { Type: 'Pass', Next: 'Second' },
    Second: { Type: 'Pass', ...fields, End: true },
  },
});

const eventsOf = async (definition: Definition, input?: unknown) => {
  const execution = await run(definition, input);
  return { execution, events: await history(present(execution.executionArn)) };
};

describe('corrected: an expression that fails', () => {
  // recorded: stepfunctions test_undefined_reference[BASE_UNDEFINED_OUTPUT_MULTIPLE_STATES]
  test('has the event EvaluationFailed, whose previous event is the one before the entry of its state', async () => {
    const { execution, events } = await eventsOf(pass({ Output: { result: '{% $doesNotExist %}' } }));
    const cause =
      "An error occurred while executing the state 'Second' (entered at the event id #4). The JSONata expression " +
      "'$doesNotExist' specified for the field 'Output/result' returned nothing (undefined).";

    expect(shapeOf(events)).toEqual([
      [1, 0, 'ExecutionStarted'],
      [2, 0, 'PassStateEntered'],
      [3, 2, 'PassStateExited'],
      [4, 3, 'PassStateEntered'],
      [5, 3, 'EvaluationFailed'],
      [6, 5, 'ExecutionFailed'],
    ]);
    expect(only(events, 'EvaluationFailed').evaluationFailedEventDetails).toEqual({
      error: 'States.QueryEvaluationError',
      cause,
      state: 'Second',
      location: 'Output/result',
    });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError', cause });
  });

  // recorded: stepfunctions test_undefined_reference[BASE_UNDEFINED_ASSIGN, BASE_UNDEFINED_ARGUMENTS_FIELD], test_math_random_seeded
  test.each<[string, object, string]>([
    ['of a variable', { Type: 'Pass', Assign: { result: '{% $doesNotExist %}' } }, 'Assign/result'],
    [
      'of an argument',
      {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Arguments: { FunctionName: '{% $doesNotExist %}' },
      },
      'Arguments/FunctionName',
    ],
    ['that throws', { Type: 'Pass', Output: { a: '{% $doesNotExist(1) %}' } }, 'Output/a'],
  ])('has its location, and no event of a task: %s', async (_, state, location) => {
    const { events } = await eventsOf({ StartAt: 'One', States: { One: { ...state, End: true } } });

    expect(events.map(({ type }) => type)).toEqual([
      'ExecutionStarted',
      expect.stringMatching(/StateEntered$/),
      'EvaluationFailed',
      'ExecutionFailed',
    ]);
    expect(only(events, 'EvaluationFailed').evaluationFailedEventDetails).toMatchObject({
      state: 'One',
      location,
    });
  });

  // recorded: stepfunctions test_wait_timestamp_jsonata[NO_T]
  test('has the entry of its state as the previous event if the state cannot use its result', async () => {
    const Timestamp = "{% '2016-12-05 21:29:29Z' %}";
    const { events } = await eventsOf({
      StartAt: 'Wait',
      States: { Wait: { Type: 'Wait', Timestamp, End: true } },
    });

    expect(shapeOf(events).slice(1)).toEqual([
      [2, 0, 'WaitStateEntered'],
      [3, 2, 'EvaluationFailed'],
      [4, 3, 'ExecutionFailed'],
    ]);
    expect(only(events, 'EvaluationFailed').evaluationFailedEventDetails).toMatchObject({
      location: 'Timestamp',
    });
  });

  // step-functions/latest/dg/state-choice (JSONata)
  test('can be a condition that is not a boolean', async () => {
    const { execution } = await eventsOf({
      StartAt: 'Choose',
      States: {
        Choose: {
          Type: 'Choice',
          Choices: [{ Condition: "{% 'yes' %}", Next: 'Done' }],
          Default: 'Done',
        },
        Done: { Type: 'Succeed' },
      },
    });

    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
  });

  // recorded: stepfunctions test_undefined_reference; a Catch of the state is not, and is as that of any other error
  test('is caught by its state, whose call has succeeded', async () => {
    const echo = await createFunction(`exports.handler = async (event) => event;`);
    const { execution, events } = await eventsOf(
      {
        StartAt: 'Call',
        States: {
          Call: toCall(echo, {
            Output: '{% $states.result.missing %}',
            Catch: [
              { ErrorEquals: ['States.QueryEvaluationError'], Output: '{% $states.input %}', Next: 'Done' },
            ],
            Next: 'Done',
          }),
          Done: { Type: 'Succeed' },
        },
      },
      'given',
    );

    expect(outputOf(execution)).toBe('given');
    expect(shapeOf(events).slice(4, 8)).toEqual([
      [5, 4, 'TaskSucceeded'],
      [6, 0, 'EvaluationFailed'],
      [7, 6, 'TaskStateExited'],
      [8, 7, 'SucceedStateEntered'],
    ]);
  });
});

describe('corrected: expressions, context and variables', () => {
  // recorded: stepfunctions test_range, of intrinsic_functions/test_array_jsonata
  test('a range of one element is its value', async () => {
    const { execution } = await eventsOf(pass({ Output: '{% $range(3, 3, 1) %}' }));

    expect(outputOf(execution)).toBe(3);
  });

  // step-functions/latest/dg/input-output-contextobject
  test('the context contains exactly the documented fields', async () => {
    const { execution } = await eventsOf(pass({ Output: '{% $keys($states.context) %}' }));

    expect(outputOf(execution)).toEqual(['Execution', 'StateMachine', 'State']);
  });

  // step-functions/latest/apireference/API_StateExitedEventDetails
  test('an assignment of an unchanged value is recorded', async () => {
    const { events } = await eventsOf({
      StartAt: 'First',
      States: {
        First: { Type: 'Pass', Assign: { same: 1 }, Next: 'Second' },
        Second: { Type: 'Pass', Assign: { same: 1 }, End: true },
      },
    });

    expect(events.map((event) => event.stateExitedEventDetails?.assignedVariables).filter(Boolean)).toEqual([
      { same: '1' },
      { same: '1' },
    ]);
  });
});

describe('corrected: a value above the limit', () => {
  const large = `exports.handler = async () => 'a'.repeat(300_000);`;

  // recorded: stepfunctions test_service_task_lambada_data_limit_exceeded_on_large_utf8_response
  test('fails a task with States.DataLimitExceeded', async () => {
    const { events } = await eventsOf({
      StartAt: 'Call',
      States: { Call: call(await createFunction(large)) },
    });

    expect(only(events, 'TaskFailed').taskFailedEventDetails).toMatchObject({
      error: 'States.DataLimitExceeded',
      cause:
        "The state/task 'lambda' returned a result with a size exceeding the maximum number of bytes service limit.",
    });
  });

  // recorded: stepfunctions test_service_task_lambada_catch_state_all_data_limit_exceeded_on_large_utf8_response
  test('is caught by States.ALL', async () => {
    const { execution } = await eventsOf({
      StartAt: 'Call',
      States: {
        Call: toCall(await createFunction(large), {
          Catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $states.errorOutput.Error %}', Next: 'Done' }],
          Next: 'Done',
        }),
        Done: { Type: 'Succeed' },
      },
    });

    expect(outputOf(execution)).toBe('States.DataLimitExceeded');
  });

  // step-functions/latest/dg/service-quotas (maximum input or output size) and workflow-variables (limits)
  test.each([
    ['the output of a state', { Output: '{% $states.input & $states.input %}' }],
    ['the variables of a state', { Assign: { a: '{% $states.input %}', b: '{% $states.input %}' } }],
  ])('fails an execution if it is %s', async (_, fields) => {
    const { execution } = await eventsOf(pass(fields), 'a'.repeat(150_000));

    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  });
});
