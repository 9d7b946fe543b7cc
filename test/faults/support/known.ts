import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { provisioningIdOf } from '../../../handlers/app1/lib/provisioning-id.ts';
import { predictedSub } from '../../../local/harness/faults/predicted-sub.ts';
import { configuration, newRequest, outputs } from '../../e2e/support/deployed.ts';
import type { Known } from '../matrix/matches.ts';
import { willBeUserOf } from './claims.ts';
import type { Asked } from './oracle.ts';

/** A provisioning that has not been asked for yet, with all that can be foreseen of it. */
export type Planned = Asked & Known & { key: string };

/** Key of another provisioning of the same username. */
export const rivalKey = (key: string): string => `rival-${key}`;

const identity = new STSClient(configuration).send(new GetCallerIdentityCommand({}));

/** Plans a provisioning, so that faults can be set for it before it begins. */
export async function plan(over: Parameters<typeof newRequest>[0] = {}): Promise<Planned> {
  const { Account, UserId } = await identity;
  const request = newRequest(over);
  const { username, password, human_user_id } = request;
  const key = `key-${username}`;
  const idOf = (itsKey: string) => provisioningIdOf(`${Account}/${UserId}`, itsKey);
  const id = idOf(key);
  willBeUserOf(id, username);
  return {
    ...request,
    key,
    id,
    rival: idOf(rivalKey(key)),
    sub: predictedSub(outputs.app2.user_pool_id, username, 1),
    macMessage: Buffer.from(JSON.stringify([id, username, password, human_user_id])).toString('base64'),
  };
}
