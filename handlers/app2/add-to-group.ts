import {
  AdminAddUserToGroupCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { groups } from '../../contracts/app2-api.ts';
import { storedProvisioningId } from '../../contracts/stored.ts';
import { invokeClient, stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { StepError } from '../shared/errors.ts';
import { type Clock, systemClock } from '../shared/executions.ts';
import { step } from '../shared/step.ts';
import { environments } from './environments.ts';
import { orVanished } from './pool-user.ts';
import { redriveCount, refuseRedriven } from './redriven.ts';
import { type Turns, turns } from './turns.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  /** Turns for this call, which has the narrowest quota of all. */
  turns: Pick<Turns, 'take'>;
  clock: Clock;
  environment: z.infer<(typeof environments)['add-to-group']>;
}

export const addToGroupInput = z.object({
  provisioning_id: storedProvisioningId,
  sub: z.string().min(1),
  redrive_count: redriveCount,
});

/** How far away a turn may be, in seconds, so that the function waits for it; with the call less than it may run. */
const LONGEST_WAIT = 6;

/**
 * Lets the user use the business endpoints. What began with equal pauses comes here without them, so the pauses are
 * made again: a call that Cognito refuses has to be made twice, at a time when the next ones come. Adding it again changes nothing.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminAddUserToGroup.html
 * @throws RedriveRefused, UserVanished, ServiceThrottled
 */
export const addToGroup =
  ({ cognito, turns: row, clock, environment }: Services) =>
  async (input: z.infer<typeof addToGroupInput>): Promise<Record<string, never>> => {
    refuseRedriven(input.redrive_count);
    const turn = await row.take();
    if (turn === undefined)
      throw new StepError('ServiceThrottled', 'More users come here than Cognito lets through.');
    const early = turn - clock.now();
    if (early > 0) await clock.sleep(early);
    await cognito
      .send(
        new AdminAddUserToGroupCommand({
          UserPoolId: environment.USER_POOL_ID,
          Username: input.sub,
          GroupName: groups.serviceUser,
        }),
      )
      .catch((error: unknown) => {
        throw orVanished(error);
      });
    return {};
  };

const environment = readEnvironment(environments['add-to-group']);

export const handler = step(
  addToGroupInput,
  addToGroup({
    cognito: stepClient(CognitoIdentityProviderClient),
    turns: turns({
      dynamoDb: invokeClient(DynamoDBClient, 1),
      tableName: environment.TURNS_TABLE,
      name: 'group-changes',
      perSecond: environment.GROUP_CHANGES_PER_SECOND,
      longest: LONGEST_WAIT,
      now: systemClock.now,
    }),
    clock: systemClock,
    environment,
  }),
);
