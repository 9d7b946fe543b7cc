import { AdminGetUserCommand, UserNotFoundException } from '@aws-sdk/client-cognito-identity-provider';
import * as z from 'zod';
import type { ApiResponse, Machine } from '../../../local/system.ts';
import { type ApiCall, observers } from '../../e2e/support/observed.ts';
import { system, targetOutputs } from './deployed.ts';

/**
 * I8: the APIs report the state of the pool correctly. This module compares every response that reports the absence of a
 * user with the pool, right after the response. A user of the same provisioning and generation contradicts the response,
 * because such a user may not appear later either.
 */

/** Usernames by provisioning_id: a 204 does not contain them. */
const usernames = new Map<string, string>();

/** Descriptions of wrong responses, by provisioning_id. */
const wrongReports = new Map<string, Set<string>>();

/** Registers the username of a provisioning, which the pool is searched for when a response reports its absence. */
export const registerUsername = (id: string, username: string): void => void usernames.set(id, username);

/** Responses about a provisioning that reported the absence of its user, although the pool had the user. */
export const falseAbsenceReports = (id: string): string[] => [...(wrongReports.get(id) ?? [])];

/** The same for all provisionings of this test file. */
export const allFalseAbsenceReports = (): string[] => [...wrongReports.keys()].flatMap(falseAbsenceReports);

const accepted = z.looseObject({ provisioning_id: z.string() });
const requested = z.looseObject({ username: z.string() });
const status = z.looseObject({
  provisioning_id: z.string(),
  status: z.string(),
  user: z.string(),
  username: z.string().optional(),
});

observers.add(async (call, apiResponse) => {
  learnUsername(call, apiResponse);
  const report = absenceReport(call, apiResponse);
  if (report === undefined) return;
  const { id, response } = report;
  const username = usernames.get(id);
  if (username === undefined || !(await hasUser(call.service, id, username))) return;
  const violation = `I8: ${call.service} responded to ${call.method} with ${response}, but ${username} of ${id} exists.`;
  wrongReports.set(id, (wrongReports.get(id) ?? new Set()).add(violation));
});

function learnUsername({ id, body }: ApiCall, apiResponse: ApiResponse): void {
  const provisioningId = accepted.safeParse(apiResponse.body).data?.provisioning_id;
  if (provisioningId === undefined) return;
  const included =
    status.safeParse(apiResponse.body).data?.username ?? requested.safeParse(body).data?.username;
  // A retry has the username of the provisioning that failed.
  const username = included ?? usernames.get(id ?? provisioningId);
  if (username !== undefined) registerUsername(provisioningId, username);
}

/** The provisioning whose user a response reports as absent, with a summary of the response. */
function absenceReport(
  { method, id }: ApiCall,
  apiResponse: ApiResponse,
): { id: string; response: string } | undefined {
  if (method === 'DELETE' && apiResponse.status === 204 && id !== undefined) return { id, response: '204' };
  const { data } = status.safeParse(apiResponse.body);
  if (data?.user !== 'absent') return undefined;
  return { id: data.provisioning_id, response: `${apiResponse.status}, ${data.status}, absent` };
}

const machineOf = { app1: 'ProvisionServiceUser', app2: 'CreateServiceUser' } as const satisfies Record<
  ApiCall['service'],
  Machine
>;

/** Whether the pool has a user of a provisioning, of the generation that the service's execution has. */
async function hasUser(service: ApiCall['service'], id: string, username: string): Promise<boolean> {
  const attributes = await attributesOf(username);
  if (attributes?.['custom:provisioning_id'] !== id) return false;
  const generation = await system.generationOf(machineOf[service], id);
  // If the record has been deleted meanwhile, any user of the provisioning counts.
  return generation === undefined || generation === attributes['custom:creation_id'];
}

async function attributesOf(username: string): Promise<Record<string, string> | undefined> {
  try {
    const { UserAttributes = [] } = await system.clients.cognito.send(
      new AdminGetUserCommand({ UserPoolId: targetOutputs.user_pool_id, Username: username }),
    );
    return Object.fromEntries(UserAttributes.map(({ Name = '', Value = '' }) => [Name, Value]));
  } catch (error) {
    if (error instanceof UserNotFoundException) return undefined;
    throw error;
  }
}
