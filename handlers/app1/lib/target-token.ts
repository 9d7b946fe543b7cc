import {
  type CognitoIdentityProviderClient,
  InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type MachineCredentials, machineCredentials } from '../../../contracts/app2-api.ts';
import { jsonText } from '../../../contracts/json-text.ts';
import { TOKEN_RENEWAL_SECONDS } from '../../../contracts/time-limits.ts';
import { hasErrorName, StepError } from '../../shared/errors.ts';
import { count } from '../../shared/metrics.ts';
import { secretHash } from '../../shared/secret-hash.ts';
import { asTargetOutage } from './target-outage.ts';

/** An access token of the target, and its expiry in milliseconds since the epoch. */
export interface TargetToken {
  value: string;
  expiresAt: number;
}

export interface TokenSource {
  /**
   * Returns a token that is valid for at least another minute.
   * @param refused a token that the target has refused, which is not returned again
   * @throws TargetAuthenticationFailed if the target refuses the machine user; TargetUnavailable for transient errors
   */
  get(refused?: TargetToken): Promise<TargetToken>;
}

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  secretsManager: Pick<SecretsManagerClient, 'send'>;
  clientId: string;
  secretArn: string;
  now: () => number;
}

/**
 * Signs in to the target, and caches token and credentials in the memory of the execution environment only. One sign-in serves
 * all provisionings until the token expires (Cognito allows 10 sign-ins per second and user).
 * docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
 */
export function tokenSource({ cognito, secretsManager, clientId, secretArn, now }: Services): TokenSource {
  let token: TargetToken | undefined;
  let credentials: MachineCredentials | undefined;

  const readCredentials = async (): Promise<MachineCredentials> => {
    const { SecretString } = await secretsManager
      .send(new GetSecretValueCommand({ SecretId: secretArn }))
      .catch((error: unknown) => {
        throw asTargetOutage("The target's secret", error, TRANSIENT);
      });
    const result = jsonText.pipe(machineCredentials).safeParse(SecretString);
    if (!result.success)
      throw new StepError(
        'TargetAuthenticationFailed',
        "The secret does not contain the machine user's credentials.",
      );
    return result.data;
  };

  const signIn = async ({ username, password, client_secret }: MachineCredentials): Promise<TargetToken> => {
    const { AuthenticationResult } = await cognito
      .send(
        new InitiateAuthCommand({
          AuthFlow: 'USER_PASSWORD_AUTH',
          ClientId: clientId,
          AuthParameters: {
            USERNAME: username,
            PASSWORD: password,
            SECRET_HASH: secretHash(username, clientId, client_secret),
          },
        }),
      )
      .catch((error: unknown) => {
        if (isLockedOut(error)) throw new StepError('TargetUnavailable', 'The machine user is locked out.');
        throw asTargetOutage("The target's sign-in", error, TRANSIENT);
      });
    const { AccessToken, ExpiresIn } = AuthenticationResult ?? {};
    if (AccessToken === undefined || ExpiresIn === undefined)
      throw new StepError(
        'TargetAuthenticationFailed',
        'InitiateAuth returned a challenge instead of a token.',
      );
    return { value: AccessToken, expiresAt: now() + ExpiresIn * 1000 };
  };

  return {
    async get(refused) {
      const usable =
        token !== undefined && token !== refused && token.expiresAt - now() > TOKEN_RENEWAL_SECONDS * 1000;
      count(usable ? 'targetTokenHits' : 'targetTokenMisses');
      if (token !== undefined && usable) return token;
      const wereCached = credentials !== undefined;
      credentials ??= await readCredentials();
      try {
        token = await signIn(credentials);
      } catch (error) {
        if (!hasErrorName(error, 'NotAuthorizedException', 'UserNotFoundException')) throw error;
        credentials = undefined;
        // Cached credentials may have been rotated: read them again, once.
        if (!wereCached)
          throw new StepError('TargetAuthenticationFailed', 'The target did not accept the machine user.');
        credentials = await readCredentials();
        token = await signIn(credentials).catch((again: unknown) => {
          credentials = undefined;
          if (!hasErrorName(again, 'NotAuthorizedException', 'UserNotFoundException')) throw again;
          throw new StepError('TargetAuthenticationFailed', 'The target did not accept the machine user.');
        });
      }
      return token;
    },
  };
}

/**
 * Transient failures: no response, an internal error, throttling. The lock-out after wrong passwords is transient, too: it
 * lasts at most 15 minutes. Every other refusal of the machine user is permanent.
 * docs.aws.amazon.com/cognito/latest/developerguide/authentication.html (lockout behavior)
 */
const TRANSIENT = ['ServiceUnavailable', 'ServiceThrottled'];

const isLockedOut = (error: unknown): boolean =>
  hasErrorName(error, 'NotAuthorizedException') && /attempts exceeded/i.test(error.message);
