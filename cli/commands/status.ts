import { provisioningId } from '../../contracts/fields.ts';
import { getProvisioning } from '../app1-api.ts';
import { examples, type Program, timeoutOption } from '../base.ts';
import type { Exit } from '../exit-status.ts';
import { formatReport, toReport } from '../format.ts';
import { pollUntilFinished } from '../poll.ts';
import type { Run, Session } from '../session.ts';
import { by } from '../values.ts';

interface Options {
  watch?: true;
  timeout: number;
}

export async function status(session: Session, id: string, { watch, timeout }: Options): Promise<Exit> {
  const found =
    watch === true ? await pollUntilFinished(session, id, timeout) : await getProvisioning(session, id);
  const report = toReport(found, session.propose);
  session.print(report, formatReport(report));
  return report.error === undefined ? 'ok' : 'failed';
}

export const addStatus = (program: Program, run: Run) =>
  program
    .command('status')
    .summary('print the status of a provisioning')
    .description(
      'Reads the status of a provisioning from App1: the outcome, the user, what it waits for, the cause of a failure, what is left behind, and the remedy.',
    )
    .argument('<provisioning_id>', 'the provisioning', by(provisioningId))
    .option('--watch', 'wait until it has finished')
    .addOption(timeoutOption('how long to wait with --watch'))
    .addHelpText(
      'after',
      examples(
        ['the current status', 'status 0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01'],
        ['wait until it has finished', 'status 0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01 --watch'],
      ),
    )
    .action((id, options, command) => run(command, (session) => status(session, id, options)));
