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
import { currentStatus, latestRollBack, type Machines, presenceAfterRollBack } from '../shared/roll-backs.ts';
import { step } from '../shared/step.ts';
import { environments } from './lib/environments.ts';
import {
  CREATION_ID_ATTRIBUTE,
  findUser,
  HUMAN_USER_ID_ATTRIBUTE,
  isCreatedBy,
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
 * Creates the user with the ownership stamp, without a password and without an invitation message. An existing user with
 * the stamp of this generation was created by an earlier attempt whose response was lost. A user of another generation
 * belongs to an earlier provisioning with the same provisioning_id.
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
        throw new StepError('UsernameRejected', 'The pool does not accept this username.');
      if (!hasErrorName(error, 'UsernameExistsException')) throw error;
    }
    const existing = await findUser(cognito, environment.USER_POOL_ID, input.username);
    if (existing === undefined)
      throw new StepError(
        'ServiceUnavailable',
        'The name is in use, but AdminGetUser does not find its user: not yet, or not any more.',
      );
    if (isCreatedBy(existing, input)) return { sub: existing.sub };
    if (await isBeingRemoved(stepFunctions, environment, existing))
      throw new StepError('UserBeingRemoved', 'The name belongs to a user that is being removed.');
    throw new StepError('UserAlreadyExists', 'The name belongs to a user of another provisioning.');
  };

/**
 * Cognito names the invalid parameter only in the message: "Value at 'username' failed to satisfy constraint", "Username
 * cannot be of email format". Another invalid parameter is a defect of this system.
 */
const isAboutUsername = (error: unknown): boolean =>
  error instanceof Error && /\busername\b/i.test(error.message);

/**
 * Whether the existing user's own provisioning is being compensated, so that the name becomes free. If the record of its
 * creation has expired, or belongs to another generation, the status of its roll-back decides.
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
  return rollBack !== undefined && presenceAfterRollBack(rollBack) === 'being_removed';
}

export const handler = step(
  createUserInput,
  createUser({
    cognito: stepClient(CognitoIdentityProviderClient),
    stepFunctions: stepClient(SFNClient),
    environment: readEnvironment(environments['create-user']),
  }),
);
