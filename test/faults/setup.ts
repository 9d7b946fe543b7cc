import type { Outputs } from '../../cli/outputs.ts';
import { listrProgress } from '../../cli/support/progress.ts';
import { functionNamed } from '../../infra/names.ts';
import { withLaxPolicy } from '../../local/harness/lax-policy.ts';
import { withVariables } from '../../local/harness/variables.ts';
import { faultsDirectory } from '../../local/paths.ts';
import { exportVariables } from '../e2e/setup.ts';
import { keptUp } from '../support/kept-up.ts';
import { withProxiedAws } from '../support/proxied.ts';
import { recordingsOf } from '../support/recorded.ts';
import { MAX_CONCURRENT_CASES } from './support/concurrency.ts';
import { targets } from './support/targets.ts';

/** Part of its range from which a pause with full jitter is drawn: a draw that AWS can make, too, and a short one. */
const JITTER = 0.01;

/** Two files run at the same time, and each of their provisionings may wait for seconds at App1 and at the target. */
const CONCURRENT_WAITS = 2 * MAX_CONCURRENT_CASES;
const WORKERS = {
  each: 16,
  of: {
    'app1-call-target': CONCURRENT_WAITS,
    ...Object.fromEntries(
      targets.flatMap((target) => [
        [functionNamed(target, 'start-user-creation'), CONCURRENT_WAITS],
        [functionNamed(target, 'cancel-user-creation'), CONCURRENT_WAITS],
      ]),
    ),
  },
};

/** Rates at which no creation is queued, and App1 polls for each: with a notification, a case would test another path. */
const RATES = { CREATIONS_PER_SECOND: '1000' };
const POLLS = { STATUS_POLLS_PER_SECOND: '1000' };

/** Factor of the pauses of the outage policies: five minutes become 90 ms, and a day becomes half a minute. */
const LONG_PAUSES = 0.0003;

/** Factor of the callback time limit: App1 polls after 54 s instead of half an hour. No creation is queued as long here. */
const CALLBACK_TIMEOUTS = 0.03;

/** Factor of Lambda's pauses before it retries an asynchronous invocation: 1 s and 2 s instead of minutes. */
const ASYNC_PAUSES = 1 / 60;

const testSwitches = {
  jitter: JITTER,
  asyncPauses: ASYNC_PAUSES,
  longPauses: LONG_PAUSES,
  callbackTimeouts: CALLBACK_TIMEOUTS,
  predictableSubs: true,
  serviceCallsThroughEndpoint: true,
  interventions: true,
  workers: WORKERS,
};

const localAws = keptUp<Outputs>(async (use) =>
  withProxiedAws(
    {
      directory: faultsDirectory,
      targets,
      testSwitches: { ...testSwitches, record: await recordingsOf(faultsDirectory) },
    },
    listrProgress,
    (outputs, proxyUrl) => {
      process.env['FAULT_PROXY_URL'] = proxyUrl;
      return withRates(outputs, targets, () => withLaxPolicy(outputs, () => use(outputs)));
    },
  ),
);

/** Sets the rates of targets while `run` runs. */
async function withRates(
  outputs: Outputs,
  [target, ...others]: readonly string[],
  run: () => Promise<void>,
): Promise<void> {
  if (target === undefined) return run();
  await withVariables(outputs, functionNamed(target, 'start-user-creation'), { ...RATES, ...POLLS }, () =>
    withVariables(outputs, functionNamed(target, 'decrypt-credentials'), RATES, () =>
      withRates(outputs, others, run),
    ),
  );
}

/** Starts a local AWS with three targets and a fault proxy between it and the functions and state machines. */
export default async function setUp(): Promise<void> {
  process.env['LOCAL_AWS_DIR'] = faultsDirectory;
  exportVariables(await localAws.up());
}

export const tearDown = localAws.down;
