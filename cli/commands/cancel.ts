import { provisioningId } from '../../contracts/fields.ts';
import { getProvisioning, requestRemoval } from '../app1-api.ts';
import { examples, type Program, timeoutOption } from '../base.ts';
import type { Exit } from '../exit-status.ts';
import { formatReport, toReport } from '../format.ts';
import { removeUser } from '../poll.ts';
import type { Run, Session } from '../session.ts';
import { by } from '../values.ts';

interface Options {
  wait: boolean;
  timeout: number;
}

export async function cancel(session: Session, id: string, { wait, timeout }: Options): Promise<Exit> {
  session.progress.update(`Removing the user of ${id} at ${session.connection.displayName}`);
  const inProgress = wait ? await removeUser(session, id, timeout) : await requestRemoval(session, id);
  const report = toReport(inProgress ?? (await getProvisioning(session, id)), session.propose);
  session.print(report, formatReport(report));
  return 'ok';
}

export const addCancel = (program: Program, run: Run) =>
  program
    .command('cancel')
    .summary('remove the user of a provisioning')
    .description(
      'Cancels a provisioning that is running, or removes the user of one that has finished, and waits until the user is removed. It is idempotent.',
    )
    .argument('<provisioning_id>', 'the provisioning', by(provisioningId))
    .option('--no-wait', 'do not wait until the user is removed')
    .addOption(timeoutOption('how long to wait'))
    .addHelpText('after', examples(['remove the user', 'cancel 0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01']))
    .action((id, options, command) => run(command, (session) => cancel(session, id, options)));
