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
import { app2Access, type Client } from '../../contracts/app2-access.ts';
import { type Group, groups, ownerGroups } from '../../contracts/app2-api.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { classifyError } from '../shared/errors.ts';
import { logger, withLogContext } from '../shared/logger.ts';
import { embeddedMetrics } from '../shared/metrics.ts';
import { presentTrace } from '../shared/trace-header.ts';
import { environments } from './lib/environments.ts';
import { findUser } from './lib/pool-user.ts';

/** What a verified access token of a user says of its bearer. */
const accessToken = z.object({
  sub: z.string(),
  username: z.string(),
  client_id: z.string(),
  /** The verifier checks it, but takes a token that has none. */
  exp: z.number(),
  'cognito:groups': z.array(z.string()).default([]),
});

interface Services {
  /** @throws an error of aws-jwt-verify */
  verify: (token: string) => Promise<unknown>;
  /** Id of each app client. */
  clientIds: Record<Client, string>;
  /** What each group of the routes is called in the pool. */
  groupNames: Readonly<Record<Group, string>>;
  /** Whose tokens are refused when their user is gone or disabled, although they have not ended. */
  checkedInPool: readonly Client[];
  /** Whether the pool has this user, and it may sign in. @throws the errors of Cognito when that cannot be told */
  isEnabled: (sub: string) => Promise<boolean>;
}

/** Errors that mean "this token is not valid". Any other means that it could not be told. */
const INVALID = [
  JwtParseError,
  JwtInvalidClaimError,
  JwtInvalidSignatureError,
  JwtInvalidSignatureAlgorithmError,
  JwtWithoutValidKidError,
  KidNotFoundInJwksError,
  // The token names no issuer, or one that is not the pool.
  ParameterValidationError,
  // The pool was asked a few seconds ago, had no such key, and is not asked at a stranger's pace.
  WaitPeriodNotYetEndedJwkError,
  z.ZodError,
];

/**
 * Verifies the access token and answers with a policy for the whole API, so that API Gateway may use it again for any
 * route: all routes of the token's groups and client are allowed, everything else is denied.
 * docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
 * A token is good until it ends, whatever becomes of its user; for the clients in `checkedInPool` the pool is asked, too.
 * The answer counts as long as the policy is cached: one minute.
 * @throws Error `Unauthorized` (exactly this makes API Gateway answer 401) for a token that is missing or not valid, or
 * whose user is gone or disabled; any other error (the pool cannot be asked) becomes a 500 and is not cached
 */
export const authorize =
  ({ verify, clientIds, groupNames, checkedInPool, isEnabled }: Services) =>
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
    return policyFor(claims, { clientIds, groupNames }, apiOf(event.methodArn));
  };

/** The token is not valid. */
function refusal(error: string): Error {
  logger.warn('Token not accepted', { error });
  return new Error('Unauthorized');
}

/**
 * It could not be told whether the token is valid. Lambda's own count of errors has the tokens that are not valid, too, and
 * anybody could raise its alarm, so this is counted by itself.
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

/** A segment of a path that varies. In the resource of a policy `*` stands for it. */
const PARAMETER = /\{\w+\}/g;

function policyFor(
  claims: z.infer<typeof accessToken>,
  { clientIds, groupNames }: Pick<Services, 'clientIds' | 'groupNames'>,
  api: string,
): APIGatewayAuthorizerResult {
  const allowed = Object.values(app2Access).filter(
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

/** For whom the bearer works, if its groups say so; else it is on its own. */
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
 * The pool's public keys, from its Regional endpoint or from the one that `AWS_ENDPOINT_URL` names, as the SDK does.
 * Two issuers can name the pool; the Regional one publishes keys for every pool, so that a token that names the other
 * one does not decide what is called.
 * docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html#user-pool-oidc-issuer
 * @throws an error of `fetch`, or an Error when the answer is not 2xx
 */
async function fetchKeys(userPoolId: string): Promise<ArrayBuffer> {
  const { jwksUri } = CognitoJwtVerifier.parseUserPoolId(userPoolId);
  const address = new URL(new URL(jwksUri).pathname, process.env['AWS_ENDPOINT_URL'] || jwksUri);
  const response = await fetch(address, { signal: AbortSignal.timeout(3_000) });
  if (!response.ok) throw new Error(`The user pool's keys were answered with HTTP ${response.status}.`);
  return response.arrayBuffer();
}

const environment = readEnvironment(environments.authorizer);
const clientIds = { machine: environment.MACHINE_CLIENT_ID, service: environment.SERVICE_CLIENT_ID };
/** By setting: whose tokens the pool is asked about. */
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
  checkedInPool: CHECKED[environment.CHECK_USER_IN_POOL],
  isEnabled: async (sub) => (await findUser(cognito, environment.USER_POOL_ID, sub))?.enabled === true,
});

export const handler = (event: APIGatewayTokenAuthorizerEvent, context?: Pick<Context, 'awsRequestId'>) =>
  withLogContext({ trace_id: presentTrace(), function_request_id: context?.awsRequestId }, () =>
    authorizer(event),
  );
