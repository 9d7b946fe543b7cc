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
import { type LegacyAnswer, legacyEndpoint } from './legacy-endpoint.ts';
import { type FlagAddress, migrationFlag } from './migration-flag.ts';
import { pinBackend } from './pin-backend.ts';

interface Services {
  /** Which way the request would go if it had no key. */
  choose: (event: APIGatewayProxyEvent, username: string) => Promise<Backend>;
  /** Which way it goes under its key. */
  keep: (id: string, wanted: Backend) => Promise<Backend>;
  /** The handler that there is without a migration. */
  workflow: ApiHandler;
  legacy: { request: (body: string) => Promise<LegacyAnswer> };
  count: (way: Backend, failed: boolean) => void;
}

/**
 * `POST /create-service-user` while a legacy endpoint is being replaced (docs/migration.md): either of the two serves the
 * request, and the answer says which in `X-Provisioned-By`.
 */
export const routeProvisioning =
  ({ choose, keep, workflow, legacy, count }: Services): ApiHandler =>
  async (event) => {
    const owner = ownerOf(event);
    const body = bodyText(event);
    const wanted = await choose(event, usernameIn(body));
    // A key that is not valid is the workflow's to refuse; the legacy endpoint never asked for one.
    const key = idempotencyKey.safeParse(header(event, 'Idempotency-Key')).data;
    const way = key === undefined ? wanted : await keep(provisioningIdOf(owner, key), wanted);
    logger.info('Request routed', { way, wanted, owner, request_id: event.requestContext.requestId });

    const served = way === 'workflow' ? workflow(event) : passOn(legacy, body);
    const answer = await served.catch(problemResponse);
    count(way, answer.statusCode >= 500);
    return { ...answer, headers: { ...answer.headers, [PROVISIONED_BY]: way } };
  };

/** @throws RequestProblem INVALID_REQUEST for a body that is not what was sent any more */
async function passOn(legacy: Services['legacy'], body: string) {
  if (!WELL_FORMED.test(body)) throw invalidBody(NOT_WELL_FORMED);
  const answer = await legacy.request(body);
  return jsonText(answer.status, answer.body);
}

const named = z.object({ username: z.string() });

/** The username that a body asks for; empty when it names none, which either way refuses. */
function usernameIn(body: string): string {
  try {
    return named.safeParse(JSON.parse(body)).data?.username ?? '';
  } catch {
    return '';
  }
}

/** Reads the flag only in the phase that has one. */
function chooser(address: FlagAddress | undefined): Services['choose'] {
  if (address === undefined) return async (event) => backendByHeader(event);
  const flag = migrationFlag({
    appConfig: stepClient(AppConfigDataClient),
    address,
    now: systemClock.now,
  });
  return async (event, username) => backendByFlag(event, username, await flag());
}

/** Says in the log how it went, in a line that is a metric, too. */
const count: Services['count'] = (way, failed) => {
  const by =
    way === 'workflow'
      ? embeddedMetrics({ provisionedByWorkflow: 1, provisionedByWorkflowFailed: Number(failed) })
      : embeddedMetrics({ provisionedByLegacy: 1, provisionedByLegacyFailed: Number(failed) });
  logger.info('Request served', { way, failed, ...by });
};

const environment = readEnvironment(environments['route-provisioning']);

export const handler = api(
  routeProvisioning({
    choose: chooser(environment.MIGRATION_FLAG),
    keep: pinBackend({
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
