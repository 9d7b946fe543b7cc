import { describe, expect, it } from '@jest/globals';
import jsonata from 'jsonata';
import * as z from 'zod';
import { awsErrorMapping, explainFailure, failures } from '../../contracts/failures.ts';
import { golden, machineNames, tasks } from '../support/golden.ts';

/** Errors as a Catch may see them: ours, those of AWS, and such as nobody has foreseen. */
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

/** What is read of a state that publishes an event with a failure in it. */
const publishes = z.object({
  Entries: z.tuple([z.object({ Detail: z.object({ data: z.record(z.string(), z.unknown()) }) })]),
});
const told = z.object({ code: z.string() });

const expressions = machineNames.flatMap((machine) =>
  tasks(golden(machine)).flatMap(([state, { Arguments }]) =>
    (['failure', 'compensation_failure'] as const).flatMap((failure) => {
      const { data } = publishes.safeParse(Arguments);
      const { data: fact } = told.safeParse(data?.Entries[0].Detail.data[failure]);
      return fact === undefined ? [] : [{ machine, state, failure, code: fact.code }];
    }),
  ),
);

describe('the code of a failure in an event', () => {
  it.each(expressions)(
    'is, in $state of $machine, the one that the caller is told: $failure',
    async ({ failure, code }) => {
      const expression = jsonata(code.replace(/^\{% | %\}$/g, ''));

      for (const error of errors)
        expect([error, await expression.evaluate({}, { [failure]: { error } })]).toEqual([
          error,
          explainFailure({ step: 'SomeStep', error }).code,
        ]);
    },
  );

  it('is in every event that tells a failure', () => {
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
