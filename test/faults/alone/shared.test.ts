import { expect } from '@jest/globals';
import { effectOf } from '../matrix/faults.ts';
import { injectFault } from '../matrix/run.ts';
import { outcomeOf, type Row, sharedTable } from '../matrix/table.ts';
import { waitForRetries } from '../support/executions.ts';
import { kill, recycle } from '../support/interventions.ts';
import { violations, waitForOutcome } from '../support/oracle.ts';
import { inSequence } from '../support/parallel.ts';
import { plan } from '../support/plan.ts';
import { post } from '../support/provisioning.ts';
import { inject } from '../support/proxy.ts';
import { type FinalChecks, suite } from '../support/suite.ts';

/** A fault, or a crash of the function during the call. */
interface Case extends Row {
  killed?: boolean;
}

/** Delay of the call of a function that is killed, in milliseconds: shorter than its time limit. */
const DELAY_MS = 2_400;

const signIn = sharedTable.find(({ call }) => call.by === 'Authenticate' && call.to.includes('InitiateAuth'));
if (signIn === undefined) throw new Error('The table has no call of Authenticate.');
const crash: Case = {
  ...signIn,
  name: 'app1-call-target killed in Authenticate',
  repetition: 'once',
  outcome: outcomeOf(signIn.call, 'throttled', 'once'),
  killed: true,
};

/** Calls of best effort need no cache to be empty; the other ones are made only then. */
const run = (row: Case, finalChecks: FinalChecks) =>
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
async function runWithoutCaches(
  { call, fault, repetition, outcome, killed = false }: Case,
  finalChecks: FinalChecks,
) {
  const planned = await plan();
  await recycle(call.functionName ?? '');
  // API Gateway caches the authorizer's policy for a token, so only a new token reaches the authorizer.
  await recycle('app1-call-target');
  const injected = await inject({
    ...call.match(planned),
    ...(killed ? { latency: DELAY_MS } : effectOf(fault, call)),
    ...(repetition === 'once' ? { times: 1 } : {}),
  });
  try {
    await post(planned, planned.key);
    if (killed) {
      await injected.waitUntilFired();
      await kill('app1-call-target', planned.id);
    }
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

suite('a fault in a call that serves many provisionings', [crash, ...sharedTable], {
  run,
  check: ({ fired, broken, outcome }, { outcome: { status, user, app1 } }) => {
    expect(broken).toEqual([]);
    expect(fired).toBe(true);
    expect(outcome).toEqual({ status, user, step: app1?.step, code: app1?.code });
  },
  sample: 29,
  schedule: inSequence,
});
