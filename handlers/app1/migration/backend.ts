import { createHash } from 'node:crypto';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { BACKEND_HEADER } from '../../../contracts/headers.ts';
import { header, type WithHeaders } from '../../shared/headers.ts';
import { ownerOf } from '../lib/owner.ts';
import type { Flag } from './migration-flag.ts';

/** The backend that serves a request, while a legacy endpoint is being replaced. */
export type Backend = 'workflow' | 'legacy';

/** Phase 1: the header selects the backend; without it the legacy endpoint. */
export const backendByHeader = (event: WithHeaders): Backend =>
  headerOf(event) === 'true' ? 'workflow' : 'legacy';

/**
 * Phase 2: the flag selects the backend. Callers on its list use the workflow unless their header is `false`. Of the other
 * requests a percentage does, by a hash of the username, so that a higher percentage never moves a name back to the
 * legacy endpoint. Without a flag, or with a disabled one, the legacy endpoint serves all requests.
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

/** A uniform hash of a case-insensitive name: at least 0, less than 100. */
export function rolloutBucket(username: string): number {
  return (createHash('sha256').update(username.toLowerCase()).digest().readUInt32BE() / 2 ** 32) * 100;
}

const headerOf = (event: WithHeaders): string | undefined =>
  header(event, BACKEND_HEADER)?.trim().toLowerCase();

/** Names of a caller that the list can contain: its owner id, and the ARN of its user or role. */
function namesOf(event: Pick<APIGatewayProxyEvent, 'requestContext'>): string[] {
  const arn = event.requestContext.identity.userArn ?? '';
  const session = /^arn:([\w-]+):sts::(\d{12}):assumed-role\/([^/]+)\//.exec(arn);
  const [, partition, account, role] = session ?? [];
  return [
    ownerOf(event),
    session === null ? withoutPath(arn) : `arn:${partition}:iam::${account}:role/${role}`,
  ];
}

/** The ARN of a session lacks the path of its role, so paths are not compared: names are unique in an account. */
const withoutPath = (entry: string): string =>
  entry.replace(/^(arn:[\w-]+:iam::\d{12}:(?:role|user)\/).*\//, '$1');
