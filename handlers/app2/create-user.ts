import {
  AdminCreateUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { userCreationInput } from '../../contracts/executions.ts';
import { storedText } from '../../contracts/stored.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { hasErrorName, StepError } from '../shared/errors.ts';
import { redriveCount, refuseRedriven } from '../shared/redriven.ts';
import { currentStatus, latestRollBack, type Machines, presenceAfter } from '../shared/roll-backs.ts';
import { step } from '../shared/step.ts';
import { environments } from './lib/environments.ts';
import {
  CREATION_ID_ATTRIBUTE,
  findUser,
  HUMAN_USER_ID_ATTRIBUTE,
  isMadeBy,
  ON_BEHALF_OF_ATTRIBUTE,
  OWNER_ATTRIBUTE,
  type PoolUser,
  PROVISIONING_ID_ATTRIBUTE,
  poolUser,
} from './lib/pool-user.ts';
import { creations, findCreation, isCancellation } from './lib/user-creation.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  stepFunctions: Pick<SFNClient, 'send'>;
  environment: z.infer<(typeof environments)['create-user']>;
}

export const createUserInput = z.object({
  ...userCreationInput.pick({
    provisioning_id: true,
    creation_id: true,
    username: true,
    human_user_id: true,
    owner: true,
  }).shape,
  on_behalf_of: storedText.nullable(),
  redrive_count: redriveCount,
});

/**
 * Creates the user, stamped with its provisioning and generation, without a password and without a message to anybody.
 * A user of this name that carries both is the work of an earlier attempt whose answer was lost. One of an earlier
 * generation is not: it is somebody's user, who was given it under the same provisioning_id long ago.
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
            { Name: PROVISIONING_ID_ATTRIBUTE, Value: input.provisioning_id },
            { Name: CREATION_ID_ATTRIBUTE, Value: input.creation_id },
            { Name: HUMAN_USER_ID_ATTRIBUTE, Value: input.human_user_id },
            { Name: OWNER_ATTRIBUTE, Value: input.owner },
            ...(input.on_behalf_of === null
              ? []
              : [{ Name: ON_BEHALF_OF_ATTRIBUTE, Value: input.on_behalf_of }]),
          ],
        }),
      );
      return { sub: poolUser(User).sub };
    } catch (error) {
      if (hasErrorName(error, 'InvalidParameterException') && isAboutUsername(error))
        throw new StepError('UsernameRejected', 'The pool does not take this username.');
      if (!hasErrorName(error, 'UsernameExistsException')) throw error;
    }
    const existing = await findUser(cognito, environment.USER_POOL_ID, input.username);
    if (existing === undefined)
      throw new StepError(
        'ServiceUnavailable',
        'The name is taken, but by a user that cannot be seen yet or any more.',
      );
    if (isMadeBy(existing, input)) return { sub: existing.sub };
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

/**
 * Whether a user was made by another provisioning, or generation, whose compensation is at work, so that its name will
 * be free. When the record of its creation has expired, or is one of another generation, its roll-back tells.
 */
async function isBeingRemoved(
  stepFunctions: Pick<SFNClient, 'send'>,
  machines: Machines,
  { stamps: other }: PoolUser,
): Promise<boolean> {
  if (other === undefined) return false;
  const workflows = creations(stepFunctions, machines);
  const creation = await findCreation(stepFunctions, machines, other.provisioning_id);
  if (creation?.parsedInput.creation_id === other.creation_id && !isCancellation(creation)) {
    const status = await currentStatus(workflows, creation);
    return status.user === 'being_removed';
  }
  const rollBack = await latestRollBack(workflows, other);
  return rollBack !== undefined && presenceAfter(rollBack) === 'being_removed';
}

export const handler = step(
  createUserInput,
  createUser({
    cognito: stepClient(CognitoIdentityProviderClient),
    stepFunctions: stepClient(SFNClient),
    environment: readEnvironment(environments['create-user']),
  }),
);
