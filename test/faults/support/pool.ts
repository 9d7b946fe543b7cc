import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminSetUserPasswordCommand,
  paginateListUsers,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import { newPassword, outputs, system } from '../../e2e/support/deployed.ts';

/** App2's pool as its administrators see and change it: for users that no provisioning of ours made. */

const { cognito } = system.clients;
const UserPoolId = outputs.app2.user_pool_id;

/** A user that somebody else made, and all that can be seen of it. */
export interface ForeignUser {
  username: string;
  password: string;
  /** Everything of it that must stay as it is, as text. */
  seen: string;
}

const STAMP = 'custom:provisioning_id';

/** Makes a user that has a password, a group and an attribute, as an administrator would. */
export async function makeForeignUser(username: string): Promise<ForeignUser> {
  const password = newPassword();
  const who = { UserPoolId, Username: username };
  await cognito.send(
    new AdminCreateUserCommand({
      ...who,
      MessageAction: 'SUPPRESS',
      UserAttributes: [{ Name: 'custom:human_user_id', Value: `foreign-${username}` }],
    }),
  );
  await cognito.send(new AdminSetUserPasswordCommand({ ...who, Password: password, Permanent: true }));
  await cognito.send(new AdminAddUserToGroupCommand({ ...who, GroupName: 'service-user' }));
  return { username, password, seen: await look(username) };
}

/** Deletes whoever has this name, if there is one, as an administrator would. */
export async function deleteUser(username: string): Promise<void> {
  try {
    await cognito.send(new AdminDeleteUserCommand({ UserPoolId, Username: username }));
  } catch (error) {
    if (!(error instanceof UserNotFoundException)) throw error;
  }
}

/** Deletes the user that a provisioning made, if it is there; never one of somebody else who has its name by now. */
export async function deleteUserOf(id: string, username: string): Promise<void> {
  const { [STAMP]: stamp, sub } = (await system.user(username))?.attributes ?? {};
  if (stamp === id && sub !== undefined) await deleteUser(sub);
}

/** What is different about a user since it was made; empty when nothing is. */
export async function changesOf({ username, password, seen }: ForeignUser): Promise<string[]> {
  const now = await look(username);
  const changes = now === seen ? [] : [`${username} was ${seen} and is ${now}`];
  const signsIn = await system.signIn(username, password).then(
    () => true,
    () => false,
  );
  return signsIn ? changes : [...changes, `${username} cannot sign in any more`];
}

const look = async (username: string): Promise<string> => (await seenUser(username)) ?? '"gone"';

/** All that can be seen of a user, as text; `undefined` when there is none. */
export async function seenUser(username: string): Promise<string | undefined> {
  const user = await system.user(username);
  return user === undefined ? undefined : JSON.stringify(user);
}

/** A user that a provisioning made, and of which generation. */
interface StampedUser {
  username: string;
  creation_id: string | undefined;
}

/** All users that carry a provisioning's stamp, by provisioning_id. */
export async function stampedUsers(): Promise<Map<string, StampedUser[]>> {
  const found = new Map<string, StampedUser[]>();
  for await (const { Users = [] } of paginateListUsers({ client: cognito }, { UserPoolId }))
    for (const { Username: username = '', Attributes = [] } of Users) {
      const attribute = (name: string) => Attributes.find(({ Name }) => Name === name)?.Value;
      const stamp = attribute(STAMP);
      if (stamp === undefined) continue;
      found.set(stamp, [
        ...(found.get(stamp) ?? []),
        { username, creation_id: attribute('custom:creation_id') },
      ]);
    }
  return found;
}
