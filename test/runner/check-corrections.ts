import { colors } from '../../cli/support/colors.ts';
import { programWithoutArguments } from '../../cli/support/command.ts';
import { judge } from './corrections.ts';
import { runJest } from './jest.ts';

/**
 * `npm run check:corrections`: the qualification suite against the emulator as it comes. The failures that Jest shows
 * are wanted where a correction is tested; the last lines say what came out otherwise.
 */
export const main = programWithoutArguments(
  'check:corrections',
  'Runs the qualification of the local AWS without its corrections.',
  async () => {
    const { right, wrong } = judge(
      await runJest('local-aws', { workers: 1, environment: { LOCAL_AWS_CORRECTIONS: 'off' } }),
    );
    process.stdout.write('\nWithout the corrections:\n');
    for (const line of wrong) process.stdout.write(`${colors.red('✘')} ${line}\n`);
    process.stdout.write(`${right} as expected, ${wrong.length} not as expected\n`);
    return wrong.length === 0 ? 0 : 1;
  },
);
