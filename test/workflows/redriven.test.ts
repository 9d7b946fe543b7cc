import { expect, it } from '@jest/globals';
import jsonata from 'jsonata';
import { golden } from '../support/golden.ts';
import { codeOf } from './rules/expressions.ts';
import { states } from './rules/states.ts';

const targets = ['app2', 'payments'];

/** The targets that are compensated after a step at `payments` has failed, in an execution with this number of redrives. */
async function requestedAfter(step: string, RedriveCount: number): Promise<unknown> {
  const { Catch = [] } = states.parse(golden('ProvisionServiceUser')).States['ProvisionTargets'] ?? {};
  const catcher = Catch.find(({ ErrorEquals }) => ErrorEquals.includes('TargetFailed'));
  const code = codeOf(String(catcher?.Assign?.['creation_requested'])) ?? '';
  const Cause = JSON.stringify({ target: 'payments', step, error: 'TargetUnavailable' });
  const context = { Execution: { Input: { targets }, RedriveCount } };
  const bindings = { states: { context, errorOutput: { Cause } }, parse: (text: string) => JSON.parse(text) };
  const requested: unknown = await jsonata(code).evaluate({}, bindings);
  return requested;
}

it('a target is not compensated if a step before the request failed', async () => {
  expect(await requestedAfter('Authenticate', 0)).toEqual(['app2']);
});

// docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html does not say at which state an iteration continues.
it('every target is compensated if a step of a redriven execution failed', async () => {
  expect(await requestedAfter('Authenticate', 1)).toEqual(targets);
});
