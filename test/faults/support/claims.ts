import { AdminGetUserCommand, UserNotFoundException } from '@aws-sdk/client-cognito-identity-provider';
import * as z from 'zod';
import type { Answer, Machine } from '../../../local/system.ts';
import { outputs, system } from '../../e2e/support/deployed.ts';
import { type ApiCall, observers } from '../../e2e/support/observed.ts';

/**
 * I8: what the APIs say about the pool is true. Every answer that says that a provisioning has no user is compared with
 * the pool, as soon as it is there: a user of that provisioning, of the same generation, that is seen afterwards proves
 * the answer wrong, since none may come later either.
 */

/** Usernames by provisioning_id: a 204 does not repeat them. */
const usernames = new Map<string, string>();

/** What was said and is not so, by provisioning_id. */
const found = new Map<string, Set<string>>();

/** Tells whose user is looked for when an answer about a provisioning says that it is absent. */
export const willBeUserOf = (id: string, username: string): void => void usernames.set(id, username);

/** What the APIs have said of a provisioning, and the pool contradicted. */
export const falseClaims = (id: string): string[] => [...(found.get(id) ?? [])];

/** The same for all provisionings that this test file has asked about. */
export const allFalseClaims = (): string[] => [...found.keys()].flatMap(falseClaims);

const accepted = z.looseObject({ provisioning_id: z.string() });
const requested = z.looseObject({ username: z.string() });
const status = z.looseObject({
  provisioning_id: z.string(),
  status: z.string(),
  user: z.string(),
  username: z.string().optional(),
});

observers.add(async (call, answer) => {
  learnUsername(call, answer);
  const said = absenceIn(call, answer);
  if (said === undefined) return;
  const username = usernames.get(said.id);
  if (username === undefined || !(await hasUser(call.service, said.id, username))) return;
  const what = `I8: ${call.service} answered ${call.method} with ${said.words}, but ${username} of ${said.id} is there.`;
  found.set(said.id, (found.get(said.id) ?? new Set()).add(what));
});

function learnUsername({ id, body }: ApiCall, answer: Answer): void {
  const about = accepted.safeParse(answer.body).data?.provisioning_id;
  if (about === undefined) return;
  const told = status.safeParse(answer.body).data?.username ?? requested.safeParse(body).data?.username;
  // A retry takes over the name of the provisioning that failed.
  const username = told ?? usernames.get(id ?? about);
  if (username !== undefined) willBeUserOf(about, username);
}

/** The provisioning of which an answer says that it has no user, and the answer in words. */
function absenceIn({ method, id }: ApiCall, answer: Answer): { id: string; words: string } | undefined {
  if (method === 'DELETE' && answer.status === 204 && id !== undefined) return { id, words: '204' };
  const { data } = status.safeParse(answer.body);
  if (data?.user !== 'absent') return undefined;
  return { id: data.provisioning_id, words: `${answer.status}, ${data.status}, absent` };
}

const machineOf = { app1: 'ProvisionServiceUser', app2: 'CreateServiceUser' } as const satisfies Record<
  ApiCall['service'],
  Machine
>;

/** Whether the pool has a user of a provisioning, of the generation that a service speaks of. */
async function hasUser(service: ApiCall['service'], id: string, username: string): Promise<boolean> {
  const attributes = await attributesOf(username);
  if (attributes?.['custom:provisioning_id'] !== id) return false;
  const generation = await system.generationOf(machineOf[service], id);
  // The record may have been dropped since: then any user of the provisioning counts.
  return generation === undefined || generation === attributes['custom:creation_id'];
}

async function attributesOf(username: string): Promise<Record<string, string> | undefined> {
  try {
    const { UserAttributes = [] } = await system.clients.cognito.send(
      new AdminGetUserCommand({ UserPoolId: outputs.app2.user_pool_id, Username: username }),
    );
    return Object.fromEntries(UserAttributes.map(({ Name = '', Value = '' }) => [Name, Value]));
  } catch (error) {
    if (error instanceof UserNotFoundException) return undefined;
    throw error;
  }
}
