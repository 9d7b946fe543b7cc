import * as z from 'zod';
import type { ApiResponse, Machine } from '../../../local/system.ts';
import { type ApiCall, observers } from '../../e2e/support/observed.ts';
import { type DeployedTarget, deployedTargets, targetNamed } from './deployed.ts';
import { target } from './target.ts';

/**
 * I8: the APIs report the state of the pools correctly. This module compares every response that reports the absence of a
 * user with the pools of the targets that it is about, right after the response. A user of the same provisioning and
 * generation contradicts the response, because such a user may not appear later either.
 */

/** Usernames by provisioning_id: a 204 does not contain them. */
const usernames = new Map<string, string>();

/** Descriptions of wrong responses, by provisioning_id and target. */
const wrongReports = new Map<string, Map<string, Set<string>>>();

/** Registers the username of a provisioning, which the pools are searched for when a response reports its absence. */
export const registerUsername = (id: string, username: string): void => void usernames.set(id, username);

/** Responses about a provisioning that reported the absence of its user, although a pool had the user. */
export const falseAbsenceReports = (id: string): string[] =>
  [...(wrongReports.get(id)?.values() ?? [])].flatMap((reports) => [...reports]);

/** Discards these responses, if a compensation did not check the target. */
export const allowAbsenceReports = (id: string, name: string): void =>
  void wrongReports.get(id)?.delete(name);

/** The same for all provisionings of this test file. */
export const allFalseAbsenceReports = (): string[] => [...wrongReports.keys()].flatMap(falseAbsenceReports);

const accepted = z.looseObject({ provisioning_id: z.string() });
const requested = z.looseObject({ username: z.string() });
const status = z.looseObject({
  provisioning_id: z.string(),
  status: z.string(),
  user: z.string(),
  username: z.string().optional(),
  targets: z.array(z.object({ target: z.string(), user: z.string() })).optional(),
});

observers.add(async (call, apiResponse) => {
  learnUsername(call, apiResponse);
  const report = absenceReport(call, apiResponse);
  if (report === undefined) return;
  const { id, response, at } = report;
  const username = usernames.get(id);
  if (username === undefined) return;
  for (const { name, system } of at) {
    if (!(await hasUser({ service: call.service, id, username, system }))) continue;
    const violation = `I8: ${call.service} responded to ${call.method} with ${response}, but ${username} of ${id} exists at ${name}.`;
    const reports = wrongReports.get(id) ?? new Map<string, Set<string>>();
    wrongReports.set(id, reports.set(name, (reports.get(name) ?? new Set()).add(violation)));
  }
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

/** The provisioning whose user a response reports as absent, the targets there, and a summary of the response. */
function absenceReport(
  { service, method, id }: ApiCall,
  apiResponse: ApiResponse,
): { id: string; response: string; at: readonly DeployedTarget[] } | undefined {
  const answering = service === 'app1' ? deployedTargets : [targetNamed(target)];
  if (method === 'DELETE' && apiResponse.status === 204 && id !== undefined)
    return { id, response: '204', at: answering };
  const { data } = status.safeParse(apiResponse.body);
  if (data === undefined) return undefined;
  const named = data.targets?.flatMap((at) => (at.user === 'absent' ? [targetNamed(at.target)] : []));
  const at = data.user === 'absent' ? answering : (named ?? []);
  if (at.length === 0) return undefined;
  return { id: data.provisioning_id, response: `${apiResponse.status}, ${data.status}, absent`, at };
}

const machineOf = { app1: 'ProvisionServiceUser', app2: 'CreateServiceUser' } as const satisfies Record<
  ApiCall['service'],
  Machine
>;

interface Subject extends Pick<ApiCall, 'service'>, Pick<DeployedTarget, 'system'> {
  id: string;
  username: string;
}

/** Whether a pool has a user of a provisioning, of the generation that the service's execution has. */
async function hasUser({ service, id, username, system }: Subject): Promise<boolean> {
  const attributes = (await system.user(username))?.attributes;
  if (attributes?.['custom:provisioning_id'] !== id) return false;
  const generation = await system.generationOf(machineOf[service], id);
  // If the record has been deleted meanwhile, any user of the provisioning counts.
  return generation === undefined || generation === attributes['custom:creation_id'];
}
