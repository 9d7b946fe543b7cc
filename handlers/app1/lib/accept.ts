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
import type { RegisteredTarget } from './registry.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  environment: Machines & { CALLBACKS_TABLE: string; TARGETS: readonly RegisteredTarget[] };
  clock: Clock;
}

/**
 * Starts a provisioning, or recognizes a repeated request by its name and MAC.
 * @returns `202` with the URL of the status, or `200` with the status if it finishes within the preferred wait
 * @throws RequestProblem IDEMPOTENCY_CONFLICT if another request has used the key; SERVICE_UNAVAILABLE if
 * DescribeExecution does not find the execution of that request yet
 */
export async function accept(
  services: Services,
  event: APIGatewayProxyEvent,
  input: ProvisioningInput,
  {
    collection,
    hasKey,
  }: {
    /** URL of this API's `/create-service-user`, with the caller's host name and base path. */
    collection: string;
    /** Whether the name is derived from a key. A random name that exists was started by a retried call of this request. */
    hasKey: boolean;
  },
): Promise<APIGatewayProxyResult> {
  const { stepFunctions, environment, clock } = services;
  const { provisioning_id } = input;
  const start = await startOnce(stepFunctions, environment.STATE_MACHINE_ARN, provisioning_id, input);
  const isRepeat = start === 'existed' && hasKey;
  logger.info(isRepeat ? 'Provisioning repeated' : 'Provisioning started', { provisioning_id });

  const wait = preferredWait(listHeader(event, 'Prefer'));
  const poll = () =>
    pollUntilFinished(() => findProvisioning(stepFunctions, environment, provisioning_id), wait, clock);
  const found = isRepeat ? await poll() : wait > 0 ? await bestEffort(poll) : undefined;
  // Without the description, the MAC of the existing execution is unknown.
  if (isRepeat && found === undefined) throw new RequestProblem('SERVICE_UNAVAILABLE');
  if (found !== undefined && found.parsedInput.request_mac !== input.request_mac)
    throw new RequestProblem('IDEMPOTENCY_CONFLICT');

  return acceptedResponse(services, event, { provisioning_id, found, collection });
}

/**
 * The response of `accept` to a repeated request whose provisioning was described before. Starts nothing.
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
  const wait = preferredWait(listHeader(event, 'Prefer'));
  const poll = () =>
    pollUntilFinished(() => findProvisioning(stepFunctions, environment, provisioning_id), wait, clock);
  const last = wait > 0 && first.status === 'RUNNING' ? await bestEffort(poll) : undefined;
  return acceptedResponse(services, event, { provisioning_id, found: last ?? first, collection });
}

/**
 * The response to an accepted request, also if its status cannot be read.
 * @param found the latest description of the provisioning
 */
async function acceptedResponse(
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
  const status = found === undefined ? undefined : statusOf(found, cleanOutcomes.app1);
  if (found !== undefined && found.status !== 'RUNNING' && wait > 0) {
    const workflows = provisionings(stepFunctions, environment, environment.TARGETS);
    const finalStatus = await bestEffort(() => currentStatus(workflows, found));
    if (finalStatus !== undefined) return json(200, finalStatus, headers);
  }
  const accepted = { provisioning_id, status: status?.status ?? 'RUNNING', status_url: location } as const;
  // A provisioning that was started just now has no estimate of the target yet.
  const body: ProvisioningAccepted =
    status === undefined
      ? accepted
      : await withEstimate(accepted, {
          dynamoDb,
          tableName: environment.CALLBACKS_TABLE,
          targets: found?.parsedInput.targets ?? [],
        });
  const { estimated_end_at } = body;
  return json(202, body, {
    ...headers,
    ...retryAfter({ ...(status ?? accepted), estimated_end_at }, clock.now()),
  });
}

/**
 * URL of the request, with the host name and base path that the caller used. API Gateway routes by the host name, so it
 * is a name of this API. Headers such as `X-Forwarded-Proto` and `X-Forwarded-Host` are not trusted, so the scheme is an
 * environment variable.
 * docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html (domainName)
 */
export function urlOf(
  { requestContext: { domainName, path } }: Pick<APIGatewayProxyEvent, 'requestContext'>,
  scheme: ApiScheme,
): string {
  return `${scheme}://${domainName}${path.replace(/\/$/, '')}`;
}
