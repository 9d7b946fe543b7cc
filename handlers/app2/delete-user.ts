import {
  AdminDeleteUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import * as z from 'zod';
import { userCreationInput } from '../../contracts/executions.ts';
import { IN_FLIGHT_SECONDS } from '../../contracts/time-limits.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { hasErrorName, StepError } from '../shared/errors.ts';
import { step } from '../shared/step.ts';
import { environments } from './lib/environments.ts';
import { findUser, isCreatedBy } from './lib/pool-user.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  environment: z.infer<(typeof environments)['delete-user']>;
  now: () => number;
}

export const deleteUserInput = z.object({
  ...userCreationInput.pick({ provisioning_id: true, creation_id: true, username: true }).shape,
  /** The user's `sub`; null if the response of CreateUser was lost. */
  sub: z.string().min(1).nullable(),
  /** Whether a call that creates the user may be in flight, so that the user may appear later. */
  creation_in_flight: z.boolean(),
  /** Whether Cognito refused the only attempt to create the user, so that no wait is needed. */
  creation_refused: z.boolean().default(false),
  /** Time at which the execution entered the state; equal for all attempts. */
  entered_at: z.iso.datetime({ offset: true }),
});

/**
 * Compensates CreateUser: deletes the user of this generation of the provisioning, and no other user.
 *
 * "Not found" does not prove absence: reads are eventually consistent, and a call can be in flight. So absence counts only
 * after the longest time that a call can be in flight; until then the step fails and is retried. After a refused creation
 * one check is enough.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminDeleteUser.html
 * @throws AbsenceNotConfirmed
 */
export const deleteUser =
  ({ cognito, environment, now }: Services) =>
  async (input: z.infer<typeof deleteUserInput>): Promise<Record<string, never>> => {
    const userPoolId = environment.USER_POOL_ID;

    const deleteIfOwn = async (nameOrSub: string): Promise<boolean> => {
      const user = await findUser(cognito, userPoolId, nameOrSub);
      if (user === undefined || !isCreatedBy(user, input)) return false;
      try {
        await cognito.send(new AdminDeleteUserCommand({ UserPoolId: userPoolId, Username: user.sub }));
        return true;
      } catch (error) {
        if (hasErrorName(error, 'UserNotFoundException')) return false;
        throw error;
      }
    };

    const deletedBySub = input.sub !== null && (await deleteIfOwn(input.sub));
    if (deletedBySub && !input.creation_in_flight) return {};
    const deletedByName = await deleteIfOwn(input.username);
    if (deletedByName && !input.creation_in_flight) return {};
    if (input.creation_refused) return {};
    const elapsed = now() - Date.parse(input.entered_at);
    if (elapsed < IN_FLIGHT_SECONDS * 1000)
      throw new StepError(
        'AbsenceNotConfirmed',
        'The user was not found, but a call in flight may still create it.',
      );
    return {};
  };

export const handler = step(
  deleteUserInput,
  deleteUser({
    cognito: stepClient(CognitoIdentityProviderClient),
    environment: readEnvironment(environments['delete-user']),
    now: Date.now,
  }),
);
