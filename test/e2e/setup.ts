import type { Outputs } from '../../local/outputs.ts';
import { testDirectory } from '../../local/places.ts';
import { listrProgress } from '../../local/progress.ts';
import { withLocalAws } from '../../local/stack.ts';

let finish: () => void = () => undefined;
let ended: Promise<void> = Promise.resolve();

/**
 * Brings up a local AWS for these tests only, with both stacks; `readOutputs` finds it by `LOCAL_AWS_DIR`.
 * It is up until `tearDown`, or until Jest is interrupted.
 */
export default async function setUp(): Promise<void> {
  process.env['LOCAL_AWS_DIR'] = testDirectory;
  await new Promise<void>((resolve, reject) => {
    const stayUp = ({
      endpoint,
      region,
      account,
      access_key_id,
      secret_access_key,
    }: Outputs): Promise<void> => {
      // The tools of the qualification suite look here.
      Object.assign(process.env, {
        LOCAL_AWS_ENDPOINT: endpoint,
        LOCAL_AWS_REGION: region,
        LOCAL_AWS_ACCOUNT: account,
        LOCAL_AWS_ACCESS_KEY_ID: access_key_id,
        LOCAL_AWS_SECRET_ACCESS_KEY: secret_access_key,
      });
      resolve();
      return new Promise((end) => {
        finish = end;
      });
    };
    ended = withLocalAws({ directory: testDirectory }, listrProgress, stayUp);
    ended.catch(reject);
  });
}

export async function tearDown(): Promise<void> {
  finish();
  await ended;
}
