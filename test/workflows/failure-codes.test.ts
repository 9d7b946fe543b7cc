import { describe, expect, it } from '@jest/globals';
import jsonata from 'jsonata';
import * as z from 'zod';
import { awsErrorMapping, explainFailure, failures } from '../../contracts/failures.ts';
import { golden, machineNames, tasks } from '../support/golden.ts';

/** Errors that a Catch can receive: of this system, of AWS, and unknown ones. */
const errors = [
  ...Object.keys(failures),
  ...Object.keys(awsErrorMapping).filter((name) => name.includes('.')),
  'EventBridge.FailedEntry',
  'Lambda.Unknown',
  'States.QueryEvaluationError',
  'States.Runtime',
  'Runtime.ExitError',
  'TypeError',
  'Operator',
  '',
];

/** The Arguments of a state that publishes an event with a failure. */
const publishArguments = z.object({
  Entries: z.tuple([z.object({ Detail: z.object({ data: z.record(z.string(), z.unknown()) }) })]),
});
const publishedFailure = z.object({ code: z.string() });

const expressions = machineNames.flatMap((machine) =>
  tasks(golden(machine)).flatMap(([state, { Arguments }]) =>
    (['failure', 'compensation_failure'] as const).flatMap((failure) => {
      const { data } = publishArguments.safeParse(Arguments);
      const published = publishedFailure.safeParse(data?.Entries[0].Detail.data[failure]);
      return published.success ? [{ machine, state, failure, code: published.data.code }] : [];
    }),
  ),
);

/** The codes of an expression, in the order of `errors`; each expression is evaluated once, for all of its states. */
const evaluated = new Map<string, Promise<unknown[]>>();
const codesOf = (failure: string, code: string): Promise<unknown[]> => {
  const key = `${failure} ${code}`;
  const known = evaluated.get(key) ?? evaluate(failure, code);
  evaluated.set(key, known);
  return known;
};

async function evaluate(failure: string, code: string): Promise<unknown[]> {
  const expression = jsonata(code.replace(/^\{% | %\}$/g, ''));
  const codes: unknown[] = [];
  for (const error of errors) codes.push(await expression.evaluate({}, { [failure]: { error } }));
  return codes;
}

describe('the code of a failure in an event', () => {
  it.each(expressions)(
    'equals, in $state of $machine, the code in the status: $failure',
    async ({ failure, code }) => {
      const codes = await codesOf(failure, code);

      expect(errors.map((error, n) => [error, codes[n]])).toEqual(
        errors.map((error) => [error, explainFailure({ step: 'SomeStep', error }).code]),
      );
    },
  );

  it('is in every event with a failure', () => {
    expect(expressions.map(({ state, failure }) => `${state} ${failure}`).sort()).toEqual(
      [
        ...Array(2).fill('PublishProvisioningFailed failure'),
        'PublishUserCreationRejected failure',
        ...Array(4).fill('PublishRollBackFailed failure'),
        ...Array(4).fill('PublishRollBackFailed compensation_failure'),
        ...Array(2).fill('PublishUserRolledBack failure'),
      ].sort(),
    );
  });
});
