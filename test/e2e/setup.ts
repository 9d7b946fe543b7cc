import type { Outputs } from '../../cli/outputs.ts';
import { listrProgress } from '../../cli/support/progress.ts';
import { withLaxPolicy } from '../../local/harness/lax-policy.ts';
import { testDirectory } from '../../local/paths.ts';
import { withLocalAws } from '../../local/stack.ts';
import { keptUp } from '../support/kept-up.ts';
import { recordingsOf } from '../support/recorded.ts';

/** Factor of Lambda's pauses before it retries an asynchronous invocation: 1 s and 2 s instead of minutes. */
const ASYNC_PAUSES = 1 / 60;

/**
 * A local AWS for these tests only, with App1, App2 and the given further targets, in one account or in that of App1 and
 * `targetAccount`. It runs from `setUp`, after which `readOutputs` finds it by `LOCAL_AWS_DIR`, to `tearDown`, or until
 * Jest is interrupted. App1 has a password policy that lacks a rule, so that tests cover passwords that only App2 rejects.
 */
export function localAwsWith(targets: readonly string[], targetAccount?: string) {
  const localAws = keptUp<Outputs>(async (use) => {
    const testSwitches = { asyncPauses: ASYNC_PAUSES, record: await recordingsOf(testDirectory) };
    await withLocalAws(
      { directory: testDirectory, targets, targetAccount, testSwitches },
      listrProgress,
      (outputs) => withLaxPolicy(outputs, () => use(outputs)),
    );
  });
  return {
    async setUp(): Promise<void> {
      process.env['LOCAL_AWS_DIR'] = testDirectory;
      exportVariables(await localAws.up());
    },
    tearDown: localAws.down,
  };
}

/** Sets the variables by which the helpers of the qualification suite find the local AWS. */
export function exportVariables(outputs: Outputs): void {
  const { endpoint, region, account, access_key_id, secret_access_key } = outputs;
  Object.assign(process.env, {
    LOCAL_AWS_ENDPOINT: endpoint,
    LOCAL_AWS_REGION: region,
    LOCAL_AWS_ACCOUNT: account,
    LOCAL_AWS_ACCESS_KEY_ID: access_key_id,
    LOCAL_AWS_SECRET_ACCESS_KEY: secret_access_key,
  });
}

/** `npm run record:events` records the events of requests for two targets. */
const recordsEvents = process.env['RECORD_EVENTS'] !== undefined;

const { setUp, tearDown } = localAwsWith(recordsEvents ? ['payments'] : []);

export { setUp as default, tearDown };
