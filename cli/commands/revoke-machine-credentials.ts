import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { revokedCredentials } from '../../contracts/app2-operations.ts';
import { hasErrorName } from '../../handlers/shared/errors.ts';
import { functionNamed } from '../../infra/names.ts';
import { examples, type Program } from '../base.ts';
import { CliError } from '../cli-error.ts';
import type { Exit } from '../exit-status.ts';
import type { Run, Session } from '../session.ts';

/** docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html */
const failure = z.looseObject({ errorType: z.string(), errorMessage: z.string() });

const REMEDY =
  'Run it again: it makes new credentials again and removes what is left. See docs/runbooks/credentials-leaked.md.';

export async function revokeMachineCredentials({ connection, progress, answer }: Session): Promise<Exit> {
  progress.say(`Revoking App1's credentials at App2 at ${connection.where}`);
  // A repeat of a call whose answer was lost would rotate once more, so it is left to the operator.
  const { FunctionError, Payload } = await connection
    .client(LambdaClient, { maxAttempts: 1 })
    .send(
      new InvokeCommand({
        FunctionName: functionNamed('app2', 'revoke-machine-credentials'),
        Payload: JSON.stringify({}),
      }),
    )
    .catch((error: unknown) => {
      if (hasErrorName(error, 'ResourceNotFoundException'))
        throw new CliError(
          'unreachable',
          'NOT_DEPLOYED',
          'There is no function in this account and region that revokes credentials.',
          'Use the profile and region in which App2 is, or deploy App2 with this release.',
        );
      throw error;
    });
  const told: unknown = JSON.parse(Payload?.transformToString() ?? 'null');
  if (FunctionError !== undefined) {
    const { errorType, errorMessage } = failure.parse(told);
    throw new CliError('bad', 'NOT_REVOKED', `It did not end well: ${errorType}: ${errorMessage}`, REMEDY);
  }
  const revoked = revokedCredentials.parse(told);
  answer(
    revoked,
    [
      `✔ New credentials are in use (version ${revoked.version_id} of the secret).`,
      `  Former machine users disabled and removed: ${revoked.removed_users}. None is left.`,
      '  A token that one of them still holds ends within 16 minutes.',
    ].join('\n'),
  );
  return 'ok';
}

export const addRevokeMachineCredentials = (program: Program, run: Run) =>
  program
    .command('revoke-machine-credentials')
    .summary("make App1's credentials at App2 worthless, and give it new ones")
    .description(
      "For operators of App2, when App1's credentials may be known to somebody. Gives App1 new credentials at once, then disables and removes every former machine user. App1 goes on without a failed request. It may be run again at any time.",
    )
    .addHelpText('after', examples(['after a leak', 'revoke-machine-credentials']))
    .action((_options, command) => run(command, revokeMachineCredentials));
