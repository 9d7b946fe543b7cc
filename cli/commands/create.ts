import { randomUUID } from 'node:crypto';
import { Option } from '@commander-js/extra-typings';
import { requestedTargets } from '../../contracts/app1-api.ts';
import { humanUserId, username } from '../../contracts/fields.ts';
import { idempotencyKey } from '../../contracts/headers.ts';
import { requestUser } from '../app1-api.ts';
import { examples, type Program, timeoutOption } from '../base.ts';
import type { Exit } from '../exit-status.ts';
import { reportOutcome } from '../outcome.ts';
import { readPassword, refuseExposedPassword } from '../password.ts';
import type { Run, Session } from '../session.ts';
import { by, byEach } from '../values.ts';

interface Options {
  humanUser: string;
  target?: string[];
  passwordStdin?: true;
  password?: string | true;
  idempotencyKey?: string;
  wait: boolean;
  timeout: number;
}

export async function create(session: Session, name: string, options: Options): Promise<Exit> {
  refuseExposedPassword(options.password, session.environment);
  const password = await readPassword(session.terminal, options.passwordStdin === true);
  const user = {
    username: name,
    password,
    human_user_id: options.humanUser,
    ...(options.target === undefined ? {} : { targets: options.target }),
  };
  session.progress.update(`Requesting ${name} at ${session.connection.displayName}`);
  // With an idempotency key, a request without a response can be sent again.
  const started = await requestUser(session, user, options.idempotencyKey ?? randomUUID());
  return reportOutcome(session, started, options);
}

export const addCreate = (program: Program, run: Run) =>
  program
    .command('create')
    .summary('create a service user')
    .description(
      'Requests a service user from App1 and waits until the provisioning has finished. The password is read from a prompt or from standard input; it is never an argument.',
    )
    .argument('<username>', 'name of the service user', by(username))
    .requiredOption('--human-user <id>', 'the person on whose behalf the service user acts', by(humanUserId))
    .option(
      '--target <name>',
      "a target at which the user is created; repeat it for several (default: App1's)",
      byEach(requestedTargets),
    )
    .option('--password-stdin', 'read the password from standard input')
    .option(
      '--idempotency-key <key>',
      'repeats of a request with the same key are one provisioning',
      by(idempotencyKey),
    )
    .option('--no-wait', 'do not wait until it has finished')
    .addOption(timeoutOption('how long to wait'))
    .addOption(new Option('--password [password]').hideHelp())
    .addHelpText(
      'after',
      examples(
        ['with a prompt for the password', 'create reports --human-user h-1815'],
        ['at another target than the default', 'create reports --human-user h-1815 --target payments'],
        [
          'at several targets, all or nothing',
          'create reports --human-user h-1815 --target app2 --target payments',
        ],
        [
          'from a password manager, for a script',
          'create reports --human-user h-1815 --password-stdin --json < password',
        ],
        [
          'idempotent, so that it can be sent again',
          'create reports --human-user h-1815 --idempotency-key order-4711',
        ],
      ),
    )
    .action((name, options, command) => run(command, (session) => create(session, name, options)));
