import { randomBytes } from 'node:crypto';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Outputs, Target } from '../../cli/outputs.ts';
import type { CreateServiceUserRequest } from '../../contracts/app1-api.ts';
import { TRACE_HEADER } from '../../contracts/origin.ts';
import { APP2 } from '../../contracts/services.ts';
import { provisioningIdOf } from '../../handlers/app1/lib/provisioning-id.ts';
import { predictedSub } from '../../local/harness/faults/predicted-sub.ts';

/** A provisioning that has not been requested yet, with the identifiers of its calls. */
export interface PlannedProvisioning {
  key: string;
  id: string;
  /** The body of its request. */
  request: CreateServiceUserRequest;
  /** The targets at which it creates a user. */
  targets: readonly Target[];
  /** The `sub` that its user will have at each target, on a local AWS with predictable subs. */
  subs: readonly string[];
  /** Trace id of all its calls; it identifies calls that contain no other identifier. */
  trace: string;
  /** The message that start-provisioning passes to GenerateMac, in base64. */
  macMessage: string;
}

/**
 * Plans a provisioning, so that its calls are counted from the first one.
 * @param overrides fields of the request; without `targets`, App2 is the target
 * @throws Error if a target is not deployed
 */
export async function plan(
  outputs: Outputs,
  overrides: Partial<CreateServiceUserRequest> = {},
): Promise<PlannedProvisioning> {
  const { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey } = outputs;
  const sts = new STSClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  const { Account = '', UserId = '' } = await sts.send(new GetCallerIdentityCommand({}));
  const request: CreateServiceUserRequest = {
    username: `bench-${randomBytes(6).toString('hex')}`,
    password: `Pw-${randomBytes(12).toString('base64url')}-1a`,
    human_user_id: 'h-1',
    ...overrides,
  };
  const { username, password, human_user_id, targets: names } = request;
  const targets = (names ?? [APP2]).map((name) => deployedTarget(outputs, name));
  const key = `key-${randomBytes(12).toString('hex')}`;
  const id = provisioningIdOf(`${Account}/${UserId}`, key);
  return {
    key,
    id,
    request,
    targets,
    subs: targets.map(({ user_pool_id }) => predictedSub(user_pool_id, username, 1)),
    trace: `1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')}`,
    macMessage: Buffer.from(JSON.stringify([id, username, password, human_user_id, names ?? null])).toString(
      'base64',
    ),
  };
}

function deployedTarget({ targets }: Outputs, name: string): Target {
  const target = targets[name];
  if (target === undefined) throw new Error(`The target ${name} is not deployed.`);
  return target;
}

/** Headers of its request. */
export const headersOf = ({ key, trace }: PlannedProvisioning): Record<string, string> => ({
  'Idempotency-Key': key,
  [TRACE_HEADER]: `Root=${trace}`,
});
