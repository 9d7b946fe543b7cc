import {
  AdminAddUserToGroupCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { storedProvisioningId } from '../../contracts/stored.ts';
import { invokeClient, stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { StepError } from '../shared/errors.ts';
import { type Clock, systemClock } from '../shared/executions.ts';
import { type RateLimiter, rateLimiter } from '../shared/rate-limiter.ts';
import { redriveCount, refuseRedriven } from '../shared/redriven.ts';
import { step } from '../shared/step.ts';
import { environments } from './lib/environments.ts';
import { mapUserNotFound } from './lib/pool-user.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  /** Limiter of AdminAddUserToGroup, the call with the lowest quota. */
  limiter: Pick<RateLimiter, 'reserve'>;
  clock: Clock;
  environment: z.infer<(typeof environments)['add-to-group']>;
}

export const addToGroupInput = z.object({
  provisioning_id: storedProvisioningId,
  sub: z.string().min(1),
  redrive_count: redriveCount,
});

/** Longest delay for which the function sleeps, in seconds; together with the call below its timeout. */
const MAX_DELAY_SECONDS = 6;

/**
 * Adds the user to the group that may call the business endpoints. Idempotent. Creations start at a fixed rate, but reach
 * this step at irregular intervals, so a rate limiter spreads the calls and avoids throttled attempts.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminAddUserToGroup.html
 * @throws RedriveRefused, UserNotFound, ServiceThrottled
 */
export const addToGroup =
  ({ cognito, limiter, clock, environment }: Services) =>
  async (input: z.infer<typeof addToGroupInput>): Promise<Record<string, never>> => {
    refuseRedriven(input.redrive_count);
    const start = await limiter.reserve();
    if (start === undefined)
      throw new StepError('ServiceThrottled', 'The quota of Cognito for group changes is used up.');
    const delay = start - clock.now();
    if (delay > 0) await clock.sleep(delay);
    await cognito
      .send(
        new AdminAddUserToGroupCommand({
          UserPoolId: environment.USER_POOL_ID,
          Username: input.sub,
          GroupName: environment.SERVICE_USER_GROUP,
        }),
      )
      .catch((error: unknown) => {
        throw mapUserNotFound(error);
      });
    return {};
  };

const environment = readEnvironment(environments['add-to-group']);

export const handler = step(
  addToGroupInput,
  addToGroup({
    cognito: stepClient(CognitoIdentityProviderClient),
    limiter: rateLimiter({
      dynamoDb: invokeClient(DynamoDBClient, 1),
      tableName: environment.RATE_LIMITS_TABLE,
      name: 'group-changes',
      perSecond: environment.GROUP_CHANGES_PER_SECOND,
      maxDelaySeconds: MAX_DELAY_SECONDS,
      now: systemClock.now,
    }),
    clock: systemClock,
    environment,
  }),
);
