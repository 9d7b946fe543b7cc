import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { provisioningIdOf } from '../../../handlers/app1/lib/provisioning-id.ts';
import { predictedSub } from '../../../local/harness/faults/predicted-sub.ts';
import { configuration, newRequest } from '../../e2e/support/deployed.ts';
import type { ProvisioningIdentifiers } from '../matrix/matches.ts';
import { registerUsername } from './absence-reports.ts';
import { targetNamed } from './deployed.ts';
import type { Provisioning } from './oracle.ts';
import { provisionedTargets, requestFor, target } from './target.ts';

/** A provisioning that has not been requested yet, with the identifiers that it will have. */
export type PlannedProvisioning = Provisioning &
  ProvisioningIdentifiers & { key: string; targets: readonly string[] };

/** Key of another provisioning of the same username. */
export const rivalKey = (key: string): string => `rival-${key}`;

const identity = new STSClient(configuration).send(new GetCallerIdentityCommand({}));

/** Plans a provisioning, so that fault rules can match its calls before it starts. */
export async function plan({
  targets = provisionedTargets,
  ...overrides
}: Parameters<typeof newRequest>[0] & Pick<Provisioning, 'targets'> = {}): Promise<PlannedProvisioning> {
  const { Account, UserId } = await identity;
  const request = newRequest(overrides);
  const { username, password, human_user_id } = request;
  const key = `key-${username}`;
  const idOf = (idempotencyKey: string) => provisioningIdOf(`${Account}/${UserId}`, idempotencyKey);
  const id = idOf(key);
  registerUsername(id, username);
  const { targets: requested = null } = requestFor(targets);
  return {
    ...request,
    targets,
    key,
    id,
    rival: idOf(rivalKey(key)),
    ...identifiersAt(target, username),
    macMessage: Buffer.from(JSON.stringify([id, username, password, human_user_id, requested])).toString(
      'base64',
    ),
  };
}

/** What identifies the calls of a provisioning at a target. */
function identifiersAt(name: string, username: string) {
  const { user_pool_id, api_url, machine_client_id, credentials_secret_arn } = targetNamed(name).outputs;
  return {
    target: name,
    sub: predictedSub(user_pool_id, username, 1),
    userPoolId: user_pool_id,
    apiPath: new URL(api_url).pathname,
    clientId: machine_client_id,
    secretArn: credentials_secret_arn,
  };
}

/** The identifiers of a provisioning at another of its targets, for fault rules there. */
export const at = (planned: PlannedProvisioning, name: string): PlannedProvisioning => ({
  ...planned,
  ...identifiersAt(name, planned.username),
});
