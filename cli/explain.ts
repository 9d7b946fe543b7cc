import { CliError } from './cli-error.ts';

/** Errors of the SDK by their name, when no service is named by them. */
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
const NO_RIGHT = ['AccessDenied', 'AccessDeniedException', 'AuthorizationError', 'NotAuthorized'];
const BUSY = ['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'RequestLimitExceeded'];

/** Whether AWS has refused a call for want of a right. */
export const isRefused = (error: unknown): boolean => error instanceof Error && NO_RIGHT.includes(error.name);

/** Says of any error what it means for who typed the command. What a service said of itself is repeated. */
export function explain(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (!(error instanceof Error)) return unforeseen('Something was thrown that is not an error.');
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
  if (isRefused(error))
    return new CliError(
      'unreachable',
      'NO_RIGHT',
      `AWS refuses it: ${message}`,
      'Use a profile that has this right (`--profile`), or have it given to yours. docs/cli.md says which are needed.',
    );
  if (BUSY.includes(name))
    return new CliError(
      'unreachable',
      'BUSY',
      `AWS is asked too often: ${message}`,
      'Try again in a minute.',
    );
  if (/region is missing/i.test(message))
    return new CliError(
      'usage',
      'NO_REGION',
      'It is not said which region of AWS to use.',
      'Say `--region`, or set AWS_REGION.',
    );
  const code = connectionErrorOf(error);
  if (code !== undefined)
    return new CliError(
      'unreachable',
      'NOT_REACHABLE',
      `There is no connection (${code}).`,
      'Check the network; for the local AWS, `npm run up` brings it up again.',
    );
  return unforeseen(`${name}: ${message}`);
}

const unforeseen = (message: string) =>
  new CliError('unexpected', 'UNEXPECTED', message, 'Report it, with the command that you typed.');

/** The code that Node gives a failed connection, also where `fetch` hides it. */
function connectionErrorOf(error: Error): string | undefined {
  if (['TimeoutError', 'AbortError'].includes(error.name)) return error.name;
  if ('code' in error && typeof error.code === 'string' && /^(E[A-Z]+|UND_ERR_\w+)$/.test(error.code))
    return error.code;
  return error.cause instanceof Error ? connectionErrorOf(error.cause) : undefined;
}
