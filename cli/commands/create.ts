import { randomUUID } from 'node:crypto';
import { Option } from '@commander-js/extra-typings';
import { humanUserId, username } from '../../contracts/fields.ts';
import { idempotencyKey } from '../../contracts/headers.ts';
import { requestUser } from '../app1-api.ts';
import { examples, type Program, timeoutOption } from '../base.ts';
import type { Exit } from '../exit-status.ts';
import { ended } from '../outcome.ts';
import { readPassword, refuseExposed } from '../password.ts';
import type { Run, Session } from '../session.ts';
import { by } from '../values.ts';

interface Options {
  humanUser: string;
  passwordStdin?: true;
  password?: string | true;
  idempotencyKey?: string;
  wait: boolean;
  timeout: number;
}

export async function create(session: Session, name: string, options: Options): Promise<Exit> {
  refuseExposed(options.password, session.environment);
  const password = await readPassword(session.terminal, options.passwordStdin === true);
  const user = { username: name, password, human_user_id: options.humanUser };
  session.progress.say(`Asking for ${name} at ${session.connection.where}`);
  // With a key of its own, a request whose answer was lost can be sent again.
  const started = await requestUser(session, user, options.idempotencyKey ?? randomUUID());
  return ended(session, started, options);
}

export const addCreate = (program: Program, run: Run) =>
  program
    .command('create')
    .summary('have a service user made')
    .description(
      'Asks App1 for a service user and waits for the end. The password is asked for, or read from standard input: it is never an argument.',
    )
    .argument('<username>', 'name of the service user', by(username))
    .requiredOption('--human-user <id>', 'the person in whose name the service user acts', by(humanUserId))
    .option('--password-stdin', 'read the password from standard input')
    .option(
      '--idempotency-key <key>',
      'the same key with the same request is the same provisioning, however often it is sent',
      by(idempotencyKey),
    )
    .option('--no-wait', 'do not wait for the end')
    .addOption(timeoutOption('how long to wait'))
    .addOption(new Option('--password [password]').hideHelp())
    .addHelpText(
      'after',
      examples(
        ['asks for the password', 'create reports --human-user h-1815'],
        [
          'from a password manager, for a script',
          'create reports --human-user h-1815 --password-stdin --json < password',
        ],
        ['sent twice, made once', 'create reports --human-user h-1815 --idempotency-key order-4711'],
      ),
    )
    .action((name, options, command) => run(command, (session) => create(session, name, options)));
