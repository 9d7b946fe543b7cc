import { readOutputs } from '../cli/outputs.ts';
import { npmCommand, runCommand } from '../cli/support/command.ts';
import { settings } from '../cli/support/paths.ts';
import { forgetExecutions } from './retention.ts';

/**
 * `npm run local -- COMMAND`: performs an action on the local AWS that AWS performs by itself after a long time.
 * LOCAL_AWS_DIR selects the local AWS, as with `npm run up`.
 */
export async function main(args: string[]): Promise<number> {
  let action = async (): Promise<void> => undefined;
  const all = npmCommand('local')
    .description('Performs actions on the running local AWS that AWS performs by itself after a long time.')
    .showHelpAfterError('`npm run local -- --help` lists the commands.');
  all
    .command('forget-execution')
    .description(
      'Deletes the records of finished executions, as AWS does after 90 days: afterwards their names can be used ' +
        'again. Deletes none of them if one is running or unknown.',
    )
    .argument('<arn...>', 'ARNs of finished executions')
    .action((arns) => {
      action = async () => {
        await forgetExecutions(readOutputs(settings().directory).endpoint, arns);
        for (const arn of new Set(arns)) process.stdout.write(`Deleted the record of ${arn}.\n`);
      };
    });
  return runCommand(
    () => all.parse(args, { from: 'user' }),
    async () => {
      await action();
      return 0;
    },
  );
}
