import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import type * as z from 'zod';
import { anyCreationInput } from '../../contracts/executions.ts';
import { meetsPolicy } from '../../contracts/password-policy.ts';
import { invokeClient, stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { StepError } from '../shared/errors.ts';
import { step } from '../shared/step.ts';
import {
  type CreationLimiter,
  callerOf,
  creationLimiter,
  RATE_LIMITS_SECONDS,
} from './lib/creation-limiter.ts';
import { decryptPassword } from './lib/decrypt-password.ts';
import { environments } from './lib/environments.ts';

interface Services {
  kms: Pick<KMSClient, 'send'>;
  limiter: Pick<CreationLimiter, 'reserve'>;
  environment: z.infer<(typeof environments)['decrypt-credentials']>;
}

/**
 * Checks that the credentials decrypt and that the pool will accept the password, before the user is created. Only then it
 * reserves the start time, so that a request that cannot succeed does not occupy the queue. A creation that was cancelled
 * before its request arrived fails here.
 * @throws Cancelled, CredentialsRejected, PasswordRejected, CreationDeferred
 */
export const decryptCredentials =
  ({ kms, limiter, environment }: Services) =>
  async (input: z.infer<typeof anyCreationInput>): Promise<{ start_at: string }> => {
    if ('cancelled' in input)
      throw new StepError('Cancelled', 'The creation was cancelled before it was requested.');
    const password = await decryptPassword(kms, environment, input);
    if (!meetsPolicy(password, environment.PASSWORD_POLICY))
      throw new StepError('PasswordRejected', "The password does not meet the pool's policy.");
    const start = await limiter.reserve({ id: input.creation_id, caller: callerOf(input) });
    return { start_at: new Date(start).toISOString() };
  };

const environment = readEnvironment(environments['decrypt-credentials']);

export const handler = step(
  anyCreationInput,
  decryptCredentials({
    kms: stepClient(KMSClient),
    limiter: creationLimiter({
      dynamoDb: invokeClient(DynamoDBClient, RATE_LIMITS_SECONDS),
      environment,
      now: Date.now,
    }),
    environment,
  }),
);
