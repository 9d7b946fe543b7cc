import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import * as z from 'zod';
import { NOT_WELL_FORMED, WELL_FORMED } from '../../../contracts/fields.ts';
import { idempotencyKey, PROVISIONED_BY } from '../../../contracts/headers.ts';
import { type ApiHandler, api, jsonText, problemResponse } from '../../shared/api.ts';
import { apiClient, invokeClient, stepClient } from '../../shared/aws-clients.ts';
import { bodyText, invalidBody } from '../../shared/body.ts';
import { readEnvironment } from '../../shared/environment.ts';
import { systemClock } from '../../shared/executions.ts';
import { header } from '../../shared/headers.ts';
import { logger } from '../../shared/logger.ts';
import { embeddedMetrics } from '../../shared/metrics.ts';
import { environments } from '../lib/environments.ts';
import { ownerOf } from '../lib/owner.ts';
import { provisioningIdOf } from '../lib/provisioning-id.ts';
import { startProvisioning } from '../start-provisioning.ts';
import { type Backend, backendByFlag, backendByHeader } from './backend.ts';
import { type LegacyResponse, legacyEndpoint } from './legacy-endpoint.ts';
import { type FlagAddress, migrationFlag } from './migration-flag.ts';
import { pinBackend } from './pin-backend.ts';

interface Services {
  /** The backend of a request without a key. */
  choose: (event: APIGatewayProxyEvent, username: string) => Promise<Backend>;
  /** The backend of a request with a key. */
  pin: (id: string, chosen: Backend) => Promise<Backend>;
  /** The handler of start-provisioning. */
  workflow: ApiHandler;
  legacy: { request: (body: string) => Promise<LegacyResponse> };
  count: (backend: Backend, failed: boolean) => void;
}

/**
 * `POST /create-service-user` while a legacy endpoint is being replaced (docs/migration.md): the workflow or the legacy
 * endpoint serves the request, and `X-Provisioned-By` names it.
 */
export const routeProvisioning =
  ({ choose, pin, workflow, legacy, count }: Services): ApiHandler =>
  async (event) => {
    const owner = ownerOf(event);
    const body = bodyText(event);
    const chosen = await choose(event, usernameIn(body));
    // The workflow refuses an invalid key; the legacy endpoint ignores keys.
    const key = idempotencyKey.safeParse(header(event, 'Idempotency-Key')).data;
    const backend = key === undefined ? chosen : await pin(provisioningIdOf(owner, key), chosen);
    logger.info('Request routed', { backend, chosen, owner, request_id: event.requestContext.requestId });

    const served = backend === 'workflow' ? workflow(event) : proxyToLegacy(legacy, body);
    const response = await served.catch(problemResponse);
    count(backend, response.statusCode >= 500);
    return { ...response, headers: { ...response.headers, [PROVISIONED_BY]: backend } };
  };

/** @throws RequestProblem INVALID_REQUEST for a body that is not well-formed */
async function proxyToLegacy(legacy: Services['legacy'], body: string) {
  if (!WELL_FORMED.test(body)) throw invalidBody(NOT_WELL_FORMED);
  const response = await legacy.request(body);
  return jsonText(response.status, response.body);
}

const usernameBody = z.object({ username: z.string() });

/** The username in a body; empty without one, which both backends refuse. */
function usernameIn(body: string): string {
  try {
    return usernameBody.safeParse(JSON.parse(body)).data?.username ?? '';
  } catch {
    return '';
  }
}

/** Chooses by the flag if it is configured, else by the header. */
function chooser(address: FlagAddress | undefined): Services['choose'] {
  if (address === undefined) return async (event) => backendByHeader(event);
  const flag = migrationFlag({
    appConfig: stepClient(AppConfigDataClient),
    address,
    now: systemClock.now,
  });
  return async (event, username) => backendByFlag(event, username, await flag());
}

/** Logs and counts the result. */
const count: Services['count'] = (backend, failed) => {
  const metrics =
    backend === 'workflow'
      ? embeddedMetrics({ provisionedByWorkflow: 1, provisionedByWorkflowFailed: Number(failed) })
      : embeddedMetrics({ provisionedByLegacy: 1, provisionedByLegacyFailed: Number(failed) });
  logger.info('Request served', { backend, failed, ...metrics });
};

const environment = readEnvironment(environments['route-provisioning']);

export const handler = api(
  routeProvisioning({
    choose: chooser(environment.MIGRATION_FLAG),
    pin: pinBackend({
      dynamo: stepClient(DynamoDBClient),
      table: environment.KEYS_TABLE,
      now: systemClock.now,
    }),
    workflow: startProvisioning({
      kms: apiClient(KMSClient),
      stepFunctions: apiClient(SFNClient),
      dynamoDb: invokeClient(DynamoDBClient, 1),
      environment,
      clock: systemClock,
    }),
    legacy: legacyEndpoint({
      url: environment.LEGACY_ENDPOINT,
      secretsManager: stepClient(SecretsManagerClient),
      secretArn: environment.LEGACY_SECRET_ARN,
      fetch,
    }),
    count,
  }),
);
