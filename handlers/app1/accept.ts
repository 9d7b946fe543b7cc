import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type { ProvisioningAccepted } from '../../contracts/app1-api.ts';
import type { ProvisioningInput } from '../../contracts/executions.ts';
import { preferredWait } from '../../contracts/headers.ts';
import { json } from '../shared/api.ts';
import { type Clock, settle, startOnce } from '../shared/executions.ts';
import { listHeader } from '../shared/header.ts';
import { logger } from '../shared/logger.ts';
import { RequestProblem } from '../shared/problem.ts';
import { currentStatus, type Machines } from '../shared/roll-backs.ts';
import { comeBack } from '../shared/status.ts';
import { withEstimate } from './awaited-creations.ts';
import type { ApiScheme } from './environments.ts';
import { findProvisioning, provisionings } from './provisioning.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  environment: Machines & { AWAITED_TABLE: string };
  clock: Clock;
}

/**
 * Starts a provisioning under its name, or recognises it as a repeat, and answers: `202` and where its status is, or
 * `200` with its end when that comes within the preferred wait.
 * @throws RequestProblem IDEMPOTENCY_CONFLICT when another request has the name; SERVICE_UNAVAILABLE when that cannot
 * be seen yet
 */
export async function accept(
  { stepFunctions, dynamoDb, environment, clock }: Services,
  event: APIGatewayProxyEvent,
  /** Address of this API's `/create-service-user`, as the caller reached it. */
  collection: string,
  input: ProvisioningInput,
): Promise<APIGatewayProxyResult> {
  const { provisioning_id } = input;
  const start = await startOnce(stepFunctions, environment.STATE_MACHINE_ARN, provisioning_id, input);
  logger.info(start === 'started' ? 'Provisioning started' : 'Provisioning repeated', { provisioning_id });

  const look = () => findProvisioning(stepFunctions, environment, provisioning_id);
  const wait = preferredWait(listHeader(event, 'Prefer'));
  const found = start === 'existed' || wait > 0 ? await settle(look, wait, clock) : undefined;
  // There is one of this name, but it cannot be seen yet: whether this request repeats it cannot be said.
  if (start === 'existed' && found === undefined) throw new RequestProblem('SERVICE_UNAVAILABLE');
  if (found !== undefined && found.parsedInput.request_mac !== input.request_mac)
    throw new RequestProblem('IDEMPOTENCY_CONFLICT');

  const location = `${collection}/${provisioning_id}`;
  const headers = { Location: location, ...(wait > 0 ? { 'Preference-Applied': `wait=${wait}` } : {}) };
  const status =
    found === undefined ? undefined : await currentStatus(provisionings(stepFunctions, environment), found);
  if (status !== undefined && status.status !== 'RUNNING' && wait > 0) return json(200, status, headers);
  const accepted = { provisioning_id, status: status?.status ?? 'RUNNING', status_url: location } as const;
  // One that was accepted just now has not come as far as App2.
  const told: ProvisioningAccepted =
    status === undefined
      ? accepted
      : await withEstimate(accepted, { dynamoDb, tableName: environment.AWAITED_TABLE });
  const { estimated_end_at } = told;
  return json(202, told, {
    ...headers,
    ...comeBack({ ...(status ?? accepted), estimated_end_at }, clock.now()),
  });
}

/**
 * Address of the request, under whatever name and base path the caller reached this API. The name is one that API
 * Gateway serves, since it routes by it; what a header says of the address (`X-Forwarded-Proto`, `X-Forwarded-Host`) is
 * the sender's and counts for nothing, so the scheme comes from the function's environment.
 * docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html (domainName)
 */
export function addressOf(
  { requestContext: { domainName, path } }: Pick<APIGatewayProxyEvent, 'requestContext'>,
  scheme: ApiScheme,
): string {
  return `${scheme}://${domainName}${path.replace(/\/$/, '')}`;
}
