import {
  AdminAddUserToGroupCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import * as z from 'zod';
import { groups } from '../../contracts/app2-api.ts';
import { provisioningId } from '../../contracts/fields.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { step } from '../shared/step.ts';
import { environments } from './environments.ts';
import { orVanished } from './pool-user.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  environment: z.infer<(typeof environments)['add-to-group']>;
}

export const addToGroupInput = z.object({ provisioning_id: provisioningId, sub: z.string().min(1) });

/**
 * Lets the user use the business endpoints. Adding it again changes nothing.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminAddUserToGroup.html
 * @throws UserVanished
 */
export const addToGroup =
  ({ cognito, environment }: Services) =>
  async (input: z.infer<typeof addToGroupInput>): Promise<Record<string, never>> => {
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

export const handler = step(
  addToGroupInput,
  addToGroup({
    cognito: stepClient(CognitoIdentityProviderClient),
    environment: readEnvironment(environments['add-to-group']),
  }),
);
