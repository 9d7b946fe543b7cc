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
import { findUser, isMadeBy } from './lib/pool-user.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  environment: z.infer<(typeof environments)['delete-user']>;
  now: () => number;
}

export const deleteUserInput = z.object({
  ...userCreationInput.pick({ provisioning_id: true, creation_id: true, username: true }).shape,
  /** The user's `sub`; null when the creation's answer is not known. */
  sub: z.string().min(1).nullable(),
  /** Whether an attempt to create the user may still be under way: its user may appear after this look. */
  creation_in_flight: z.boolean(),
  /** Whether Cognito has refused the only attempt to create the user, so that there is nothing to wait for. */
  creation_refused: z.boolean().default(false),
  /** When the undo began; the same for each of its attempts. */
  entered_at: z.iso.datetime({ offset: true }),
});

/**
 * Undoes CreateUser: removes the user that this generation of the provisioning has made, and no other.
 *
 * "Not found" is no proof. Reads lag and calls land late, so absence counts only when it is seen after the longest
 * time that a call can be in flight; until then the step asks to be repeated. A creation that was refused is looked for
 * once: nothing was made, and nothing is in flight.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminDeleteUser.html
 * @throws AbsenceNotConfirmed
 */
export const deleteUser =
  ({ cognito, environment, now }: Services) =>
  async (input: z.infer<typeof deleteUserInput>): Promise<Record<string, never>> => {
    const userPoolId = environment.USER_POOL_ID;

    const removeIfMine = async (nameOrSub: string): Promise<boolean> => {
      const user = await findUser(cognito, userPoolId, nameOrSub);
      if (user === undefined || !isMadeBy(user, input)) return false;
      try {
        await cognito.send(new AdminDeleteUserCommand({ UserPoolId: userPoolId, Username: user.sub }));
        return true;
      } catch (error) {
        if (hasErrorName(error, 'UserNotFoundException')) return false;
        throw error;
      }
    };

    const removed = input.sub !== null && (await removeIfMine(input.sub));
    if (removed && !input.creation_in_flight) return {};
    const removedByName = await removeIfMine(input.username);
    if (removedByName && !input.creation_in_flight) return {};
    if (input.creation_refused) return {};
    const elapsed = now() - Date.parse(input.entered_at);
    if (elapsed < IN_FLIGHT_SECONDS * 1000)
      throw new StepError(
        'AbsenceNotConfirmed',
        'No user is seen, but a call that makes one may still be under way.',
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
