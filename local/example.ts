import { join } from 'node:path';
import { readOutputs } from '../cli/outputs.ts';
import { programWithoutArguments } from '../cli/support/command.ts';
import { root, settings } from '../cli/support/paths.ts';
import { listrProgress } from '../cli/support/progress.ts';
import { deployApp } from './cdk.ts';

/** `npm run example`: deploys the example of a subscriber next to App1 and App2, on the running local AWS. */
export const main = programWithoutArguments(
  'example',
  'Deploys the example of a subscriber on the running local AWS.',
  async () => {
    const { directory } = settings();
    const { endpoint, region, access_key_id, secret_access_key } = readOutputs(directory);
    const emulator = { endpoint, region, accessKeyId: access_key_id, secretAccessKey: secret_access_key };
    const folder = join(root, 'examples', 'access-register');
    const outputs = await listrProgress.run('Deploying the access register', (progress) =>
      deployApp(folder, { emulator, directory }, progress),
    );
    process.stdout.write(`${JSON.stringify(outputs, undefined, 2)}\n`);
    return 0;
  },
);
