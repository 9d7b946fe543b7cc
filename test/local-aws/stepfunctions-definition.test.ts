import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  ListExecutionsCommand,
  type LoggingConfiguration,
  SFNClient,
  StartExecutionCommand,
  UpdateStateMachineCommand,
  ValidateStateMachineDefinitionCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, test } from '@jest/globals';
import { account, client, region } from './support/clients.ts';
import { createMachine, machineRole } from './support/machines.ts';
import { post } from './support/raw.ts';
import { createStack } from './support/stacks.ts';
import { unique } from './support/unique.ts';

const sfn = client(SFNClient);

const pass = { Type: 'Pass', End: true };
const valid = { StartAt: 'Pass', States: { Pass: pass } };
const withState = (state: object, more: object = {}) => ({ StartAt: 'One', States: { One: state, ...more } });
const catching = (Catch: object[]) =>
  withState({ Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', Catch, End: true }, { Done: pass });

async function diagnosticsOf(definition: unknown, type: 'STANDARD' | 'EXPRESS' = 'STANDARD') {
  const text = typeof definition === 'string' ? definition : JSON.stringify(definition);
  const { result, diagnostics = [] } = await sfn.send(
    new ValidateStateMachineDefinitionCommand({ definition: text, type }),
  );
  return [result, ...diagnostics.map(({ code, location }) => `${code} at ${location}`)];
}

const create = async (definition: unknown) =>
  sfn.send(
    new CreateStateMachineCommand({
      name: unique('machine'),
      roleArn: await machineRole(),
      definition: typeof definition === 'string' ? definition : JSON.stringify(definition),
    }),
  );

describe('corrected: a rejected definition', () => {
  const failed = (problem: string) => ['FAIL', problem];

  // recorded: stepfunctions test_validate_state_machine_definition_not_a_definition, …_type_standard, …_type_express
  test.each<[string, unknown, string]>([
    ['is empty', ' ', 'SCHEMA_VALIDATION_FAILED at undefined'],
    [
      'is no JSON',
      'not a definition',
      'INVALID_JSON_DESCRIPTION at [Source: (String)"not a definition"; line: 1, column: 4]',
    ],
    ['has nothing', {}, 'SCHEMA_VALIDATION_FAILED at /'],
    ['does not say where to start', { States: valid.States }, 'SCHEMA_VALIDATION_FAILED at /'],
    [
      'has JSONPath in JSONata',
      { QueryLanguage: 'JSONata', ...withState({ ...pass, QueryLanguage: 'JSONPath' }) },
      'SCHEMA_VALIDATION_FAILED at /States/One',
    ],
  ])('%s', async (_, definition, problem) => {
    expect(await diagnosticsOf(definition)).toEqual(failed(problem));
  });

  // recorded: stepfunctions test_validate_state_machine_definition_type_express[ILLEGAL_WFTT]
  test('is an express workflow with a callback', async () => {
    const Resource = 'arn:aws:states:::lambda:invoke.waitForTaskToken';
    const definition = withState({ Type: 'Task', Resource, End: true });

    expect(await diagnosticsOf(definition)).toEqual(['OK']);
    expect(await diagnosticsOf(definition, 'EXPRESS')).toEqual(
      failed('SCHEMA_VALIDATION_FAILED at /States/One/Resource'),
    );
  });

  // recorded: stepfunctions test_wait_timestamp_invalid[NO_T], test_parallel_state_empty_branches,
  // test_state_name_invalid_state_definition, test_invalid_credentials_field[EMPTY_CREDENTIALS], test_invalid_integration
  test.each<[string, object, string]>([
    ['Timestamp', { Type: 'Wait', Timestamp: '2016-12-05 21:29:29Z', End: true }, '/States/One/Timestamp'],
    ['Branches', { Type: 'Parallel', Branches: [], End: true }, '/States/One/Branches'],
    ['Type', { Type: 'Other', End: true }, '/States/One/Type'],
    [
      'Credentials',
      { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', Credentials: {}, End: true },
      '/States/One/Credentials',
    ],
    [
      'Resource',
      { Type: 'Task', Resource: 'arn:aws:states:::dynamodb:query', End: true },
      '/States/One/Resource',
    ],
  ])('has a wrong %s', async (_, state, location) => {
    expect(await diagnosticsOf(withState(state))).toEqual(failed(`SCHEMA_VALIDATION_FAILED at ${location}`));
  });

  // step-functions/latest/dg/amazon-states-language-state-machine-structure and the pages of the states
  test.each<[string, unknown, string]>([
    [
      'StartAt references no state',
      { ...valid, StartAt: 'None', States: { Pass: pass } },
      'MISSING_TRANSITION_TARGET at /StartAt',
    ],
    [
      'Next references no state',
      withState({ Type: 'Pass', Next: 'None' }),
      'MISSING_TRANSITION_TARGET at /States/One/Next',
    ],
    [
      'a state is never reached',
      withState(pass, { Other: pass }),
      'MISSING_TRANSITION_TARGET at /States/Other',
    ],
    ['a state has no end', withState({ Type: 'Pass' }), 'SCHEMA_VALIDATION_FAILED at /States/One'],
    [
      'a field is of the other query language',
      withState({ ...pass, Output: {} }),
      'SCHEMA_VALIDATION_FAILED at /States/One',
    ],
    [
      'States.ALL is not the last',
      catching([
        { ErrorEquals: ['States.ALL'], Next: 'Done' },
        { ErrorEquals: ['Other'], Next: 'Done' },
      ]),
      'SCHEMA_VALIDATION_FAILED at /States/One/Catch[0]/ErrorEquals',
    ],
    [
      'a retrier waits for no time',
      withState({
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 0 }],
        End: true,
      }),
      'SCHEMA_VALIDATION_FAILED at /States/One/Retry[0]/IntervalSeconds',
    ],
    [
      'an iteration assigns a variable of an outer scope',
      {
        QueryLanguage: 'JSONata',
        StartAt: 'Outer',
        States: {
          Outer: { Type: 'Pass', Assign: { same: 1 }, Next: 'Map' },
          Map: {
            Type: 'Map',
            ItemProcessor: { StartAt: 'Inner', States: { Inner: { ...pass, Assign: { same: 2 } } } },
            End: true,
          },
        },
      },
      'SCHEMA_VALIDATION_FAILED at /States/Map/ItemProcessor/States/Inner/Assign',
    ],
    [
      'an expression cannot be parsed',
      { QueryLanguage: 'JSONata', ...withState({ ...pass, Output: '{% $states. %}' }) },
      'INVALID_JSONATA_EXPRESSION at /States/One/Output',
    ],
  ])('has a fault: %s', async (_, definition, problem) => {
    const [result, first] = await diagnosticsOf(definition);

    expect([result, first]).toEqual(failed(problem));
  });

  // recorded: stepfunctions test_create_delete_invalid_sm
  test('creates no state machine, and updates none', async () => {
    const refused = {
      name: 'InvalidDefinition',
      message: expect.stringMatching(/SCHEMA_VALIDATION_FAILED: .* at \/'$/),
    };

    const stateMachineArn = await createMachine(valid);
    const definition = JSON.stringify({ StartAt: 'Pass' });

    await expect(create({ StartAt: 'Pass' })).rejects.toMatchObject(refused);
    await expect(
      sfn.send(new UpdateStateMachineCommand({ stateMachineArn, definition })),
    ).rejects.toMatchObject(refused);
  });

  // AWSCloudFormation/latest/UserGuide/aws-resource-stepfunctions-statemachine
  test('fails a stack', async () => {
    const RoleArn = await machineRole();
    const DefinitionString = JSON.stringify({ StartAt: 'Pass' });
    const Resources = {
      Machine: { Type: 'AWS::StepFunctions::StateMachine', Properties: { RoleArn, DefinitionString } },
    };

    await expect(createStack({ Resources })).rejects.toThrow();
  });
});

describe('corrected: a rejected input', () => {
  // recorded: stepfunctions test_invalid_start_execution_input
  test.each(['not json', "{'a': 1}", ''])('is %j', async (input) => {
    const stateMachineArn = await createMachine(valid);

    await expect(sfn.send(new StartExecutionCommand({ stateMachineArn, input }))).rejects.toMatchObject({
      name: 'InvalidExecutionInput',
    });
  });

  // step-functions/latest/apireference/API_StartExecution (input)
  test('has more than 256 KiB', async () => {
    const stateMachineArn = await createMachine(valid);
    const input = JSON.stringify('a'.repeat(256 * 1024));

    await expect(sfn.send(new StartExecutionCommand({ stateMachineArn, input }))).rejects.toMatchObject({
      name: 'ValidationException',
    });
  });
});

describe('corrected: a rejected request', () => {
  const destinations = (...logGroupArns: string[]) =>
    logGroupArns.map((logGroupArn) => ({ cloudWatchLogsLogGroup: { logGroupArn } }));
  const missing = `arn:aws:logs:${region}:${account}:log-group:${unique('none')}:*`;

  // recorded: stepfunctions test_invalid_logging_configuration, test_multiple_destinations, test_deleted_log_group
  test.each<[string, LoggingConfiguration]>([
    ['without a log', { level: 'ALL' }],
    ['with two logs', { level: 'ALL', destinations: destinations(missing, missing) }],
    ['with a log that is not there', { level: 'ALL', destinations: destinations(missing) }],
  ])('has a logging configuration %s', async (_, loggingConfiguration) => {
    const name = unique('machine');
    const roleArn = await machineRole();
    const definition = JSON.stringify(valid);

    await expect(
      sfn.send(new CreateStateMachineCommand({ name, roleArn, definition, loggingConfiguration })),
    ).rejects.toMatchObject({ name: 'InvalidLoggingConfiguration' });
  });

  // recorded: stepfunctions test_describe_invalid_arn_sm, test_describe_execution_invalid_arn, test_list_execution_invalid_arn
  test('has an invalid ARN', async () => {
    const requests = [
      sfn.send(new DescribeStateMachineCommand({ stateMachineArn: 'none' })),
      sfn.send(new DescribeExecutionCommand({ executionArn: 'none' })),
      sfn.send(new ListExecutionsCommand({ stateMachineArn: 'none' })),
    ];

    for (const one of requests) await expect(one).rejects.toMatchObject({ name: 'InvalidArn' });
  });

  // recorded: stepfunctions test_create_update_state_machine_base_update_none, test_create_update_state_machine_base_definition
  test('is an update without changes; another update returns the revision', async () => {
    const stateMachineArn = await createMachine(valid);
    const update = (change: { definition?: string }) =>
      sfn.send(new UpdateStateMachineCommand({ stateMachineArn, ...change }));

    await expect(update({})).rejects.toMatchObject({ name: 'MissingRequiredParameter' });

    const { revisionId } = await update({ definition: JSON.stringify(valid) });

    expect(revisionId).toEqual(expect.any(String));
  });

  // recorded: stepfunctions test_start_sync_execution
  test('is a synchronous start of a standard workflow', async () => {
    const stateMachineArn = await createMachine(valid);
    // the SDK would send it to another host
    const { body } = await post('states', 'AWSStepFunctions.StartSyncExecution', { stateMachineArn });

    expect(body).toMatchObject({ __type: expect.stringContaining('StateMachineTypeNotSupported') });
  });
});

describe('unchanged: a definition', () => {
  // recorded: stepfunctions test_validate_state_machine_definition_type_standard[VALID_BASE_PASS, VALID_QUERY_LANGUAGE_PASS]
  test('is accepted if it is valid', async () => {
    const inner = { StartAt: 'Pass', States: { Pass: { ...pass, QueryLanguage: 'JSONPath' } } };
    const map = { Type: 'Map', QueryLanguage: 'JSONata', ItemProcessor: inner, End: true };

    expect(await diagnosticsOf(valid)).toEqual(['OK']);
    expect(await diagnosticsOf(withState(map))).toEqual(['OK']);
    await expect(create(valid)).resolves.toMatchObject({ stateMachineArn: expect.any(String) });
  });
});
