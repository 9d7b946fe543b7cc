import { setTimeout } from 'node:timers/promises';
import { provisioningAccepted } from '../../../contracts/app1-api.ts';
import { problem } from '../../../contracts/problems.ts';
import type { ApiResponse } from '../../../local/system.ts';
import { newRequest } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { machineToken, system } from './deployed.ts';
import type { Provisioning } from './oracle.ts';
import { provisionedTargets, requestFor } from './target.ts';

type Request = ReturnType<typeof newRequest> & Pick<Provisioning, 'targets'>;

/** Sends one `POST` to App1. */
export const postOnce = (
  { username, password, human_user_id, targets = provisionedTargets }: Request,
  key: string,
): Promise<ApiResponse> =>
  system.provision({ username, password, human_user_id, ...requestFor(targets) }, { 'Idempotency-Key': key });

/**
 * Sends a `POST` to App1, and repeats it while the response is a 5xx, as a caller with a key does: under load, a call can
 * exceed its time limit, which is a fault that no case has injected.
 */
export const post = (request: Request, key: string): Promise<ApiResponse> =>
  retryServerErrors(() => postOnce(request, key));

/** Sends a `DELETE` to App1, and repeats it while the response is a 5xx. */
export const cancel = (id: string): Promise<ApiResponse> => retryServerErrors(() => system.deprovision(id));

const retryServerErrors = (send: () => Promise<ApiResponse>): Promise<ApiResponse> =>
  eventually(async () => {
    const response = await send();
    if (response.status >= 500) throw new Error(`App1 responded with ${response.status}.`);
    return response;
  }, 60_000);

/** Requests a provisioning, and repeats the request until App1 accepts it. */
export async function requestProvisioning(
  request: Request = newRequest(),
  key = `key-${request.username}`,
): Promise<Provisioning> {
  return eventually(async () => {
    const { status, body } = await postOnce(request, key);
    if (status !== 202) throw new Error(`App1 responded with ${status}: ${JSON.stringify(body)}`);
    const { username, password, human_user_id, targets = provisionedTargets } = request;
    const id = provisioningAccepted.parse(body).provisioning_id;
    return { id, username, password, human_user_id, targets };
  }, 60_000);
}

/** Sends a `DELETE` to App1, and repeats it until App1 reports the absence of the user. */
export async function deprovision(id: string, within = 120_000): Promise<void> {
  await eventually(async () => {
    const { status, body } = await system.deprovision(id, { Prefer: 'wait=5' });
    if (status !== 204) throw new Error(`App1 responded with ${status}: ${JSON.stringify(body)}`);
  }, within);
}

/** The code of a problem; `undefined` for a response that is not a problem. */
export const problemCode = ({ body }: ApiResponse): string | undefined => problem.safeParse(body).data?.code;

let token: Promise<string> | undefined;

/** The status that the target returns to App1. */
export async function statusAtTarget(id: string): Promise<ApiResponse> {
  token ??= machineToken();
  const response = await system.app2('GET', `/admin/create-user/${id}`, await token);
  if (response.status !== 401) return response;
  // A token expires before the suite has finished.
  token = machineToken();
  return system.app2('GET', `/admin/create-user/${id}`, await token);
}

export { setTimeout as pause };
