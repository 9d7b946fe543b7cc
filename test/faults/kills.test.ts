import { expect } from '@jest/globals';
import { type Call, calls } from './matrix/calls.ts';
import { flowOf } from './matrix/flows.ts';
import { injectFault } from './matrix/run.ts';
import { kill } from './support/interventions.ts';
import { twoTargets } from './support/iteration-points.ts';
import { pause } from './support/provisioning.ts';
import { suite } from './support/suite.ts';
import { provisionedTargets, target } from './support/target.ts';

/** The execution environment of a function crashes while the function runs. */
interface Kill {
  name: string;
  call: Call;
  functionName: string;
  moment: 'before' | 'after';
  /** Names of the targets; only the function of the one under test is killed. */
  targets: readonly string[];
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
    targets: provisionedTargets,
  }));
});

/** The functions of the steps in the iterations of a Map, each while the iteration of another target runs. */
const casesOfIterations: Kill[] = cases
  .filter(({ call }) => ['EncryptCredentials', 'RequestUserCreation', 'CancelUserCreation'].includes(call.by))
  .map((one) => ({ ...one, name: `${one.name} at one of two targets`, targets: twoTargets }));

/** A text that only the event of the killed invocation contains. */
function textOfEvent(
  functionName: string,
  { id, username, isOneOfTwo }: { id: string; username: string; isOneOfTwo: boolean },
): string {
  if (functionName === 'app1-start-provisioning') return username;
  return isOneOfTwo ? `"target": "${target}", "provisioning_id": "${id}"` : id;
}

suite('a crash', [...cases, ...casesOfIterations], {
  run: async ({ call, functionName, moment, targets }, finalChecks) => {
    const { planned, ...observed } = await injectFault(call, {
      rule: {
        ...(moment === 'before' ? { latency: DELAY_MS } : { response: { hold_ms: DELAY_MS } }),
        times: 1,
      },
      rollBackLater: call.caller === 'event rule',
      targets,
      async meanwhile({ id, username }, injected) {
        await injected.waitUntilFired();
        if (moment === 'after') await pause(TAKES_EFFECT_MS);
        await kill(
          functionName,
          textOfEvent(functionName, { id, username, isOneOfTwo: targets === twoTargets }),
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
  sample: 13,
});
