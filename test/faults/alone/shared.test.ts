import { expect } from '@jest/globals';
import { effectOf } from '../matrix/faults.ts';
import { type Row, sharedTable } from '../matrix/table.ts';
import { retried } from '../support/executions.ts';
import { recycle } from '../support/interventions.ts';
import { plan } from '../support/known.ts';
import { endOf, violations } from '../support/oracle.ts';
import { inSequence } from '../support/parallel.ts';
import { post } from '../support/provisioning.ts';
import { inject } from '../support/proxy.ts';
import { type Aftermath, suite } from '../support/suite.ts';

async function run({ call, fault, repetition, outcome }: Row, aftermath: Aftermath) {
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
  sample: 9,
  schedule: inSequence,
});
