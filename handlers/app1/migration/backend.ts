import { createHash } from 'node:crypto';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { BACKEND_HEADER } from '../../../contracts/headers.ts';
import { header, type WithHeaders } from '../../shared/headers.ts';
import { ownerOf } from '../lib/owner.ts';
import type { Flag } from './migration-flag.ts';

/** Who has the user made, while a legacy endpoint is being replaced. */
export type Backend = 'workflow' | 'legacy';

/** Phase 1: the header chooses, and whoever does not send it is served as before. */
export const backendByHeader = (event: WithHeaders): Backend =>
  headerOf(event) === 'true' ? 'workflow' : 'legacy';

/**
 * Phase 2: the flag chooses. Callers on its list go to the workflow unless their header says `false`; of all others a
 * share does, by the name of the user, so that raising the percentage never takes a name back to the legacy endpoint.
 * A flag that is off, and one that is missing, mean what was there before.
 */
export function backendByFlag(
  event: WithHeaders & Pick<APIGatewayProxyEvent, 'requestContext'>,
  username: string,
  flag: Flag | undefined,
): Backend {
  if (flag === undefined || !flag.enabled) return 'legacy';
  const listed = namesOf(event).some((name) => flag.allow_list.some((entry) => withoutPath(entry) === name));
  if (listed) return headerOf(event) === 'false' ? 'legacy' : 'workflow';
  return rolloutBucket(username) < flag.percentage ? 'workflow' : 'legacy';
}

/** A name's fixed place among all names, evenly spread: 0 and more, less than 100. In any case it is the same name. */
export function rolloutBucket(username: string): number {
  return (createHash('sha256').update(username.toLowerCase()).digest().readUInt32BE() / 2 ** 32) * 100;
}

const headerOf = (event: WithHeaders): string | undefined =>
  header(event, BACKEND_HEADER)?.trim().toLowerCase();

/** How a caller may be listed: as the owner of what it asks for, by its user's ARN, or by its role's ARN. */
function namesOf(event: Pick<APIGatewayProxyEvent, 'requestContext'>): string[] {
  const arn = event.requestContext.identity.userArn ?? '';
  const session = /^arn:([\w-]+):sts::(\d{12}):assumed-role\/([^/]+)\//.exec(arn);
  const [, partition, account, role] = session ?? [];
  return [
    ownerOf(event),
    session === null ? withoutPath(arn) : `arn:${partition}:iam::${account}:role/${role}`,
  ];
}

/** The ARN of a session does not have the path of its role, so no path is compared: names are unique in an account. */
const withoutPath = (entry: string): string =>
  entry.replace(/^(arn:[\w-]+:iam::\d{12}:(?:role|user)\/).*\//, '$1');
