import { provisioningId } from '../../contracts/fields.ts';
import { idempotencyKey } from '../../contracts/headers.ts';
import { requestRetry } from '../app1-api.ts';
import { examples, type Program, timeoutOption } from '../base.ts';
import type { Exit } from '../exit-status.ts';
import { ended } from '../outcome.ts';
import type { Run, Session } from '../session.ts';
import { by } from '../values.ts';

interface Options {
  idempotencyKey?: string;
  wait: boolean;
  timeout: number;
}

export async function retry(session: Session, id: string, options: Options): Promise<Exit> {
  session.progress.say(`Asking for ${id} again at ${session.connection.where}`);
  return ended(session, await requestRetry(session, id, options.idempotencyKey), options);
}

export const addRetry = (program: Program, run: Run) =>
  program
    .command('retry')
    .summary('try a failed one again, without its password')
    .description(
      'Asks App1 for a new provisioning with what the former one was asked for, password included: it goes from the sealed input, and nobody has to know it. The same retry twice is one.',
    )
    .argument('<provisioning_id>', 'the one that failed', by(provisioningId))
    .option('--idempotency-key <key>', 'another retry of the same one, under this key', by(idempotencyKey))
    .option('--no-wait', 'do not wait for the end')
    .addOption(timeoutOption('how long to wait'))
    .addHelpText(
      'after',
      examples(['when its cause is repaired', 'retry 0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01']),
    )
    .action((id, options, command) => run(command, (session) => retry(session, id, options)));
