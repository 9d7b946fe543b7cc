import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import {
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { type App1Context, requestRemoval, requestRetry, requestUser } from '../cli/app1-api.ts';
import { CliError } from '../cli/cli-error.ts';
import { type Connection, connectOptions } from '../cli/connect.ts';
import type { Provisioning } from '../cli/json-output.ts';
import type { App1, Target } from '../cli/outputs.ts';
import { pollUntilFinished, removeUser } from '../cli/poll.ts';
import { proposeFor, type Runtime } from '../cli/session.ts';
import { type BusinessRoute, businessRoute as businessRouteSchema } from '../contracts/app2-access.ts';
import { machineCredentials } from '../contracts/app2-api.ts';
import type { EventName } from '../contracts/events/catalogue.ts';
import { app2Routes } from '../contracts/routes.ts';
import { APP1, APP2, targetName } from '../contracts/services.ts';
import { hasErrorName } from '../handlers/shared/errors.ts';
import { functionNamed } from '../infra/names.ts';
import { cleanupRegistry } from './cleanup.ts';
import { CheckFailed } from './verdict.ts';

/**
 * Access of the checks to a deployed system: the outputs of its stacks, and the credentials of the SDK's default chain.
 * Requested users and all other resources of a check are removed at the end.
 */

/** A route, as `POST /charges`. */
export const businessRouteOption = z
  .string()
  .regex(/^[A-Z]+ \//, 'must be a method and a path, like "POST /charges"')
  .transform((route) => {
    const [method, path = ''] = route.split(/ \/(.*)/s);
    return { method, path };
  })
  .pipe(businessRouteSchema);

/** The business endpoint of App2. */
const SAMPLE: BusinessRoute = { method: 'POST', path: app2Routes.sample.path };

export const systemOptions = z.object({
  ...connectOptions.pick({ profile: true, region: true, apiKeyFile: true }).shape,
  /** Name of the target whose users are created. */
  target: targetName,
  /** Profile of the target's account, if it is another one. */
  targetProfile: connectOptions.shape.profile,
  /** URLs of the APIs, if they have custom domain names. */
  app1ApiUrl: connectOptions.shape.apiUrl,
  targetApiUrl: connectOptions.shape.apiUrl,
  /** A business endpoint of the target; without it, App2 has POST /sample, and of another target none is known. */
  businessRoute: businessRouteSchema.optional(),
  /** Timeout of each check, in milliseconds. */
  timeout: z.number(),
});
export type SystemOptions = z.infer<typeof systemOptions>;

/** Access to one of the services in its account. */
export interface ServiceAccess<Outputs> {
  outputs: Outputs;
  connection: Connection;
  /** ARN of the caller. */
  arn: string;
}

export interface NewUser {
  username: string;
  password: string;
  human_user_id: string;
  /** The target of the acceptance. */
  targets: readonly string[];
}

/** A provisioning that has finished. */
export interface Finished {
  user: NewUser;
  key: string;
  provisioning: Provisioning;
}

/** Any response of one of the APIs. */
export interface ApiResponse {
  status: number;
  headers: Headers;
  text: string;
}

interface RequestOptions<Method extends string = BusinessRoute['method']> {
  method?: Method;
  headers?: Record<string, string>;
  body?: string;
}

/** A removal takes half a minute, because it waits for calls in flight. The cleanup waits for it regardless of `timeout`. */
const MAX_REMOVAL = 2 * 60_000; // milliseconds

/** Longest pause between two attempts, in milliseconds. */
const MAX_PAUSE = 4_000;
const FIRST_PAUSE = 100;

/** Longer than API Gateway's timeout of 29 seconds, because a large body takes longer. */
const CALL_LIMIT = 60_000; // milliseconds

/** The events of a user that was provisioned and then removed. */
export const DEPROVISIONED_EVENTS = [
  'ServiceUserProvisioningRequested',
  'ServiceUserCreated',
  'ServiceUserProvisioned',
  'ServiceUserRemoved',
  'ServiceUserDeprovisioned',
] as const satisfies readonly EventName[];

export type DeployedSystem = Awaited<ReturnType<typeof deployedSystem>>;

/** @throws CliError when one of the stacks is not available with these credentials, or a migration is in progress */
export async function deployedSystem(
  { target, targetProfile, app1ApiUrl, targetApiUrl, businessRoute, timeout, ...rest }: SystemOptions,
  world: Pick<Runtime, 'clock' | 'connect' | 'environment' | 'interrupted' | 'terminal'>,
) {
  const { clock, connect, interrupted } = world;
  const options = { ...rest, aws: true, ...(app1ApiUrl === undefined ? {} : { apiUrl: app1ApiUrl }) };
  const connected = (signal: AbortSignal) => connect(options, { ...world, interrupted: signal });
  const connection1 = connected(interrupted);
  const connection2 =
    targetProfile === undefined ? connection1 : connect({ ...options, profile: targetProfile }, world);
  const [found1, found2] = await Promise.all([
    accessTo(connection1, connection1.app1, clock.now),
    accessTo(connection2, () => connection2.target(target), clock.now),
  ]);
  rejectMigration(found1.outputs);
  const app1 = { ...found1, name: APP1 };
  const app2 = {
    ...found2,
    name: target,
    outputs: { ...found2.outputs, api_url: targetApiUrl?.replace(/\/$/, '') ?? found2.outputs.api_url },
  };

  const progress = world.terminal.progress();
  const apiContext: App1Context = { connection: connection1, propose: proposeFor(options) };
  const pollContext = { ...apiContext, connection: connection1, clock, progress, interrupted };
  /** Is not interrupted, so that the cleanup completes. */
  const cleanupContext = {
    ...pollContext,
    connection: connected(new AbortController().signal),
    clock: {
      ...clock,
      sleep: (milliseconds: number) => new Promise<void>((end) => setTimeout(end, milliseconds)),
    },
    interrupted: new AbortController().signal,
  };
  const cognito = app2.connection.client(CognitoIdentityProviderClient);

  /** Part of the names of all resources of this run. */
  const run = randomBytes(4).toString('hex');
  const trace = `1-${Math.floor(clock.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')}`;
  let users = 0;
  const names: string[] = [];
  const cleanup = cleanupRegistry();

  const newUser = (overrides: Partial<NewUser> = {}): NewUser => {
    users += 1;
    return {
      username: `acceptance-${run}-${users}`,
      password: newPassword(),
      human_user_id: 'acceptance',
      targets: [target],
      ...overrides,
    };
  };

  /** Registers a provisioning whose user has to be removed; `idOf` returns its id. */
  const registerProvisioning = (description: string, idOf: () => Promise<string>) =>
    cleanup.add({
      description,
      startRemoval: async () => requestRemoval(cleanupContext, await idOf()),
      remove: async () => removeUser(cleanupContext, await idOf(), Math.max(timeout, MAX_REMOVAL)),
    });

  /** Requests a service user, with additional headers. @throws CliError when App1 rejects the request */
  const request = async (over: Partial<NewUser> = {}, more: Record<string, string> = {}) => {
    const user = newUser(over);
    const key = randomUUID();
    const callApp1: Connection['callApp1'] = (method, path, headers, body) =>
      connection1.callApp1(method, path, { ...headers, ...more }, body);
    names.push(user.username);
    let id: string | undefined;
    const unregister = registerProvisioning(
      `the service user ${user.username}`,
      // Without a response, a repeat of the request returns the id.
      async () => id ?? (await requestUser(cleanupContext, user, key)).provisioning_id,
    );
    try {
      id = (await requestUser({ ...apiContext, connection: { callApp1 } }, user, key)).provisioning_id;
      return { user, key, id };
    } catch (error) {
      // Rejected: there is no provisioning.
      if (error instanceof CliError && ['usage', 'conflict'].includes(error.exit)) unregister();
      throw error;
    }
  };

  const waitUntilFinished = (id: string): Promise<Provisioning> =>
    pollUntilFinished(pollContext, id, timeout, { isNew: true });

  const provision = async (over?: Partial<NewUser>, headers?: Record<string, string>): Promise<Finished> => {
    const { user, key, id } = await request(over, headers);
    return { user, key, provisioning: await waitUntilFinished(id) };
  };

  /** Retries an attempt until it no longer throws CheckFailed, at most for `within` milliseconds; then throws the last error. */
  const eventually = async <Found>(attempt: () => Promise<Found>, within = timeout): Promise<Found> => {
    const firstAttemptAt = clock.now();
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 1.5, MAX_PAUSE)) {
      interrupted.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof CheckFailed)) throw error;
        const elapsed = clock.now() - firstAttemptAt;
        if (elapsed >= within)
          throw new CheckFailed(`${error.message} (waited ${Math.round(elapsed / 1000)} s)`);
        progress.update(error.message, `(${Math.round(elapsed / 1000)} s)`);
        await clock.sleep(Math.min(pause, within - elapsed));
      }
    }
  };

  let example: Promise<Finished> | undefined;

  return {
    /** Start of the run, rounded down to a minute, because CloudWatch counts per minute. */
    startedAt: Math.floor(clock.now() / 60_000) * 60_000,
    app1,
    app2,
    timeout,
    clock,
    progress,
    /** The resources of the run, which have to be removed. */
    cleanup,
    /** The names of all requested service users. */
    names,
    newUser,
    request,
    waitUntilFinished,
    provision,
    eventually,
    apiContext,

    /** A successful provisioning that several checks share. */
    example: (): Promise<Finished> => {
      example ??= succeeded(provision({}, { 'x-amzn-trace-id': `Root=${trace};Sampled=1` }));
      return example;
    },

    /** The trace id of the example. It is sampled regardless of the sampling rules. */
    trace,

    /** Retries a provisioning. Its user is removed at the end, too. */
    async retry(id: string): Promise<Provisioning> {
      const { provisioning_id } = await requestRetry(apiContext, id, randomUUID());
      registerProvisioning(`the service user of ${provisioning_id}`, async () => provisioning_id);
      return waitUntilFinished(provisioning_id);
    },

    /** Removes the user, and waits until it is removed. */
    remove: (id: string): Promise<undefined> => removeUser(pollContext, id, timeout),

    /** A signed request to App1, with the API key if there is one. */
    async callApp1(
      path: string,
      { method = 'GET', headers = {}, body }: RequestOptions<'GET' | 'POST' | 'DELETE'> = {},
    ): Promise<ApiResponse> {
      return toApiResponse(await connection1.callApp1(method, path, headers, body));
    },

    /** Whether there is an API key. */
    hasApiKey: options.apiKeyFile !== undefined,

    /** A signed request to App1 without its API key. */
    async callApp1WithoutKey(path: string): Promise<ApiResponse> {
      const { apiKeyFile: _, ...keyless } = options;
      return toApiResponse(await connect(keyless, world).callApp1('GET', path));
    },

    /** An unsigned request to App1. */
    async callApp1Unsigned(path: string, headers: Record<string, string> = {}): Promise<ApiResponse> {
      const address = app1ApiUrl?.replace(/\/$/, '') ?? app1.outputs.api_url;
      return toApiResponse(await fetch(`${address}${path}`, { headers, signal: callLimit(interrupted) }));
    },

    /** A business endpoint of the target, if one is known. */
    businessRoute: businessRoute ?? (target === APP2 ? SAMPLE : undefined),

    /** A request to the target, with a token or without. */
    async callTarget(
      path: string,
      { method = 'GET', headers = {}, body, token }: RequestOptions & { token?: string } = {},
    ): Promise<ApiResponse> {
      return toApiResponse(
        await fetch(`${app2.outputs.api_url}${path}`, {
          method,
          headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
          signal: callLimit(interrupted),
          ...(body === undefined ? {} : { body }),
        }),
      );
    },

    /** Signs a service user in, as the service does. @throws the error of Cognito */
    async signIn({ username, password }: Pick<NewUser, 'username' | 'password'>): Promise<string> {
      const { AuthenticationResult, ChallengeName } = await cognito.send(
        new InitiateAuthCommand({
          AuthFlow: 'USER_PASSWORD_AUTH',
          ClientId: app2.outputs.service_client_id,
          AuthParameters: { USERNAME: username, PASSWORD: password },
        }),
      );
      if (AuthenticationResult?.AccessToken !== undefined) return AuthenticationResult.AccessToken;
      throw new CheckFailed(`Cognito returns the challenge ${ChallengeName ?? 'unknown'} instead of tokens`);
    },

    /** Signs App1's machine user in with the credentials of the secret, as App1 does. */
    async machineToken(): Promise<string> {
      const { SecretString = '' } = await app2.connection
        .client(SecretsManagerClient)
        .send(new GetSecretValueCommand({ SecretId: app2.outputs.credentials_secret_arn }));
      const { username, password, client_secret } = machineCredentials.parse(JSON.parse(SecretString));
      const ClientId = app2.outputs.machine_client_id;
      const SECRET_HASH = createHmac('sha256', client_secret)
        .update(username + ClientId)
        .digest('base64');
      const { AuthenticationResult } = await cognito.send(
        new InitiateAuthCommand({
          AuthFlow: 'USER_PASSWORD_AUTH',
          ClientId,
          AuthParameters: { USERNAME: username, PASSWORD: password, SECRET_HASH },
        }),
      );
      if (AuthenticationResult?.AccessToken !== undefined) return AuthenticationResult.AccessToken;
      throw new CheckFailed('Cognito returns a challenge instead of tokens for the machine user');
    },

    /** The user in the pool; `undefined` when it does not exist. */
    async poolUser(Username: string) {
      const poolUserKey = { UserPoolId: app2.outputs.user_pool_id, Username };
      try {
        const {
          UserAttributes = [],
          UserStatus,
          Enabled,
        } = await cognito.send(new AdminGetUserCommand(poolUserKey));
        const { Groups = [] } = await cognito.send(new AdminListGroupsForUserCommand(poolUserKey));
        return {
          status: UserStatus,
          enabled: Enabled,
          attributes: Object.fromEntries(UserAttributes.map(({ Name = '', Value = '' }) => [Name, Value])),
          groups: Groups.map(({ GroupName = '' }) => GroupName),
        };
      } catch (error) {
        if (hasErrorName(error, 'UserNotFoundException')) return undefined;
        throw error;
      }
    },

    /** The audit events that the logs of the buses must contain, by provisioning. The checks that cause them add them. */
    expectedEvents: new Map<string, readonly EventName[]>(),
  };
}

/** @throws CliError during a migration: requests may go to a legacy endpoint, whose users cannot be removed here */
function rejectMigration({ log_groups }: App1): void {
  if (!log_groups.some((group) => group.endsWith(`/${functionNamed('app1', 'route-provisioning')}`))) return;
  throw new CliError(
    'conflict',
    'MIGRATION',
    'A migration is in progress: requests may go to the legacy endpoint and create users that cannot be removed here.',
    'Run the acceptance before the migration starts or after it has finished (docs/migration.md).',
  );
}

async function accessTo<Outputs extends App1 | Target>(
  connection: Connection,
  outputs: () => Promise<Outputs>,
  now: () => number,
): Promise<ServiceAccess<Outputs>> {
  const { arn } = await connection.identity(now);
  return { connection, arn, outputs: await outputs() };
}

/** @throws CheckFailed when the provisioning did not succeed */
async function succeeded(provisioning: Promise<Finished>): Promise<Finished> {
  const finished = await provisioning;
  const { status, user, error } = finished.provisioning;
  if (status === 'SUCCEEDED' && user === 'present') return finished;
  throw new CheckFailed(
    `a provisioning finished as ${status}${error === undefined ? '' : `, ${error.code} in ${error.step}`}, user ${user}`,
  );
}

async function toApiResponse(response: Response): Promise<ApiResponse> {
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const callLimit = (interrupted: AbortSignal) =>
  AbortSignal.any([AbortSignal.timeout(CALL_LIMIT), interrupted]);

/** A password that meets every password policy of a pool. */
export const newPassword = (): string => `Aa1-${randomBytes(72).toString('base64url')}`;
