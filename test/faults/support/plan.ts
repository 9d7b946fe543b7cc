import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { provisioningIdOf } from '../../../handlers/app1/lib/provisioning-id.ts';
import { predictedSub } from '../../../local/harness/faults/predicted-sub.ts';
import { configuration, newRequest } from '../../e2e/support/deployed.ts';
import type { ProvisioningIdentifiers } from '../matrix/matches.ts';
import { registerUsername } from './absence-reports.ts';
import { targetOutputs } from './deployed.ts';
import type { Provisioning } from './oracle.ts';
import { requestedTargets } from './target.ts';

/** A provisioning that has not been requested yet, with the identifiers that it will have. */
export type PlannedProvisioning = Provisioning & ProvisioningIdentifiers & { key: string };

/** Key of another provisioning of the same username. */
export const rivalKey = (key: string): string => `rival-${key}`;

const identity = new STSClient(configuration).send(new GetCallerIdentityCommand({}));

/** Plans a provisioning, so that fault rules can match its calls before it starts. */
export async function plan(overrides: Parameters<typeof newRequest>[0] = {}): Promise<PlannedProvisioning> {
  const { Account, UserId } = await identity;
  const request = newRequest(overrides);
  const { username, password, human_user_id } = request;
  const key = `key-${username}`;
  const idOf = (idempotencyKey: string) => provisioningIdOf(`${Account}/${UserId}`, idempotencyKey);
  const id = idOf(key);
  registerUsername(id, username);
  const { targets = null } = requestedTargets;
  return {
    ...request,
    key,
    id,
    rival: idOf(rivalKey(key)),
    sub: predictedSub(targetOutputs.user_pool_id, username, 1),
    macMessage: Buffer.from(JSON.stringify([id, username, password, human_user_id, targets])).toString(
      'base64',
    ),
  };
}
