import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type { ProvisioningAccepted } from '../../../contracts/app1-api.ts';
import type { ProvisioningInput } from '../../../contracts/executions.ts';
import { preferredWait } from '../../../contracts/headers.ts';
import { cleanOutcomes } from '../../../contracts/outcomes.ts';
import { json } from '../../shared/api.ts';
import {
  bestEffort,
  type Clock,
  type Execution,
  pollUntilFinished,
  startOnce,
} from '../../shared/executions.ts';
import { listHeader } from '../../shared/headers.ts';
import { logger } from '../../shared/logger.ts';
import { RequestProblem } from '../../shared/problem.ts';
import { currentStatus, type Machines } from '../../shared/roll-backs.ts';
import { retryAfter, statusOf } from '../../shared/status.ts';
import { withEstimate } from './callback-registry.ts';
import type { ApiScheme } from './environments.ts';
import { findProvisioning, provisionings } from './provisioning.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  environment: Machines & { CALLBACKS_TABLE: string };
  clock: Clock;
}

/**
 * Starts a provisioning under its name, or recognises it as a repeat, and answers: `202` and where its status is, or
 * `200` with its end when that comes within the preferred wait.
 * @throws RequestProblem IDEMPOTENCY_CONFLICT when another request has the name; SERVICE_UNAVAILABLE when that cannot
 * be seen yet
 */
export async function accept(
  services: Services,
  event: APIGatewayProxyEvent,
  input: ProvisioningInput,
  {
    collection,
    hasKey,
  }: {
    /** Address of this API's `/create-service-user`, as the caller reached it. */
    collection: string;
    /** Whether the name is made of a key. One that is random exists because this very request has started it. */
    hasKey: boolean;
  },
): Promise<APIGatewayProxyResult> {
  const { stepFunctions, environment, clock } = services;
  const { provisioning_id } = input;
  const start = await startOnce(stepFunctions, environment.STATE_MACHINE_ARN, provisioning_id, input);
  const isRepeat = start === 'existed' && hasKey;
  logger.info(isRepeat ? 'Provisioning repeated' : 'Provisioning started', { provisioning_id });

  const look = () => findProvisioning(stepFunctions, environment, provisioning_id);
  const wait = preferredWait(listHeader(event, 'Prefer'));
  const poll = () => pollUntilFinished(look, wait, clock);
  const found = isRepeat ? await poll() : wait > 0 ? await bestEffort(poll) : undefined;
  // There is one of this name, but it cannot be seen yet: whether this request repeats it cannot be said.
  if (isRepeat && found === undefined) throw new RequestProblem('SERVICE_UNAVAILABLE');
  if (found !== undefined && found.parsedInput.request_mac !== input.request_mac)
    throw new RequestProblem('IDEMPOTENCY_CONFLICT');

  return acceptedAnswer(services, event, { provisioning_id, found, collection });
}

/**
 * Answers a repeat of a provisioning that was looked up before, as `accept` does, and starts nothing.
 */
export async function acceptRepeat(
  services: Services,
  event: APIGatewayProxyEvent,
  first: Execution<ProvisioningInput>,
  { collection }: { collection: string },
): Promise<APIGatewayProxyResult> {
  const { stepFunctions, environment, clock } = services;
  const { provisioning_id } = first.parsedInput;
  logger.info('Provisioning repeated', { provisioning_id });
  const look = () => findProvisioning(stepFunctions, environment, provisioning_id);
  const wait = preferredWait(listHeader(event, 'Prefer'));
  const isWaitedFor = wait > 0 && first.status === 'RUNNING';
  const last = isWaitedFor ? await bestEffort(() => pollUntilFinished(look, wait, clock)) : undefined;
  return acceptedAnswer(services, event, { provisioning_id, found: last ?? first, collection });
}

/** The answer to a request that is accepted, whatever cannot be seen. `found`: its provisioning, as it was seen last. */
async function acceptedAnswer(
  { stepFunctions, dynamoDb, environment, clock }: Services,
  event: APIGatewayProxyEvent,
  {
    provisioning_id,
    found,
    collection,
  }: { provisioning_id: string; found: Execution<ProvisioningInput> | undefined; collection: string },
): Promise<APIGatewayProxyResult> {
  const wait = preferredWait(listHeader(event, 'Prefer'));
  const location = `${collection}/${provisioning_id}`;
  const headers = { Location: location, ...(wait > 0 ? { 'Preference-Applied': `wait=${wait}` } : {}) };
  const seen = found === undefined ? undefined : statusOf(found, cleanOutcomes.app1);
  if (found !== undefined && found.status !== 'RUNNING' && wait > 0) {
    const workflows = provisionings(stepFunctions, environment);
    const status = await bestEffort(() => currentStatus(workflows, found));
    if (status !== undefined) return json(200, status, headers);
  }
  const accepted = { provisioning_id, status: seen?.status ?? 'RUNNING', status_url: location } as const;
  // One that was accepted just now has not come as far as App2.
  const told: ProvisioningAccepted =
    seen === undefined
      ? accepted
      : await withEstimate(accepted, { dynamoDb, tableName: environment.CALLBACKS_TABLE });
  const { estimated_end_at } = told;
  return json(202, told, {
    ...headers,
    ...retryAfter({ ...(seen ?? accepted), estimated_end_at }, clock.now()),
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
