import { expect } from '@jest/globals';
import { type Call, calls } from './matrix/calls.ts';
import { flowOf } from './matrix/flows.ts';
import { injectFault } from './matrix/run.ts';
import { kill } from './support/interventions.ts';
import { pause } from './support/provisioning.ts';
import { suite } from './support/suite.ts';

/** The execution environment of a function crashes while the function runs. */
interface Kill {
  name: string;
  call: Call;
  functionName: string;
  moment: 'before' | 'after';
}

/** Delay of the call, in milliseconds: shorter than its time limit. */
const DELAY_MS = 2_400;
/** Time within which a call without a delay takes effect, in milliseconds. */
const TAKES_EFFECT_MS = 500;

const cases: Kill[] = calls.flatMap((call) => {
  const functionName = call.functionName ?? (call.http ? 'app1-call-target' : undefined);
  if (functionName === undefined) return [];
  return (['before', 'after'] as const).map((moment) => ({
    name: `${functionName} killed ${moment} ${call.to} (${call.flow})`,
    call,
    functionName,
    moment,
  }));
});

suite('a crash', cases, {
  run: async ({ call, functionName, moment }, finalChecks) => {
    const { planned, ...observed } = await injectFault(call, {
      rule: {
        ...(moment === 'before' ? { latency: DELAY_MS } : { response: { hold_ms: DELAY_MS } }),
        times: 1,
      },
      rollBackLater: call.caller === 'event rule',
      async meanwhile(identifiers, injected) {
        await injected.waitUntilFired();
        if (moment === 'after') await pause(TAKES_EFFECT_MS);
        await kill(
          functionName,
          functionName === 'app1-start-provisioning' ? identifiers.username : identifiers.id,
        );
      },
    });
    finalChecks.addProvisioning(planned, observed.user);
    return observed;
  },
  check: ({ violations, status, user }, { call }) => {
    const { baseline } = flowOf(call.flow);
    expect(violations).toEqual([]);
    expect([status, user]).toEqual([baseline.status, baseline.user]);
  },
  sample: 12,
});
