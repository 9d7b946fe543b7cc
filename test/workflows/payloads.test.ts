import { describe, expect, it } from '@jest/globals';
import { MAX_TARGETS_PER_REQUEST } from '../../contracts/app1-api.ts';
import { MAX_BODY_BYTES } from '../../contracts/problems.ts';
import { golden, machineNames } from '../support/golden.ts';
import { evaluated } from './rules/expressions.ts';
import { allStates, type State, type States, states } from './rules/states.ts';

/**
 * Size limits of arguments, variables, output, error and cause of a state. A larger value ends an execution with
 * `States.DataLimitExceeded`, which a catcher of `States.ALL` does not catch.
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html ("Maximum input or output size", variables);
 * docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html (error and cause);
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html (an entry)
 */
const LARGEST = 256 * 1024;
const LARGEST_ERROR = 256;
const LARGEST_CAUSE = 32_768;

const text = (bytes: number): string => 'x'.repeat(bytes);
/** A value from a header: API Gateway's limit for the total size of all headers. */
const HEADER = text(10_240);
const CIPHERTEXT = text(12_000);
const TIME = '2026-01-01T00:00:00.000Z';

/** The largest inputs that a request can cause: no field is larger than its body. */
const input = {
  provisioning_id: text(80),
  creation_id: text(36),
  username: text(MAX_BODY_BYTES),
  human_user_id: text(MAX_BODY_BYTES),
  owner: HEADER,
  on_behalf_of: HEADER,
  intake_ciphertext: CIPHERTEXT,
  encrypted_password: CIPHERTEXT,
  request_mac: text(128),
  targets: Array.from({ length: MAX_TARGETS_PER_REQUEST }, () => text(80)),
  retry_of: text(80),
  causation_id: text(256),
  trace_id: text(64),
  estimated_start_at: TIME,
  notify: true,
  had_succeeded: true,
  failure: { target: text(80), step: text(80), error: text(LARGEST_ERROR) },
};

/** Every variable with its largest value. An expression with another variable fails. */
const variables = {
  failure: input.failure,
  compensation_failure: input.failure,
  encrypted_password: CIPHERTEXT,
  user_sub: text(128),
  start_at: TIME,
  creation_in_flight: true,
  creation_refused: true,
  creation_requested: input.targets,
  outcomes: input.targets.map((target) => ({ target, user: 'unknown', error: text(LARGEST_ERROR) })),
  had_succeeded: true,
};

/** The variables of an expression: of a state in its 100th retry, in an execution with the longest names. */
function bindingsOf(name: string, executionInput: typeof input) {
  const context = {
    Execution: { Id: text(256), Input: executionInput, Name: text(80), RedriveCount: 0, StartTime: TIME },
    State: { Name: name, EnteredTime: TIME, RetryCount: 100 },
    StateMachine: { Id: text(256), Name: text(80) },
    Task: { Token: text(2_048) },
    Map: { Item: { Index: 0, Value: text(80) } },
  };
  const item = { ...input.failure, creation_requested: true };
  const result = { Payload: { ...executionInput, ...variables }, StatusCode: 200 };
  return {
    ...variables,
    states: {
      input: { ...executionInput, ...item },
      context,
      result,
      errorOutput: { Error: text(LARGEST_ERROR), Cause: JSON.stringify(input.failure) },
    },
  };
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value ?? null));

/** Values of a state machine that exceed their limits, as sentences. */
async function tooLarge(machine: States, executionInput: typeof input): Promise<string[]> {
  const limits = (state: State): [string, unknown, number][] => [
    ['Arguments', state['Arguments'], LARGEST],
    ['Assign', state.Assign, LARGEST],
    ['Output', state['Output'], LARGEST],
    ...state.Catch.map(({ Assign }): [string, unknown, number] => ['Assign of a Catch', Assign, LARGEST]),
    ['Error', state['Error'], LARGEST_ERROR],
    ['Cause', state['Cause'], LARGEST_CAUSE],
  ];
  const found = allStates(machine).flatMap(([name, state]) =>
    limits(state).map(async ([what, value, largest]) => {
      const size = sizeOf(await evaluated(value, bindingsOf(name, executionInput)));
      return size <= largest ? [] : [`${what} of ${name} has ${size} bytes`];
    }),
  );
  const inputSize = sizeOf(executionInput);
  const largeInput = inputSize <= LARGEST ? [] : [`the input has ${inputSize} bytes`];
  return [...largeInput, ...(await Promise.all(found)).flat()];
}

describe.each(machineNames)('%s', (name) => {
  const machine = states.parse(golden(name));

  it('stays within the size limits of Step Functions with the largest requests', async () => {
    expect(await tooLarge(machine, input)).toEqual([]);
  });

  it('exceeds the limits with a larger request, which the check reports', async () => {
    const found = await tooLarge(machine, { ...input, username: text(LARGEST) });

    expect(found[0]).toMatch(/^the input has \d+ bytes$/);
    expect(found.length).toBeGreaterThan(1);
  });
});
