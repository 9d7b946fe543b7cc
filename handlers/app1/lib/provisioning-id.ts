import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { v5 as uuidv5 } from 'uuid';
import { provisioningId } from '../../../contracts/fields.ts';
import { RequestProblem } from '../../shared/problem.ts';

/** Namespace of the UUIDs of version 5 (RFC 9562). */
const NAMESPACE = '5d9f5bd4-3a0c-4c67-9a0c-0c0c6a1f2f1e';

/**
 * The provisioning_id of an owner and an Idempotency-Key; a random one without a key. Equal keys of two owners have
 * different ids.
 */
export function provisioningIdOf(owner: string, key: string | undefined): string {
  return key === undefined ? randomUUID() : uuidv5(JSON.stringify([owner, key]), NAMESPACE);
}

/**
 * The provisioning_id in the path.
 * @throws RequestProblem NOT_FOUND for an invalid id, as for an unknown one
 */
export function provisioningIdIn({ pathParameters }: Pick<APIGatewayProxyEvent, 'pathParameters'>): string {
  const id = provisioningId.safeParse(pathParameters?.['provisioning_id']);
  if (!id.success) throw new RequestProblem('NOT_FOUND');
  return id.data;
}
