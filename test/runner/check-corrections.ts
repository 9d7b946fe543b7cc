import { colors } from '../../cli/support/colors.ts';
import { programWithoutArguments } from '../../cli/support/command.ts';
import { judge } from './corrections.ts';
import { runJest } from './jest.ts';

/**
 * `npm run check:corrections`: runs the qualification suite against the unchanged emulator. The tests of corrections are
 * expected to fail. The last lines list the tests with another result than expected.
 */
export const main = programWithoutArguments(
  'check:corrections',
  'Runs the qualification of the local AWS without its corrections.',
  async () => {
    const { expected, unexpected } = judge(
      await runJest('local-aws', { workers: 1, environment: { LOCAL_AWS_CORRECTIONS: 'off' } }),
    );
    process.stdout.write('\nWithout the corrections:\n');
    for (const line of unexpected) process.stdout.write(`${colors.red('✘')} ${line}\n`);
    process.stdout.write(`${expected} as expected, ${unexpected.length} not as expected\n`);
    return unexpected.length === 0 ? 0 : 1;
  },
);
