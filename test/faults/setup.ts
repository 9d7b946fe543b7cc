import type { Outputs } from '../../cli/outputs.ts';
import { listrProgress } from '../../cli/support/progress.ts';
import { withLaxPolicy } from '../../local/harness/lax-policy.ts';
import { withVariables } from '../../local/harness/variables.ts';
import { faultsDirectory } from '../../local/paths.ts';
import { tell } from '../e2e/setup.ts';
import { keptUp } from '../support/kept-up.ts';
import { withProxiedAws } from '../support/proxied.ts';
import { recordingsOf } from '../support/recorded.ts';
import { AT_ONCE } from './support/at-once.ts';

/** Retry pauses with full jitter are drawn from this part of their range: a legal draw, and a quick one. */
const JITTER = 0.01;

/** Two files at a time, of which each provisioning may wait for App2, or at App2, for seconds. */
const WAITING = 2 * AT_ONCE;
const WORKERS = {
  each: 16,
  of: {
    'app1-call-app2': WAITING,
    'app2-start-user-creation': WAITING,
    'app2-cancel-user-creation': WAITING,
  },
};

/** However many cases run at once, none is queued and each is polled: with a notification a case would test another path. */
const RATES = { CREATIONS_PER_SECOND: '1000' };
const POLLS = { STATUS_POLLS_PER_SECOND: '1000' };

/** What waits an outage out pauses this part of its time: five minutes are 90 ms, and a day is half a minute. */
const LONG_PAUSES = 0.0003;

/** App1 asks for itself after 54 seconds instead of half an hour; no creation is queued for so long here. */
const CALLBACK_TIMEOUTS = 0.03;

/** What a function could not handle is tried again after a second and two instead of minutes. */
const ASYNC_PAUSES = 1 / 60;

const underTest = {
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
    { directory: faultsDirectory, underTest: { ...underTest, record: await recordingsOf(faultsDirectory) } },
    listrProgress,
    (outputs, proxyUrl) => {
      process.env['FAULT_PROXY_URL'] = proxyUrl;
      return withVariables(outputs, 'app2-start-user-creation', { ...RATES, ...POLLS }, () =>
        withVariables(outputs, 'app2-decrypt-credentials', RATES, () =>
          withLaxPolicy(outputs, () => use(outputs)),
        ),
      );
    },
  ),
);

/** Brings up a local AWS with a fault proxy in front of all that the functions and state machines call. */
export default async function setUp(): Promise<void> {
  process.env['LOCAL_AWS_DIR'] = faultsDirectory;
  tell(await localAws.up());
}

export const tearDown = localAws.down;
