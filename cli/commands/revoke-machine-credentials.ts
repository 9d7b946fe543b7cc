import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { revokedCredentials } from '../../contracts/app2-operations.ts';
import { targetName } from '../../contracts/services.ts';
import { hasErrorName } from '../../handlers/shared/errors.ts';
import { functionNamed } from '../../infra/names.ts';
import { examples, type Program } from '../base.ts';
import { CliError } from '../cli-error.ts';
import type { Exit } from '../exit-status.ts';
import type { Run, Session } from '../session.ts';
import { by } from '../values.ts';

/** docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html */
const failure = z.looseObject({ errorType: z.string(), errorMessage: z.string() });

const REMEDY =
  'Run it again: it creates new credentials and removes every former machine user. See docs/runbooks/credentials-leaked.md.';

export async function revokeMachineCredentials(
  { connection, progress, print }: Session,
  { target }: { target: string },
): Promise<Exit> {
  progress.update(`Revoking App1's credentials for ${target} at ${connection.displayName}`);
  // A retry of a call without a response would rotate once more. The operator decides.
  const { FunctionError, Payload } = await connection
    .client(LambdaClient, { maxAttempts: 1 })
    .send(
      new InvokeCommand({
        FunctionName: functionNamed(target, 'revoke-machine-credentials'),
        Payload: JSON.stringify({}),
      }),
    )
    .catch((error: unknown) => {
      if (hasErrorName(error, 'ResourceNotFoundException'))
        throw new CliError(
          'unreachable',
          'NOT_DEPLOYED',
          `The function that revokes credentials of ${target} is not in this account and region.`,
          `Check the name of the target, use the profile and region of ${target}, or deploy it with this release.`,
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
    .summary("replace App1's credentials at a target after a leak")
    .description(
      "For operators of a target, when App1's credentials for it may have leaked. Gives App1 new credentials, then disables and removes every former machine user. No request of App1 fails. It can be run again at any time.",
    )
    .requiredOption('--target <name>', 'the target whose credentials have leaked', by(targetName))
    .addHelpText('after', examples(['after a leak', 'revoke-machine-credentials --target app2']))
    .action((options, command) => run(command, (session) => revokeMachineCredentials(session, options)));
