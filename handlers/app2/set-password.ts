import {
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { KMSClient } from '@aws-sdk/client-kms';
import * as z from 'zod';
import { userCreationInput } from '../../contracts/executions.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { hasErrorName, StepError } from '../shared/errors.ts';
import { redriveCount, refuseRedriven } from '../shared/redriven.ts';
import { step } from '../shared/step.ts';
import { decryptPassword } from './lib/decrypt-password.ts';
import { environments } from './lib/environments.ts';
import { mapUserNotFound } from './lib/pool-user.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  kms: Pick<KMSClient, 'send'>;
  environment: z.infer<(typeof environments)['set-password']>;
}

export const setPasswordInput = z.object({
  ...userCreationInput.pick({ provisioning_id: true, username: true, encrypted_password: true }).shape,
  sub: z.string().min(1),
  redrive_count: redriveCount,
});

/**
 * Sets the caller's password as permanent, which makes the user CONFIRMED. Only this step and DecryptCredentials have the
 * plaintext in memory. Cognito refuses a password with InvalidPasswordException (policy) or InvalidParameterException
 * (pattern).
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminSetUserPassword.html
 * @throws RedriveRefused, CredentialsRejected, PasswordRejected, UserNotFound
 */
export const setPassword =
  ({ cognito, kms, environment }: Services) =>
  async (input: z.infer<typeof setPasswordInput>): Promise<Record<string, never>> => {
    refuseRedriven(input.redrive_count);
    const password = await decryptPassword(kms, environment, input);
    await cognito
      .send(
        new AdminSetUserPasswordCommand({
          UserPoolId: environment.USER_POOL_ID,
          Username: input.sub,
          Password: password,
          Permanent: true,
        }),
      )
      .catch((error: unknown) => {
        // Only the password can be invalid: pool and user are ids of AWS.
        if (hasErrorName(error, 'InvalidPasswordException', 'InvalidParameterException'))
          throw new StepError('PasswordRejected', "The password does not meet the pool's policy.");
        throw mapUserNotFound(error);
      });
    return {};
  };

export const handler = step(
  setPasswordInput,
  setPassword({
    cognito: stepClient(CognitoIdentityProviderClient),
    kms: stepClient(KMSClient),
    environment: readEnvironment(environments['set-password']),
  }),
);
