import { KMSClient } from '@aws-sdk/client-kms';
import * as z from 'zod';
import { cancelledCreationInput, userCreationInput } from '../../contracts/executions.ts';
import { meetsPolicy } from '../../contracts/password-policy.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { StepError } from '../shared/errors.ts';
import { step } from '../shared/step.ts';
import { decryptPassword } from './credentials.ts';
import { environments } from './environments.ts';

interface Services {
  kms: Pick<KMSClient, 'send'>;
  environment: z.infer<(typeof environments)['decrypt-credentials']>;
  now: () => number;
}

/** Whether the definition can wait for a turn; the one of the release before cannot. */
const told = { can_wait: z.boolean().default(false) };

export const decryptCredentialsInput = z.union([
  userCreationInput.extend(told),
  cancelledCreationInput.extend(told),
]);

/**
 * Proves that the credentials decrypt and that the pool will take them, before anything is made. Returns nothing.
 * A creation that was cancelled before it arrived ends here; one whose turn has not come waits from here on, which it
 * says by an error, because a choice would be one more transition for every creation.
 * @throws Cancelled, CredentialsRejected, PasswordRejected, TurnNotCome
 */
export const decryptCredentials =
  ({ kms, environment, now }: Services) =>
  async (input: z.infer<typeof decryptCredentialsInput>): Promise<Record<string, never>> => {
    if ('cancelled' in input)
      throw new StepError('Cancelled', 'The creation was cancelled before it was requested.');
    const password = await decryptPassword(kms, environment.KEY_ARN, input);
    if (!meetsPolicy(password, environment.PASSWORD_POLICY))
      throw new StepError('PasswordRejected', "The password does not meet the pool's policy.");
    if (input.can_wait && Date.parse(input.not_before ?? '') > now())
      throw new StepError('TurnNotCome', `The turn of this creation comes at ${input.not_before}.`);
    return {};
  };

export const handler = step(
  decryptCredentialsInput,
  decryptCredentials({
    kms: stepClient(KMSClient),
    environment: readEnvironment(environments['decrypt-credentials']),
    now: Date.now,
  }),
);
