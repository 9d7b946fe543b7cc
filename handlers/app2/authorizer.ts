import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { CognitoJwtVerifier } from 'aws-jwt-verify';
import {
  JwtInvalidClaimError,
  JwtInvalidSignatureAlgorithmError,
  JwtInvalidSignatureError,
  JwtParseError,
  JwtWithoutValidKidError,
  KidNotFoundInJwksError,
  ParameterValidationError,
  WaitPeriodNotYetEndedJwkError,
} from 'aws-jwt-verify/error';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import type { APIGatewayAuthorizerResult, APIGatewayTokenAuthorizerEvent, Context } from 'aws-lambda';
import * as z from 'zod';
import { type Access, adminAccess, businessAccess, type Client } from '../../contracts/app2-access.ts';
import { type Group, groups, ownerGroups } from '../../contracts/app2-api.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { classifyError } from '../shared/errors.ts';
import { logger, withLogContext } from '../shared/logger.ts';
import { embeddedMetrics } from '../shared/metrics.ts';
import { currentTraceId } from '../shared/trace-header.ts';
import { environments } from './lib/environments.ts';
import { findUser } from './lib/pool-user.ts';

/** Claims of a verified access token. */
const accessToken = z.object({
  sub: z.string(),
  username: z.string(),
  client_id: z.string(),
  /** Required here: the verifier accepts a token without it. */
  exp: z.number(),
  'cognito:groups': z.array(z.string()).default([]),
});

interface Services {
  /** @throws an error of aws-jwt-verify */
  verify: (token: string) => Promise<unknown>;
  /** Id of each app client. */
  clientIds: Record<Client, string>;
  /** Name of each group in the pool. */
  groupNames: Readonly<Record<Group, string>>;
  /** The routes that exist, with their authorization. */
  routes: readonly Access[];
  /** Clients whose tokens are refused if the user is deleted or disabled. */
  checkedInPool: readonly Client[];
  /** Whether the pool has this user, and the user is enabled. @throws the errors of AdminGetUser */
  isEnabled: (sub: string) => Promise<boolean>;
}

/** Errors of an invalid token. Any other error means that the token could not be verified. */
const INVALID = [
  JwtParseError,
  JwtInvalidClaimError,
  JwtInvalidSignatureError,
  JwtInvalidSignatureAlgorithmError,
  JwtWithoutValidKidError,
  KidNotFoundInJwksError,
  // The token has no issuer, or another one.
  ParameterValidationError,
  // The JWKS was fetched some seconds ago without this key. It is not fetched again at the rate of a client.
  WaitPeriodNotYetEndedJwkError,
  z.ZodError,
];

/**
 * Verifies the access token and returns a policy for the whole API, which API Gateway caches for all routes: it allows
 * the routes of the token's groups and client, and denies all others.
 * docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
 * A token is valid until it expires, also if its user is removed. For the clients in `checkedInPool` the user is read
 * from the pool, too; the result counts while the policy is cached: one minute.
 * @throws Error `Unauthorized` (this message makes API Gateway return 401) for a token that is missing or not valid, or
 * whose user is deleted or disabled; any other error becomes a 500 and is not cached
 */
export const authorize =
  ({ verify, clientIds, groupNames, routes, checkedInPool, isEnabled }: Services) =>
  async (event: APIGatewayTokenAuthorizerEvent): Promise<APIGatewayAuthorizerResult> => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(event.authorizationToken)?.[1];
    if (token === undefined) throw new Error('Unauthorized');
    const claims = await verify(token)
      .then((payload) => accessToken.parse(payload))
      .catch((thrown: unknown) => {
        if (INVALID.some((kind) => thrown instanceof kind)) throw refusal(classifyError(thrown).name);
        throw fault(thrown);
      });
    if (checkedInPool.some((client) => claims.client_id === clientIds[client])) {
      const enabled = await isEnabled(claims.sub).catch((thrown: unknown) => {
        throw fault(thrown);
      });
      if (!enabled) throw refusal('UserNotEnabled');
    }
    return policyFor(claims, { clientIds, groupNames, routes }, apiOf(event.methodArn));
  };

/** The token is not valid. */
function refusal(error: string): Error {
  logger.warn('Token not accepted', { error });
  return new Error('Unauthorized');
}

/**
 * The token could not be verified. Lambda's metric Errors also counts invalid tokens, with which any client could raise
 * an alarm, so this has a metric of its own.
 */
function fault(thrown: unknown): Error {
  const error = classifyError(thrown);
  logger.warn('Token not accepted', { error: error.name, ...embeddedMetrics({ authorizerFailures: 1 }) });
  return error;
}

/** `arn:…:<api id>/<stage>` of `arn:…:<api id>/<stage>/<method>/<path>`. */
function apiOf(methodArn: string): string {
  return methodArn.split('/').slice(0, 2).join('/');
}

/** A path parameter. In the resource of a policy `*` replaces it. */
const PARAMETER = /\{\w+\}/g;

function policyFor(
  claims: z.infer<typeof accessToken>,
  { clientIds, groupNames, routes }: Pick<Services, 'clientIds' | 'groupNames' | 'routes'>,
  api: string,
): APIGatewayAuthorizerResult {
  const allowed = routes.filter(
    ({ group, client }) =>
      claims['cognito:groups'].includes(groupNames[group]) && claims.client_id === clientIds[client],
  );
  const statement = (effect: 'Allow' | 'Deny', resources: string[]) => ({
    Action: 'execute-api:Invoke',
    Effect: effect,
    Resource: resources,
  });
  return {
    principalId: claims.sub,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [
        allowed.length === 0
          ? statement('Deny', [`${api}/*/*`])
          : statement(
              'Allow',
              allowed.map(({ method, path }) => `${api}/${method}/${path.replace(PARAMETER, '*')}`),
            ),
      ],
    },
    context: {
      owner: ownerOf(claims),
      username: claims.username,
      client_id: claims.client_id,
    },
  };
}

/** The service of a machine user, from its owner group; otherwise the user itself. */
function ownerOf({ sub, 'cognito:groups': memberOf }: z.infer<typeof accessToken>): string {
  return Object.values(ownerGroups).find((group) => memberOf.includes(group)) ?? sub;
}

/** Verifies signature, issuer, expiry, token use and client of the pool's access tokens. */
function accessTokenVerifier(userPoolId: string, clientId: string[]) {
  const verifier = CognitoJwtVerifier.create(
    { userPoolId, tokenUse: 'access', clientId },
    { jwksCache: new SimpleJwksCache({ fetcher: { fetch: () => fetchKeys(userPoolId) } }) },
  );
  return (token: string) => verifier.verify(token);
}

/**
 * Fetches the pool's JWKS from its Regional endpoint, or from `AWS_ENDPOINT_URL` as the SDK does. A pool can have two
 * issuers; the Regional one publishes the keys of every pool, so a token does not determine the URL.
 * docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html#user-pool-oidc-issuer
 * @throws an error of `fetch`, or an Error if the response is not 2xx
 */
async function fetchKeys(userPoolId: string): Promise<ArrayBuffer> {
  const { jwksUri } = CognitoJwtVerifier.parseUserPoolId(userPoolId);
  const address = new URL(new URL(jwksUri).pathname, process.env['AWS_ENDPOINT_URL'] || jwksUri);
  const response = await fetch(address, { signal: AbortSignal.timeout(3_000) });
  if (!response.ok) throw new Error(`The JWKS endpoint returned HTTP ${response.status}.`);
  return response.arrayBuffer();
}

const environment = readEnvironment(environments.authorizer);
const clientIds = { machine: environment.MACHINE_CLIENT_ID, service: environment.SERVICE_CLIENT_ID };
/** Clients whose users are read from the pool, by the setting `check_user_in_pool`. */
const CHECKED = { off: [], admin: ['machine'], all: ['machine', 'service'] } as const satisfies Record<
  string,
  readonly Client[]
>;
const cognito = apiClient(CognitoIdentityProviderClient);
const authorizer = authorize({
  verify: accessTokenVerifier(environment.USER_POOL_ID, Object.values(clientIds)),
  clientIds,
  groupNames: {
    [groups.apiClient]: environment.API_CLIENT_GROUP,
    [groups.serviceUser]: environment.SERVICE_USER_GROUP,
  },
  routes: [...Object.values(adminAccess), ...environment.BUSINESS_ROUTES.map(businessAccess)],
  checkedInPool: CHECKED[environment.CHECK_USER_IN_POOL],
  isEnabled: async (sub) => (await findUser(cognito, environment.USER_POOL_ID, sub))?.enabled === true,
});

export const handler = (event: APIGatewayTokenAuthorizerEvent, context?: Pick<Context, 'awsRequestId'>) =>
  withLogContext({ trace_id: currentTraceId(), function_request_id: context?.awsRequestId }, () =>
    authorizer(event),
  );
