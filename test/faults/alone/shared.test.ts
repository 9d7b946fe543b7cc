import { expect } from '@jest/globals';
import { effectOf } from '../matrix/faults.ts';
import { injectFault } from '../matrix/run.ts';
import { type Row, sharedTable } from '../matrix/table.ts';
import { waitForRetries } from '../support/executions.ts';
import { recycle } from '../support/interventions.ts';
import { violations, waitForOutcome } from '../support/oracle.ts';
import { inSequence } from '../support/parallel.ts';
import { plan } from '../support/plan.ts';
import { post } from '../support/provisioning.ts';
import { inject } from '../support/proxy.ts';
import { type FinalChecks, suite } from '../support/suite.ts';

/** Calls of best effort need no cache to be empty; the other ones are made only then. */
const run = (row: Row, finalChecks: FinalChecks) =>
  row.call.caller === 'best effort' ? runFlow(row, finalChecks) : runWithoutCaches(row, finalChecks);

/** Injects the fault into the flow that leads to the call, until the outcome. */
async function runFlow({ call, fault, repetition }: Row, finalChecks: FinalChecks) {
  const {
    planned,
    fired,
    violations: broken,
    status,
    user,
    app1,
  } = await injectFault(call, {
    rule: { ...effectOf(fault, call), ...(repetition === 'once' ? { times: 1 } : {}) },
    meanwhile: (_planned, injected) => injected.waitUntilFired(FIRES_WITHIN),
  });
  finalChecks.addProvisioning(planned, user);
  return { fired, broken, outcome: { status, user, step: app1?.step, code: app1?.code } };
}

/** Longest time until such a call is made, in milliseconds: that of a compensation that waits for calls in flight. */
const FIRES_WITHIN = 180_000;

/** Injects the fault while the functions have empty caches. */
async function runWithoutCaches({ call, fault, repetition, outcome }: Row, finalChecks: FinalChecks) {
  const planned = await plan();
  await recycle(call.functionName ?? '');
  // API Gateway caches the authorizer's policy for a token, so only a new token reaches the authorizer.
  await recycle('app1-call-target');
  const injected = await inject({
    ...call.match(planned),
    ...effectOf(fault, call),
    ...(repetition === 'once' ? { times: 1 } : {}),
  });
  try {
    await post(planned, planned.key);
    if (outcome.retryingState === undefined) await waitForOutcome(planned.id);
    else await waitForRetries('ProvisionServiceUser', planned.id, outcome.retryingState);
    const fired = await injected.allFired();
    await injected.lift();
    const broken = await violations(planned);
    const { status, user, error } = await waitForOutcome(planned.id);
    finalChecks.addProvisioning(planned, user);
    return { fired, broken, outcome: { status, user, step: error?.step, code: error?.code } };
  } finally {
    await injected.lift();
  }
}

suite('a fault in a call that serves many provisionings', sharedTable, {
  run,
  check: ({ fired, broken, outcome }, { outcome: { status, user, app1 } }) => {
    expect(broken).toEqual([]);
    expect(fired).toBe(true);
    expect(outcome).toEqual({ status, user, step: app1?.step, code: app1?.code });
  },
  sample: 29,
  schedule: inSequence,
});
