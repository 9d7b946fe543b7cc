import { settings } from '../cli/support/paths.ts';
import { down } from './running.ts';

/** `npm run down`: stops the local AWS and removes what it wrote. */
export async function main(): Promise<number> {
  const wasRunning = await down(settings().directory);
  process.stdout.write(wasRunning ? 'Local AWS is down.\n' : 'No local AWS was running.\n');
  return 0;
}
