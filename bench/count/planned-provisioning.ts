import { randomBytes } from 'node:crypto';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Outputs } from '../../cli/outputs.ts';
import type { CreateServiceUserRequest } from '../../contracts/app1-api.ts';
import { TRACE_HEADER } from '../../contracts/origin.ts';
import { provisioningIdOf } from '../../handlers/app1/lib/provisioning-id.ts';
import { predictedSub } from '../../local/harness/faults/predicted-sub.ts';

/** A provisioning that has not been requested yet, with the identifiers of its calls. */
export interface PlannedProvisioning {
  key: string;
  id: string;
  username: string;
  password: string;
  human_user_id: string;
  /** The `sub` that its user will have, on a local AWS with predictable subs. */
  sub: string;
  /** Trace id of all its calls; it identifies calls that contain no other identifier. */
  trace: string;
  /** The message that start-provisioning passes to GenerateMac, in base64. */
  macMessage: string;
}

/** Plans a provisioning, so that its calls are counted from the first one. */
export async function plan(
  outputs: Outputs,
  overrides: Partial<PlannedProvisioning> & Pick<CreateServiceUserRequest, 'targets'> = {},
): Promise<PlannedProvisioning> {
  const { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey } = outputs;
  const sts = new STSClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  const { Account = '', UserId = '' } = await sts.send(new GetCallerIdentityCommand({}));
  const {
    username = `bench-${randomBytes(6).toString('hex')}`,
    password = `Pw-${randomBytes(12).toString('base64url')}-1a`,
    key = `key-${randomBytes(12).toString('hex')}`,
    targets = null,
  } = overrides;
  const human_user_id = 'h-1';
  const id = provisioningIdOf(`${Account}/${UserId}`, key);
  return {
    key,
    id,
    username,
    password,
    human_user_id,
    sub: predictedSub(outputs.app2.user_pool_id, username, 1),
    trace: `1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')}`,
    macMessage: Buffer.from(JSON.stringify([id, username, password, human_user_id, targets])).toString(
      'base64',
    ),
  };
}

/** Headers of its request. */
export const headersOf = ({ key, trace }: PlannedProvisioning): Record<string, string> => ({
  'Idempotency-Key': key,
  [TRACE_HEADER]: `Root=${trace}`,
});
