import { describe, expect, jest, test } from '@jest/globals';
import { createFunction } from './support/functions.ts';
import { type Definition, history, outputOf, run } from './support/machines.ts';
import { present } from './support/present.ts';
import { shapeOf } from './support/recorded.ts';

jest.setTimeout(20_000);

/** A state machine in JSONPath. The product has none, but recordings of AWS and other teams do. */
const inJsonPath = (States: Record<string, object>): Definition => ({
  QueryLanguage: 'JSONPath',
  StartAt: Object.keys(States)[0] ?? '',
  States,
});

describe('corrected: JSONPath', () => {
  // recorded: stepfunctions test_reference_assign[BASE_REFERENCE_IN_PARAMETERS, BASE_REFERENCE_IN_CHOICE]
  test('supports variables', async () => {
    const definition = inJsonPath({
      Set: { Type: 'Pass', Assign: { 'user.$': '$.user', fixed: 1 }, Next: 'Choose' },
      Choose: {
        Type: 'Choice',
        Choices: [{ Variable: '$fixed', NumericEquals: 1, Assign: { 'name.$': '$user.name' }, Next: 'Get' }],
      },
      Get: { Type: 'Pass', Parameters: { 'first.$': '$user.roles[0]', 'name.$': '$name' }, End: true },
    });
    const execution = await run(definition, { user: { name: 'anna', roles: ['a', 'b'] } });
    const [set] = (await history(present(execution.executionArn)))
      .map(({ stateExitedEventDetails }) => stateExitedEventDetails?.assignedVariables)
      .filter((assigned) => assigned !== undefined);

    expect(outputOf(execution)).toEqual({ first: 'a', name: 'anna' });
    expect(set).toEqual({ user: '{"name":"anna","roles":["a","b"]}', fixed: '1' });
  });

  // recorded: stepfunctions test_assign_in_catch_state
  test('assigns the error in a Catch', async () => {
    const definition = inJsonPath({
      Call: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Parameters: { FunctionName: 'none' },
        Catch: [{ ErrorEquals: ['States.ALL'], Assign: { 'name.$': '$.Error' }, Next: 'Get' }],
        End: true,
      },
      Get: { Type: 'Pass', Parameters: { 'name.$': '$name' }, End: true },
    });

    expect(outputOf(await run(definition))).toEqual({ name: 'Lambda.ResourceNotFoundException' });
  });

  // recorded: stepfunctions test_input_path[$$]
  test('has the whole context object as $$', async () => {
    const definition = inJsonPath({ Get: { Type: 'Pass', InputPath: '$$', End: true } });

    expect(Object.keys(outputOf(await run(definition)) as object)).toEqual([
      'Execution',
      'StateMachine',
      'State',
    ]);
  });

  // recorded: stepfunctions test_base_wait_seconds_path[-1, 1.5], test_wait_timestamppath
  test.each<[string, object, string]>([
    [
      'negative seconds',
      { SecondsPath: '$.n' },
      'The SecondsPath parameter references a negative value: $.n == -1',
    ],
    [
      'an invalid timestamp',
      { TimestampPath: '$.n' },
      'The TimestampPath parameter does not reference a valid ISO-8601',
    ],
    ['nothing', { SecondsPath: '$.x' }, 'The SecondsPath parameter does not reference an input value: $.x'],
  ])('rejects a Wait with %s', async (_, fields, cause) => {
    const execution = await run(inJsonPath({ Wait: { Type: 'Wait', ...fields, End: true } }), { n: -1 });

    expect(execution).toMatchObject({ error: 'States.Runtime', cause: expect.stringContaining(cause) });
    expect(shapeOf(await history(present(execution.executionArn))).at(-1)).toEqual([3, 2, 'ExecutionFailed']);
  });
});

describe('corrected: a task whose resource is a function', () => {
  // recorded: stepfunctions test_task_lambda_data_limit_exceeded_on_large_utf8_response, and all of test_lambda_task.py
  test('has events of its own', async () => {
    const Resource = await createFunction(`exports.handler = async (event) => event;`);
    const execution = await run(inJsonPath({ Call: { Type: 'Task', Resource, End: true } }), { a: 1 });
    const events = await history(present(execution.executionArn));

    expect(shapeOf(events).slice(2, 5)).toEqual([
      [3, 2, 'LambdaFunctionScheduled'],
      [4, 3, 'LambdaFunctionStarted'],
      [5, 4, 'LambdaFunctionSucceeded'],
    ]);
    expect(events[2]?.lambdaFunctionScheduledEventDetails).toEqual({ resource: Resource, input: '{"a":1}' });
  });
});

describe('corrected: a distributed Map', () => {
  // recorded: stepfunctions test_map_state_legacy_config_distributed
  test('records its map run', async () => {
    const ItemProcessor = {
      ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
      StartAt: 'One',
      States: { One: { Type: 'Pass', End: true } },
    };
    const execution = await run(inJsonPath({ Map: { Type: 'Map', ItemProcessor, End: true } }), [1, 2]);

    expect(outputOf(execution)).toEqual([1, 2]);
    expect(shapeOf(await history(present(execution.executionArn))).slice(2)).toEqual([
      [3, 2, 'MapStateStarted'],
      [4, 3, 'MapRunStarted'],
      [5, 4, 'MapRunSucceeded'],
      [6, 5, 'MapStateSucceeded'],
      [7, 5, 'MapStateExited'],
      [8, 7, 'ExecutionSucceeded'],
    ]);
  });
});
