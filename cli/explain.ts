import { CliError } from './cli-error.ts';
import { isCheckout } from './support/paths.ts';

/** Names of errors of the SDK that are the same for all services. */
const NO_CREDENTIALS = [
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'TokenProviderError',
  'UnrecognizedClientException',
];
const ACCESS_DENIED = ['AccessDenied', 'AccessDeniedException', 'AuthorizationError', 'NotAuthorized'];
const THROTTLED = ['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'RequestLimitExceeded'];

/** Whether AWS has rejected a call because a permission is missing. */
export const isAccessDenied = (error: unknown): boolean =>
  error instanceof Error && ACCESS_DENIED.includes(error.name);

/** Maps any error to one that states the cause and the remedy for the user of the command. It contains AWS's own message. */
export function explain(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (!(error instanceof Error)) return unexpectedError('A value was thrown that is not an Error.');
  const { name, message } = error;
  if (name === 'CommandError' && 'remedy' in error)
    return new CliError('unreachable', 'NOT_DEPLOYED', message, String(error.remedy));
  if (NO_CREDENTIALS.includes(name))
    return new CliError(
      'unreachable',
      'NO_CREDENTIALS',
      `There are no valid credentials for AWS: ${message}`,
      'Sign in (`aws sso login --profile …`, `aws configure`), or name another profile with `--profile`.',
    );
  if (isAccessDenied(error))
    return new CliError(
      'unreachable',
      'ACCESS_DENIED',
      `AWS denies access: ${message}`,
      'Use a profile that has this permission (`--profile`), or have it granted to yours. docs/cli.md lists the permissions.',
    );
  if (THROTTLED.includes(name))
    return new CliError(
      'unreachable',
      'THROTTLED',
      `AWS throttles the calls: ${message}`,
      'Try again in a minute.',
    );
  if (/region is missing/i.test(message))
    return new CliError(
      'usage',
      'NO_REGION',
      'No region of AWS is set.',
      'Use `--region`, or set AWS_REGION.',
    );
  const code = connectionErrorOf(error);
  if (code !== undefined)
    return new CliError(
      'unreachable',
      'NOT_REACHABLE',
      `There is no connection (${code}).`,
      isCheckout ? 'Check the network. `npm run up` starts the local AWS again.' : 'Check the network.',
    );
  return unexpectedError(`${name}: ${message}`);
}

const unexpectedError = (message: string) =>
  new CliError('unexpected', 'UNEXPECTED', message, 'Report it, with the command that you ran.');

/** The error code of Node for a failed connection. `fetch` has it in `cause`. */
function connectionErrorOf(error: Error): string | undefined {
  if (['TimeoutError', 'AbortError'].includes(error.name)) return error.name;
  if ('code' in error && typeof error.code === 'string' && /^(E[A-Z]+|UND_ERR_\w+)$/.test(error.code))
    return error.code;
  return error.cause instanceof Error ? connectionErrorOf(error.cause) : undefined;
}
