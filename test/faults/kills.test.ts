import { expect } from '@jest/globals';
import { type Call, calls } from './matrix/calls.ts';
import { flowOf } from './matrix/flows.ts';
import { follow } from './matrix/run.ts';
import { kill } from './support/interventions.ts';
import { pause } from './support/provisioning.ts';
import { suite } from './support/suite.ts';

/** A function's environment crashes in the middle of its work. */
interface Kill {
  name: string;
  call: Call;
  functionName: string;
  moment: 'before' | 'after';
}

/** How long the call is held, in milliseconds: shorter than it is waited for. */
const HELD = 2_400;
/** The time within which a call that is not held takes effect, in milliseconds. */
const EFFECT = 500;

const cases: Kill[] = calls.flatMap((call) => {
  const functionName = call.functionName ?? (call.http ? 'app1-call-app2' : undefined);
  if (functionName === undefined) return [];
  return (['before', 'after'] as const).map((moment) => ({
    name: `${functionName} killed ${moment} ${call.to} (${call.flow})`,
    call,
    functionName,
    moment,
  }));
});

suite('a crash', cases, {
  run: async ({ call, functionName, moment }, aftermath) => {
    const { planned, ...seen } = await follow(call, {
      rule: { ...(moment === 'before' ? { latency: HELD } : { response: { hold_ms: HELD } }), times: 1 },
      rollBackLater: call.caller === 'watch',
      async meanwhile(known, injected) {
        await injected.met();
        if (moment === 'after') await pause(EFFECT);
        await kill(functionName, functionName === 'app1-start-provisioning' ? known.username : known.id);
      },
    });
    aftermath.ended(planned, seen.user);
    return seen;
  },
  check: ({ violations, status, user }, { call }) => {
    const { base } = flowOf(call.flow);
    expect(violations).toEqual([]);
    expect([status, user]).toEqual([base.status, base.user]);
  },
  sample: 12,
});
