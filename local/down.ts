import { programWithoutArguments } from '../cli/support/command.ts';
import { settings } from '../cli/support/paths.ts';
import { down } from './running.ts';

/** `npm run down`: stops the local AWS and deletes its files. */
export const main = programWithoutArguments(
  'down',
  'Stops the local AWS and deletes all files that it has written.',
  async () => {
    const wasRunning = await down(settings().directory);
    process.stdout.write(wasRunning ? 'Local AWS is down.\n' : 'No local AWS was running.\n');
    return 0;
  },
);
