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
  'Run it again: it creates new credentials and removes every former machine user. See docs/runbooks/credentials-leaked.md.';

export async function revokeMachineCredentials({ connection, progress, print }: Session): Promise<Exit> {
  progress.update(`Revoking App1's credentials at App2 at ${connection.displayName}`);
  // A retry of a call without a response would rotate once more. The operator decides.
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
          'The function that revokes credentials is not in this account and region.',
          'Use the profile and region of App2, or deploy App2 with this release.',
        );
      throw error;
    });
  const payload: unknown = JSON.parse(Payload?.transformToString() ?? 'null');
  if (FunctionError !== undefined) {
    const { errorType, errorMessage } = failure.parse(payload);
    throw new CliError('failed', 'NOT_REVOKED', `The function failed: ${errorType}: ${errorMessage}`, REMEDY);
  }
  const revoked = revokedCredentials.parse(payload);
  print(
    revoked,
    [
      `✔ New credentials are in use (version ${revoked.version_id} of the secret).`,
      `  Former machine users disabled and removed: ${revoked.removed_users}. None remains.`,
      '  Tokens of a former machine user expire within 16 minutes.',
    ].join('\n'),
  );
  return 'ok';
}

export const addRevokeMachineCredentials = (program: Program, run: Run) =>
  program
    .command('revoke-machine-credentials')
    .summary("replace App1's credentials at App2 after a leak")
    .description(
      "For operators of App2, when App1's credentials may have leaked. Gives App1 new credentials, then disables and removes every former machine user. No request of App1 fails. It can be run again at any time.",
    )
    .addHelpText('after', examples(['after a leak', 'revoke-machine-credentials']))
    .action((_options, command) => run(command, revokeMachineCredentials));
