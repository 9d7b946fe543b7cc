import { provisioningId } from '../../contracts/fields.ts';
import { askStatus, requestRemoval } from '../app1-api.ts';
import { examples, type Program, timeoutOption } from '../base.ts';
import type { Exit } from '../exit-status.ts';
import { card, shown } from '../format.ts';
import { removed } from '../poll.ts';
import type { Run, Session } from '../session.ts';
import { by } from '../values.ts';

interface Options {
  wait: boolean;
  timeout: number;
}

export async function cancel(session: Session, id: string, { wait, timeout }: Options): Promise<Exit> {
  session.progress.say(`Having the user of ${id} removed at ${session.connection.where}`);
  const under = wait ? await removed(session, id, timeout) : await requestRemoval(session, id);
  const now = shown(under ?? (await askStatus(session, id)), session.propose);
  session.answer(now, card(now));
  return 'ok';
}

export const addCancel = (program: Program, run: Run) =>
  program
    .command('cancel')
    .summary('the user is wanted no longer')
    .description(
      'Whatever state the provisioning is in, the user that it made is gone afterwards. Waits until it is; a second time does no harm.',
    )
    .argument('<provisioning_id>', 'the provisioning', by(provisioningId))
    .option('--no-wait', 'do not wait until the user is gone')
    .addOption(timeoutOption('how long to wait'))
    .addHelpText('after', examples(['remove the user', 'cancel 0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01']))
    .action((id, options, command) => run(command, (session) => cancel(session, id, options)));
