import {
  AdminCreateUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import * as z from 'zod';
import { userCreationInput } from '../../contracts/executions.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { isNamed, StepError } from '../shared/errors.ts';
import { step } from '../shared/step.ts';
import { environments } from './environments.ts';
import { findUser, HUMAN_USER_ID, poolUser, STAMP } from './pool-user.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  environment: z.infer<(typeof environments)['create-user']>;
}

export const createUserInput = z.strictObject(
  userCreationInput.pick({ provisioning_id: true, username: true, human_user_id: true }).shape,
);

/**
 * Creates the user, stamped with its provisioning, without a password and without a message to anybody.
 * A user of this name that carries the stamp is the work of an earlier attempt whose answer was lost.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser.html
 * @throws UserAlreadyExists
 */
export const createUser =
  ({ cognito, environment }: Services) =>
  async (input: z.infer<typeof createUserInput>): Promise<{ sub: string }> => {
    try {
      const { User } = await cognito.send(
        new AdminCreateUserCommand({
          UserPoolId: environment.USER_POOL_ID,
          Username: input.username,
          MessageAction: 'SUPPRESS',
          UserAttributes: [
            { Name: STAMP, Value: input.provisioning_id },
            { Name: HUMAN_USER_ID, Value: input.human_user_id },
          ],
        }),
      );
      return { sub: poolUser(User?.Attributes).sub };
    } catch (error) {
      if (!isNamed(error, 'UsernameExistsException')) throw error;
    }
    const existing = await findUser(cognito, environment.USER_POOL_ID, input.username);
    if (existing === undefined)
      throw new StepError(
        'ServiceUnavailable',
        'The name is taken, but by a user that cannot be seen yet or any more.',
      );
    if (existing.stamp !== input.provisioning_id)
      throw new StepError(
        'UserAlreadyExists',
        'The name belongs to a user that this provisioning did not make.',
      );
    return { sub: existing.sub };
  };

export const handler = step(
  createUserInput,
  createUser({
    cognito: stepClient(CognitoIdentityProviderClient),
    environment: readEnvironment(environments['create-user']),
  }),
);
