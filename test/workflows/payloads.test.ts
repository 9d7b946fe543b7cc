import { describe, expect, it } from '@jest/globals';
import jsonata from 'jsonata';
import { MAX_BODY_BYTES } from '../../contracts/problems.ts';
import { golden, machineNames } from '../support/golden.ts';
import { codeOf } from './rules/expressions.ts';
import { allStates, type State, type States, states } from './rules/states.ts';

/**
 * How large what a state sends, sets and says becomes at most. What is larger than its bound ends an execution with
 * `States.DataLimitExceeded`, which no catcher of `States.ALL` catches.
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html ("Maximum input or output size", variables);
 * docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html (error and cause);
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html (an entry)
 */
const LARGEST = 256 * 1024;
const LARGEST_ERROR = 256;
const LARGEST_CAUSE = 32_768;

const text = (bytes: number): string => 'x'.repeat(bytes);
/** Whatever comes from a header: API Gateway takes no more than this of all of them together. */
const HEADER = text(10_240);
const CIPHERTEXT = text(12_000);
const TIME = '2026-01-01T00:00:00.000Z';

/** The largest inputs that a request can lead to: no field is larger than the body that it came in. */
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
  retry_of: text(80),
  causation_id: text(256),
  trace_id: text(64),
  estimated_start_at: TIME,
  notify: true,
  had_succeeded: true,
  failure: { step: text(80), error: text(LARGEST_ERROR) },
};

/** Every variable at its largest. One that is not here makes its expression fail. */
const variables = {
  failure: input.failure,
  compensation_failure: input.failure,
  encrypted_password: CIPHERTEXT,
  user_sub: text(128),
  start_at: TIME,
  creation_in_flight: true,
  creation_refused: true,
  creation_requested: true,
  had_succeeded: true,
};

/** The context of a state that did not succeed at once, in an execution with the longest names. */
function known(name: string, of: typeof input) {
  const context = {
    Execution: { Id: text(256), Input: of, Name: text(80), RedriveCount: 0, StartTime: TIME },
    State: { Name: name, EnteredTime: TIME, RetryCount: 100 },
    StateMachine: { Id: text(256), Name: text(80) },
    Task: { Token: text(2_048) },
  };
  const result = { Payload: { ...of, ...variables }, StatusCode: 200 };
  return {
    ...variables,
    states: { input: of, context, result, errorOutput: { Error: text(LARGEST_ERROR), Cause: '' } },
  };
}

/** A value of a state with its expressions evaluated. */
async function evaluated(value: unknown, bindings: Record<string, unknown>): Promise<unknown> {
  if (typeof value === 'string') {
    const code = codeOf(value);
    return code === undefined ? value : jsonata(code).evaluate({}, bindings);
  }
  if (Array.isArray(value)) return Promise.all(value.map((one) => evaluated(one, bindings)));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(
    async ([key, one]) => [key, await evaluated(one, bindings)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value ?? null));

/** What is too large in a machine: each a sentence. */
async function tooLarge(machine: States, of: typeof input): Promise<string[]> {
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
      const size = sizeOf(await evaluated(value, known(name, of)));
      return size <= largest ? [] : [`${what} of ${name} has ${size} bytes`];
    }),
  );
  const input = sizeOf(of) <= LARGEST ? [] : [`the input has ${sizeOf(of)} bytes`];
  return [...input, ...(await Promise.all(found)).flat()];
}

describe.each(machineNames)('%s', (name) => {
  const machine = states.parse(golden(name));

  it('keeps within the bounds of Step Functions with the largest of requests', async () => {
    expect(await tooLarge(machine, input)).toEqual([]);
  });

  it('would not with larger ones, which is said', async () => {
    const found = await tooLarge(machine, { ...input, username: text(LARGEST) });

    expect(found[0]).toMatch(/^the input has \d+ bytes$/);
    expect(found.length).toBeGreaterThan(1);
  });
});
