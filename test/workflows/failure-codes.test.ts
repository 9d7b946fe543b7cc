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

const expressions = machineNames.flatMap((machine) =>
  tasks(golden(machine)).flatMap(([state, { Arguments }]) =>
    (['failure', 'compensation_failure'] as const).flatMap((failure) => {
      const { data } = publishArguments.safeParse(Arguments);
      const published = z.string().safeParse(data?.Entries[0].Detail.data[failure]);
      return published.success ? [{ machine, state, failure, expression: published.data }] : [];
    }),
  ),
);

/** The published failures, in the order of `errors`; each expression is evaluated once, for all of its states. */
const evaluated = new Map<string, Promise<unknown[]>>();
const publishedBy = (failure: string, expression: string): Promise<unknown[]> => {
  const key = `${failure} ${expression}`;
  const known = evaluated.get(key) ?? evaluate(failure, expression);
  evaluated.set(key, known);
  return known;
};

async function evaluate(failure: string, expression: string): Promise<unknown[]> {
  const compiled = jsonata(expression.replace(/^\{% | %\}$/g, ''));
  const published: unknown[] = [];
  for (const error of errors)
    published.push(await compiled.evaluate({}, { [failure]: { target: 'orders', step: 'SomeStep', error } }));
  return published;
}

describe('a failure in an event', () => {
  it.each(expressions)(
    'has, in $state of $machine, its target, step and error, and the code of the status: $failure',
    async ({ failure, expression }) => {
      const published = await publishedBy(failure, expression);

      expect(published).toEqual(
        errors.map((error) => ({
          target: 'orders',
          step: 'SomeStep',
          error,
          code: explainFailure({ step: 'SomeStep', error }).code,
        })),
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
