import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminSetUserPasswordCommand,
  paginateListUsers,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import { newPassword } from '../../e2e/support/deployed.ts';
import { system, targetOutputs } from './deployed.ts';

/** App2's pool as its administrators read and change it: for users that no provisioning has created. */

const { cognito } = system.clients;
const UserPoolId = targetOutputs.user_pool_id;

/** A user that an administrator has created, with its attributes and groups at that time. */
export interface UnrelatedUser {
  username: string;
  password: string;
  /** The user as `userSnapshot` returned it; no case may change it. */
  snapshot: string;
}

const PROVISIONING_ID_ATTRIBUTE = 'custom:provisioning_id';

/** Creates a user with a password, a group and an attribute, as an administrator does. */
export async function createUnrelatedUser(username: string): Promise<UnrelatedUser> {
  const password = newPassword();
  const user = { UserPoolId, Username: username };
  await cognito.send(
    new AdminCreateUserCommand({
      ...user,
      MessageAction: 'SUPPRESS',
      UserAttributes: [{ Name: 'custom:human_user_id', Value: `unrelated-${username}` }],
    }),
  );
  await cognito.send(new AdminSetUserPasswordCommand({ ...user, Password: password, Permanent: true }));
  await cognito.send(new AdminAddUserToGroupCommand({ ...user, GroupName: 'service-user' }));
  return { username, password, snapshot: await snapshotOf(username) };
}

/** Deletes the user with this name, if it exists, as an administrator does. */
export async function deleteUser(username: string): Promise<void> {
  try {
    await cognito.send(new AdminDeleteUserCommand({ UserPoolId, Username: username }));
  } catch (error) {
    if (!(error instanceof UserNotFoundException)) throw error;
  }
}

/** Deletes the user that a provisioning has created, if it exists; never another user with the same name. */
export async function deleteUserOf(id: string, username: string): Promise<void> {
  const { [PROVISIONING_ID_ATTRIBUTE]: stamp, sub } = (await system.user(username))?.attributes ?? {};
  if (stamp === id && sub !== undefined) await deleteUser(sub);
}

/** Changes of a user since its creation; empty if there are none. */
export async function changesOf({ username, password, snapshot }: UnrelatedUser): Promise<string[]> {
  const now = await snapshotOf(username);
  const changes = now === snapshot ? [] : [`${username} was ${snapshot} and is ${now}`];
  const signsIn = await system.signIn(username, password).then(
    () => true,
    () => false,
  );
  return signsIn ? changes : [...changes, `${username} cannot sign in any more`];
}

const snapshotOf = async (username: string): Promise<string> => (await userSnapshot(username)) ?? '"deleted"';

/** A user with its attributes and groups, as JSON; `undefined` if it does not exist. */
export async function userSnapshot(username: string): Promise<string | undefined> {
  const user = await system.user(username);
  return user === undefined ? undefined : JSON.stringify(user);
}

/** A user that a provisioning has created, and its generation. */
interface StampedUser {
  username: string;
  creation_id: string | undefined;
}

/** All users of a pool with an ownership stamp, by provisioning_id. */
export async function stampedUsers(pool = UserPoolId): Promise<Map<string, StampedUser[]>> {
  const found = new Map<string, StampedUser[]>();
  for await (const { Users = [] } of paginateListUsers({ client: cognito }, { UserPoolId: pool }))
    for (const { Username: username = '', Attributes = [] } of Users) {
      const attribute = (name: string) => Attributes.find(({ Name }) => Name === name)?.Value;
      const stamp = attribute(PROVISIONING_ID_ATTRIBUTE);
      if (stamp === undefined) continue;
      found.set(stamp, [
        ...(found.get(stamp) ?? []),
        { username, creation_id: attribute('custom:creation_id') },
      ]);
    }
  return found;
}
