import { expect } from '@jest/globals';
import { effectOf } from '../matrix/faults.ts';
import { follow } from '../matrix/run.ts';
import { type Row, sharedTable } from '../matrix/table.ts';
import { retried } from '../support/executions.ts';
import { recycle } from '../support/interventions.ts';
import { plan } from '../support/known.ts';
import { endOf, violations } from '../support/oracle.ts';
import { inSequence } from '../support/parallel.ts';
import { post } from '../support/provisioning.ts';
import { inject } from '../support/proxy.ts';
import { type Aftermath, suite } from '../support/suite.ts';

/** What is made for all of them, and what each of them does as well without. */
const run = (row: Row, aftermath: Aftermath) =>
  row.call.caller === 'best effort' ? onItsWay(row, aftermath) : fromTheBeginning(row, aftermath);

/** With the fault on the way that leads to the call, until the end. */
async function onItsWay({ call, fault, repetition }: Row, aftermath: Aftermath) {
  const {
    planned,
    fired,
    violations: broken,
    status,
    user,
    app1,
  } = await follow(call, {
    rule: { ...effectOf(fault, call), ...(repetition === 'once' ? { times: 1 } : {}) },
    meanwhile: (_planned, injected) => injected.met(MET_WITHIN),
  });
  aftermath.ended(planned, user);
  return { fired, broken, end: { status, user, step: app1?.step, code: app1?.code } };
}

/** Longest time until such a call is made, in milliseconds: that of an undo which waits for what is in flight. */
const MET_WITHIN = 180_000;

/** With nothing remembered of what was asked before. */
async function fromTheBeginning({ call, fault, repetition, outcome }: Row, aftermath: Aftermath) {
  const planned = await plan();
  await recycle(call.functionName ?? '');
  // API Gateway keeps the authorizer's answer for a token, so that only a new one is looked at.
  await recycle('app1-call-app2');
  const injected = await inject({
    ...call.match(planned),
    ...effectOf(fault, call),
    ...(repetition === 'once' ? { times: 1 } : {}),
  });
  try {
    await post(planned, planned.key);
    if (outcome.waits === undefined) await endOf(planned.id);
    else await retried('ProvisionServiceUser', planned.id, outcome.waits);
    const fired = await injected.allFired();
    await injected.lift();
    const broken = await violations(planned);
    const { status, user, error } = await endOf(planned.id);
    aftermath.ended(planned, user);
    return { fired, broken, end: { status, user, step: error?.step, code: error?.code } };
  } finally {
    await injected.lift();
  }
}

suite('a fault in a call that is made for many provisionings', sharedTable, {
  run,
  check: ({ fired, broken, end }, { outcome: { status, user, app1 } }) => {
    expect(broken).toEqual([]);
    expect(fired).toBe(true);
    expect(end).toEqual({ status, user, step: app1?.step, code: app1?.code });
  },
  sample: 29,
  schedule: inSequence,
});
