import { expect } from '@jest/globals';
import type { FaultMatch } from '../../../local/faults/rules.ts';
import { madeBy } from '../matrix/calls.ts';
import { effectOf, type Fault, faults } from '../matrix/faults.ts';
import type { Told } from '../matrix/table.ts';
import { rollBackFailed } from '../support/executions.ts';
import { recycle } from '../support/interventions.ts';
import { plan } from '../support/known.ts';
import { endOf, violations } from '../support/oracle.ts';
import { inSequence } from '../support/parallel.ts';
import { post } from '../support/provisioning.ts';
import { inject } from '../support/proxy.ts';
import { type Aftermath, suite } from '../support/suite.ts';
import { sweepSoon } from '../support/sweeps.ts';

/**
 * What is called once for many provisionings and then kept: faults of it are about all of them, so that one case runs
 * after the other.
 */
const names = Object.keys(faults) as Fault[]; // keys of a const object

interface Kept {
  to: string;
  functionName: string;
  match: FaultMatch;
  /** What App1 tells when the call fails for ever. */
  told: (fault: Fault) => Told;
  /** Whether the undo needs the call, too, so that it waits until the fault is over. */
  undoNeedsIt: boolean;
}

const ofSignIn = (fault: Fault): Told => ({
  step: 'Authenticate',
  code:
    fault === 'permanent error'
      ? 'INTERNAL_ERROR'
      : fault === 'throttled'
        ? 'SERVICE_THROTTLED'
        : 'SERVICE_UNAVAILABLE',
});

const kept: Kept[] = [
  {
    to: 'secretsmanager:GetSecretValue',
    functionName: 'app1-call-app2',
    match: { service: 'secretsmanager', operation: 'GetSecretValue', ...madeBy('app1-call-app2') },
    told: ofSignIn,
    undoNeedsIt: false,
  },
  {
    to: 'cognito-idp:InitiateAuth',
    functionName: 'app1-call-app2',
    match: { service: 'cognito-idp', operation: 'InitiateAuth', ...madeBy('app1-call-app2') },
    told: ofSignIn,
    undoNeedsIt: false,
  },
  {
    to: 'GET jwks.json',
    functionName: 'app2-authorizer',
    match: { service: 'jwks', operation: 'GET' },
    told: () => ({ step: 'RequestUserCreation', code: 'ROLL_BACK_FAILED' }),
    undoNeedsIt: true,
  },
];

interface KeptCase {
  name: string;
  call: Kept;
  fault: Fault;
  forEver: boolean;
}

const keptCases: KeptCase[] = kept.flatMap((call) =>
  [false, true].flatMap((forEver) =>
    names
      // These calls have no effect that could be late; and what is refused for good is not repeated.
      .filter((fault) => fault !== 'effect late' && (forEver || fault !== 'permanent error'))
      // An undo that waits twenty times for three seconds, in two machines, shows nothing more.
      .filter((fault) => !(forEver && call.undoNeedsIt && fault === 'answer late'))
      .map((fault) => ({
        name: `${call.functionName} ${call.to}: ${fault}, ${forEver ? 'for ever' : 'once'}`,
        call,
        fault,
        forEver,
      })),
  ),
);

async function runKept({ call, fault, forEver }: KeptCase, aftermath: Aftermath) {
  const planned = await plan();
  await recycle(call.functionName);
  // API Gateway keeps the authorizer's answer for a token, so that only a new one is looked at.
  await recycle('app1-call-app2');
  const effect = effectOf(fault, { to: call.to });
  const injected = await inject({ ...call.match, ...effect, ...(forEver ? {} : { times: 1 }) });
  try {
    await post(planned, planned.key);
    if (forEver && call.undoNeedsIt) await rollBackFailed('RollBackProvisioning', planned.id);
    else await endOf(planned.id);
    const fired = await injected.allFired();
    await injected.lift();
    if (forEver && call.undoNeedsIt) await sweepSoon();
    const broken = await violations(planned);
    const { status, user, error } = await endOf(planned.id);
    aftermath.ended(planned, user);
    return { fired, broken, end: [status, user, error?.step, error?.code] };
  } finally {
    await injected.lift();
  }
}

suite('a call that is made for many provisionings', keptCases, {
  run: runKept,
  check: ({ fired, broken, end }, { call, fault, forEver }) => {
    const { step, code } = call.told(fault);
    expect(broken).toEqual([]);
    expect(fired).toBe(true);
    expect(end).toEqual(
      forEver ? ['FAILED', 'absent', step, code] : ['SUCCEEDED', 'present', undefined, undefined],
    );
  },
  sample: 9,
  schedule: inSequence,
});
