import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminSetUserPasswordCommand,
  paginateListUsers,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import { newPassword } from '../../e2e/support/deployed.ts';
import { type DeployedTarget, system, targetNamed } from './deployed.ts';
import { target } from './target.ts';

/** The pools as their administrators read and change them: for users that no provisioning has created. */

const { cognito } = system.clients;
const underTest = targetNamed(target);

/** A user that an administrator has created, with its attributes and groups at that time. */
export interface UnrelatedUser {
  username: string;
  password: string;
  /** The target that has it. */
  at: DeployedTarget;
  /** The user as `userSnapshot` returned it; no case may change it. */
  snapshot: string;
}

const PROVISIONING_ID_ATTRIBUTE = 'custom:provisioning_id';

/** Creates a user with a password, a group and an attribute, as an administrator does. */
export async function createUnrelatedUser(username: string, at = underTest): Promise<UnrelatedUser> {
  const password = newPassword();
  const user = { UserPoolId: at.outputs.user_pool_id, Username: username };
  await cognito.send(
    new AdminCreateUserCommand({
      ...user,
      MessageAction: 'SUPPRESS',
      UserAttributes: [{ Name: 'custom:human_user_id', Value: `unrelated-${username}` }],
    }),
  );
  await cognito.send(new AdminSetUserPasswordCommand({ ...user, Password: password, Permanent: true }));
  await cognito.send(new AdminAddUserToGroupCommand({ ...user, GroupName: 'service-user' }));
  return { username, password, at, snapshot: await snapshotOf(username, at) };
}

/** Deletes the user with this name, if it exists, as an administrator does. */
export async function deleteUser(username: string, at = underTest): Promise<void> {
  try {
    await cognito.send(
      new AdminDeleteUserCommand({ UserPoolId: at.outputs.user_pool_id, Username: username }),
    );
  } catch (error) {
    if (!(error instanceof UserNotFoundException)) throw error;
  }
}

/** Deletes the user that a provisioning has created, if it exists; never another user with the same name. */
export async function deleteUserOf(id: string, username: string, at = underTest): Promise<void> {
  const { [PROVISIONING_ID_ATTRIBUTE]: stamp, sub } = (await at.system.user(username))?.attributes ?? {};
  if (stamp === id && sub !== undefined) await deleteUser(sub, at);
}

/** Changes of a user since its creation; empty if there are none. */
export async function changesOf({ username, password, at, snapshot }: UnrelatedUser): Promise<string[]> {
  const now = await snapshotOf(username, at);
  const changes = now === snapshot ? [] : [`${username} at ${at.name} was ${snapshot} and is ${now}`];
  const signsIn = await at.system.signIn(username, password).then(
    () => true,
    () => false,
  );
  return signsIn ? changes : [...changes, `${username} at ${at.name} cannot sign in any more`];
}

const snapshotOf = async (username: string, at: DeployedTarget): Promise<string> =>
  (await userSnapshot(username, at)) ?? '"deleted"';

/** A user with its attributes and groups, as JSON; `undefined` if it does not exist. */
export async function userSnapshot(username: string, at = underTest): Promise<string | undefined> {
  const user = await at.system.user(username);
  return user === undefined ? undefined : JSON.stringify(user);
}

/** A user that a provisioning has created, and its generation. */
interface StampedUser {
  username: string;
  creation_id: string | undefined;
}

/** All users of a target's pool with an ownership stamp, by provisioning_id. */
export async function stampedUsers(at: DeployedTarget): Promise<Map<string, StampedUser[]>> {
  const found = new Map<string, StampedUser[]>();
  const { user_pool_id: UserPoolId } = at.outputs;
  for await (const { Users = [] } of paginateListUsers({ client: cognito }, { UserPoolId }))
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
