import { provisioningAccepted } from '../../../contracts/app1-api.ts';
import { newRequest, system } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import type { Asked } from './oracle.ts';

/** Asks for a provisioning, again and again as a patient caller does, until it is accepted. */
export async function ask(
  request = newRequest(),
  headers: Record<string, string> = {},
  within = 60_000,
): Promise<Asked> {
  const key = { 'Idempotency-Key': `key-${request.username}`, ...headers };
  return eventually(async () => {
    const { status, body } = await system.provision(request, key);
    if (status !== 202) throw new Error(`App1 answered with ${status}: ${JSON.stringify(body)}`);
    return { id: provisioningAccepted.parse(body).provisioning_id, ...request };
  }, within);
}

/** `DELETE` at App1, again and again, until it says that the user is absent. */
export async function deprovision(id: string, within = 120_000): Promise<void> {
  await eventually(async () => {
    const { status, body } = await system.deprovision(id, { Prefer: 'wait=5' });
    if (status !== 204) throw new Error(`App1 answered with ${status}: ${JSON.stringify(body)}`);
  }, within);
}
