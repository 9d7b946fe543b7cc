import {
  AdminCreateUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { userCreationInput } from '../../contracts/executions.ts';
import { provisioningId } from '../../contracts/fields.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { isNamed, StepError } from '../shared/errors.ts';
import { currentStatus, type Machines } from '../shared/roll-backs.ts';
import { step } from '../shared/step.ts';
import { environments } from './environments.ts';
import { findUser, HUMAN_USER_ID, type PoolUser, poolUser, STAMP } from './pool-user.ts';
import { redriveCount, refuseRedriven } from './redriven.ts';
import { creations, findCreation } from './user-creation.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  stepFunctions: Pick<SFNClient, 'send'>;
  environment: z.infer<(typeof environments)['create-user']>;
}

export const createUserInput = z.object({
  ...userCreationInput.pick({ provisioning_id: true, username: true, human_user_id: true }).shape,
  redrive_count: redriveCount,
});

/**
 * Creates the user, stamped with its provisioning, without a password and without a message to anybody.
 * A user of this name that carries the stamp is the work of an earlier attempt whose answer was lost.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser.html
 * @throws RedriveRefused, UsernameRejected, UserAlreadyExists, UserBeingRemoved
 */
export const createUser =
  ({ cognito, stepFunctions, environment }: Services) =>
  async (input: z.infer<typeof createUserInput>): Promise<{ sub: string }> => {
    refuseRedriven(input.redrive_count);
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
      if (isNamed(error, 'InvalidParameterException') && isAboutUsername(error))
        throw new StepError('UsernameRejected', 'The pool does not take this username.');
      if (!isNamed(error, 'UsernameExistsException')) throw error;
    }
    const existing = await findUser(cognito, environment.USER_POOL_ID, input.username);
    if (existing === undefined)
      throw new StepError(
        'ServiceUnavailable',
        'The name is taken, but by a user that cannot be seen yet or any more.',
      );
    if (existing.stamp === input.provisioning_id) return { sub: existing.sub };
    if (await isBeingRemoved(stepFunctions, environment, existing))
      throw new StepError('UserBeingRemoved', 'The name belongs to a user that is just being removed.');
    throw new StepError(
      'UserAlreadyExists',
      'The name belongs to a user that this provisioning did not make.',
    );
  };

/**
 * Cognito names the parameter only in its message: "Value at 'username' failed to satisfy constraint", "Username cannot be
 * of email format". Whatever else is invalid is this system's own, as an attribute that the pool does not have.
 */
const isAboutUsername = (error: unknown): boolean =>
  error instanceof Error && /\busername\b/i.test(error.message);

/** Whether a user was made by another provisioning whose undo is at work, so that its name will be free. */
async function isBeingRemoved(
  stepFunctions: Pick<SFNClient, 'send'>,
  machines: Machines,
  { stamp }: PoolUser,
): Promise<boolean> {
  const other = provisioningId.safeParse(stamp);
  if (!other.success) return false;
  const creation = await findCreation(stepFunctions, machines, other.data);
  if (creation === undefined) return false;
  const { user } = await currentStatus(creations(stepFunctions, machines), creation);
  return user === 'being_removed';
}

export const handler = step(
  createUserInput,
  createUser({
    cognito: stepClient(CognitoIdentityProviderClient),
    stepFunctions: stepClient(SFNClient),
    environment: readEnvironment(environments['create-user']),
  }),
);
