import { setTimeout } from 'node:timers/promises';
import { provisioningAccepted } from '../../../contracts/app1-api.ts';
import { problem } from '../../../contracts/problems.ts';
import type { Answer } from '../../../local/system.ts';
import { machineToken, newRequest, system } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import type { Asked } from './oracle.ts';

type Request = ReturnType<typeof newRequest>;

/** `POST` at App1, once. */
export const postOnce = ({ username, password, human_user_id }: Request, key: string): Promise<Answer> =>
  system.provision({ username, password, human_user_id }, { 'Idempotency-Key': key });

/**
 * `POST` at App1, again while it answers 5xx, as a caller with a key does: on a busy machine a call can be late for good,
 * which is a fault that no case has injected.
 */
export const post = (request: Request, key: string): Promise<Answer> =>
  patiently(() => postOnce(request, key));

/** `DELETE` at App1, again while it answers 5xx. */
export const cancel = (id: string): Promise<Answer> => patiently(() => system.deprovision(id));

const patiently = (ask: () => Promise<Answer>): Promise<Answer> =>
  eventually(async () => {
    const answer = await ask();
    if (answer.status >= 500) throw new Error(`App1 answers with ${answer.status}.`);
    return answer;
  }, 60_000);

/** Asks for a provisioning, again and again as a patient caller does, until it is accepted. */
export async function ask(request = newRequest(), key = `key-${request.username}`): Promise<Asked> {
  return eventually(async () => {
    const { status, body } = await postOnce(request, key);
    if (status !== 202) throw new Error(`App1 answered with ${status}: ${JSON.stringify(body)}`);
    const { username, password, human_user_id } = request;
    return { id: provisioningAccepted.parse(body).provisioning_id, username, password, human_user_id };
  }, 60_000);
}

/** `DELETE` at App1, again and again, until it says that the user is absent. */
export async function deprovision(id: string, within = 120_000): Promise<void> {
  await eventually(async () => {
    const { status, body } = await system.deprovision(id, { Prefer: 'wait=5' });
    if (status !== 204) throw new Error(`App1 answered with ${status}: ${JSON.stringify(body)}`);
  }, within);
}

/** The code of a problem; `undefined` for an answer that is none. */
export const problemCode = ({ body }: Answer): string | undefined => problem.safeParse(body).data?.code;

let token: Promise<string> | undefined;

/** The status that App2 tells App1. */
export async function statusAtApp2(id: string): Promise<Answer> {
  token ??= machineToken();
  const answer = await system.app2('GET', `/admin/create-user/${id}`, await token);
  if (answer.status !== 401) return answer;
  // Tokens live for minutes, the suite longer.
  token = machineToken();
  return system.app2('GET', `/admin/create-user/${id}`, await token);
}

export { setTimeout as pause };
