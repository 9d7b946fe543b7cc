import { provisioningId } from '../../contracts/fields.ts';
import { idempotencyKey } from '../../contracts/headers.ts';
import { requestRetry } from '../app1-api.ts';
import { examples, type Program, timeoutOption } from '../base.ts';
import type { Exit } from '../exit-status.ts';
import { reportOutcome } from '../outcome.ts';
import type { Run, Session } from '../session.ts';
import { by } from '../values.ts';

interface Options {
  idempotencyKey?: string;
  wait: boolean;
  timeout: number;
}

export async function retry(session: Session, id: string, options: Options): Promise<Exit> {
  session.progress.update(`Retrying ${id} at ${session.connection.displayName}`);
  return reportOutcome(session, await requestRetry(session, id, options.idempotencyKey), options);
}

export const addRetry = (program: Program, run: Run) =>
  program
    .command('retry')
    .summary('retry a failed provisioning without its password')
    .description(
      'Requests a new provisioning with the request of the failed one. App1 uses the encrypted password of the failed execution. Repeats of a retry are one provisioning.',
    )
    .argument('<provisioning_id>', 'the failed provisioning', by(provisioningId))
    .option(
      '--idempotency-key <key>',
      'start another retry of the same provisioning, with this key',
      by(idempotencyKey),
    )
    .option('--no-wait', 'do not wait until it has finished')
    .addOption(timeoutOption('how long to wait'))
    .addHelpText(
      'after',
      examples(['after the cause is repaired', 'retry 0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01']),
    )
    .action((id, options, command) => run(command, (session) => retry(session, id, options)));
