import { provisioningId } from '../../contracts/fields.ts';
import { askStatus } from '../app1-api.ts';
import { examples, type Program, timeoutOption } from '../base.ts';
import type { Exit } from '../exit-status.ts';
import { card, shown } from '../format.ts';
import { settled } from '../poll.ts';
import type { Run, Session } from '../session.ts';
import { by } from '../values.ts';

interface Options {
  watch?: true;
  timeout: number;
}

export async function status(session: Session, id: string, { watch, timeout }: Options): Promise<Exit> {
  const found = watch === true ? await settled(session, id, timeout) : await askStatus(session, id);
  const now = shown(found, session.propose);
  session.answer(now, card(now));
  return now.error === undefined ? 'ok' : 'bad';
}

export const addStatus = (program: Program, run: Run) =>
  program
    .command('status')
    .summary('how a provisioning stands')
    .description(
      'Asks App1 how a provisioning stands: its end, its user, what it waits for, why it failed, what is left, what to do.',
    )
    .argument('<provisioning_id>', 'the provisioning', by(provisioningId))
    .option('--watch', 'wait until it is over')
    .addOption(timeoutOption('how long to watch'))
    .addHelpText(
      'after',
      examples(
        ['as it stands', 'status 0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01'],
        ['until it is over', 'status 0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01 --watch'],
      ),
    )
    .action((id, options, command) => run(command, (session) => status(session, id, options)));
