import { outputsFile } from '../cli/outputs.ts';
import { programWithoutArguments } from '../cli/support/command.ts';
import { settings } from '../cli/support/paths.ts';
import { listrProgress } from '../cli/support/progress.ts';
import { up } from './stack.ts';

/** `npm run up`: starts the local AWS with both stacks, and leaves it running. */
export const main = programWithoutArguments(
  'up',
  'Starts a local AWS, deploys both services there, and leaves it running.',
  async () => {
    const { directory, port, lambdaEndpoint } = settings();
    const outputs = await up({ directory, port, lambdaEndpoint }, listrProgress);
    process.stdout.write(
      `Local AWS is up at ${outputs.endpoint}.\n  App1  ${outputs.app1.api_url}\n  App2  ${outputs.app2.api_url}\n` +
        `${outputsFile(directory)} has all addresses and names. \`npm run down\` stops and deletes it.\n`,
    );
    return 0;
  },
);
