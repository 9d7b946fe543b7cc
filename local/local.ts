import { readOutputs } from '../cli/outputs.ts';
import { npmCommand, runCommand } from '../cli/support/command.ts';
import { settings } from '../cli/support/paths.ts';
import { forgetExecutions } from './retention.ts';

/**
 * `npm run local -- COMMAND`: what AWS does by itself, sooner or later, and the local AWS does when it is told to.
 * LOCAL_AWS_DIR names the local AWS, as it does for `npm run up`.
 */
export async function main(args: string[]): Promise<number> {
  let chosen = async (): Promise<void> => undefined;
  const all = npmCommand('local')
    .description('Has the local AWS that is up do what AWS does by itself, sooner or later.')
    .showHelpAfterError('`npm run local -- --help` lists the commands.');
  all
    .command('forget-execution')
    .description(
      'Drops the records of executions, as AWS does 90 days after their end: afterwards they are unknown, and their ' +
        'names can be used again. Drops all of them, or none when one is running or unknown.',
    )
    .argument('<arn...>', 'ARNs of executions that have ended')
    .action((arns) => {
      chosen = async () => {
        await forgetExecutions(readOutputs(settings().directory).endpoint, arns);
        for (const arn of new Set(arns)) process.stdout.write(`Dropped the record of ${arn}.\n`);
      };
    });
  return runCommand(
    () => all.parse(args, { from: 'user' }),
    async () => {
      await chosen();
      return 0;
    },
  );
}
