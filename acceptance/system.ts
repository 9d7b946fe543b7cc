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
import { pollUntilFinished, removeUser } from '../cli/poll.ts';
import { proposeFor, type Runtime } from '../cli/session.ts';
import type { App1, App2 } from '../cli/target-environment.ts';
import { machineCredentials } from '../contracts/app2-api.ts';
import type { EventName } from '../contracts/events/catalogue.ts';
import { hasErrorName } from '../handlers/shared/errors.ts';
import { functionNamed } from '../infra/names.ts';
import { cleanupRegistry } from './cleanup.ts';
import { CheckFailed } from './verdict.ts';

/**
 * A deployed system as the checks see it: by the outputs of its stacks, with the credentials that the SDK finds. Users
 * that are requested by it are removed at the end, and so is whatever else a check has made.
 */

export const systemOptions = z.object({
  ...connectOptions.pick({ profile: true, region: true, apiKeyFile: true }).shape,
  /** Profile of the account of App2, when that is another one. */
  app2Profile: connectOptions.shape.profile,
  /** Addresses of the APIs, where they have names of their own. */
  app1ApiUrl: connectOptions.shape.apiUrl,
  app2ApiUrl: connectOptions.shape.apiUrl,
  /** How long to wait for anything, in milliseconds. */
  timeout: z.number(),
});
export type SystemOptions = z.infer<typeof systemOptions>;

/** One of the services, in its account. */
export interface Side<Outputs> {
  outputs: Outputs;
  connection: Connection;
  /** Of the credentials with which it is asked. */
  arn: string;
}

export interface NewUser {
  username: string;
  password: string;
  human_user_id: string;
}

/** A provisioning that has finished. */
export interface Finished {
  user: NewUser;
  key: string;
  provisioning: Provisioning;
}

/** An answer of one of the APIs, whatever it is. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

interface Asked {
  method?: 'GET' | 'POST' | 'DELETE';
  headers?: Record<string, string>;
  body?: string;
}

/** A removal is proved by time, so it takes half a minute: however short the patience, it is waited for. */
const LONGEST_REMOVAL = 2 * 60_000; // milliseconds

/** Longest pause between two looks, in milliseconds. */
const LONGEST_PAUSE = 4_000;
const FIRST_PAUSE = 100;

/** API Gateway gives up after 29 seconds; a large body takes its time. */
const CALL_LIMIT = 60_000; // milliseconds

export type DeployedSystem = Awaited<ReturnType<typeof deployedSystem>>;

/** @throws CliError when one of the stacks is not to be seen with these credentials, or must not be tried now */
export async function deployedSystem(
  { app2Profile, app1ApiUrl, app2ApiUrl, timeout, ...rest }: SystemOptions,
  world: Pick<Runtime, 'clock' | 'connect' | 'environment' | 'interrupted' | 'terminal'>,
) {
  const { clock, connect, interrupted } = world;
  const options = { ...rest, aws: true, ...(app1ApiUrl === undefined ? {} : { apiUrl: app1ApiUrl }) };
  const connected = (signal: AbortSignal) => connect(options, { ...world, interrupted: signal });
  const connection1 = connected(interrupted);
  const connection2 =
    app2Profile === undefined ? connection1 : connect({ ...options, profile: app2Profile }, world);
  const [app1, found2] = await Promise.all([
    sideOf(connection1, connection1.app1, clock.now),
    sideOf(connection2, connection2.app2, clock.now),
  ]);
  refuseMigration(app1.outputs);
  const app2 = {
    ...found2,
    outputs: { ...found2.outputs, api_url: app2ApiUrl?.replace(/\/$/, '') ?? found2.outputs.api_url },
  };

  const progress = world.terminal.progress();
  const asking: App1Context = { connection: connection1, propose: proposeFor(options) };
  const waiting = { ...asking, connection: connection1, clock, progress, interrupted };
  /** Goes on when the user has had enough: what was made is taken away all the same. */
  const cleaning = {
    ...waiting,
    connection: connected(new AbortController().signal),
    clock: {
      ...clock,
      sleep: (milliseconds: number) => new Promise<void>((end) => setTimeout(end, milliseconds)),
    },
    interrupted: new AbortController().signal,
  };
  const cognito = app2.connection.client(CognitoIdentityProviderClient);

  /** In the names of everything that this run makes. */
  const run = randomBytes(4).toString('hex');
  const trace = `1-${Math.floor(clock.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')}`;
  let users = 0;
  const names: string[] = [];
  const cleanup = cleanupRegistry();

  const newUser = (over: Partial<NewUser> = {}): NewUser => {
    users += 1;
    return {
      username: `acceptance-${run}-${users}`,
      password: newPassword(),
      human_user_id: 'acceptance',
      ...over,
    };
  };

  /** Registers a provisioning whose user has to be removed; `idOf` tells which, once that is known. */
  const registerProvisioning = (description: string, idOf: () => Promise<string>) =>
    cleanup.add({
      description,
      startRemoval: async () => requestRemoval(cleaning, await idOf()),
      remove: async () => removeUser(cleaning, await idOf(), Math.max(timeout, LONGEST_REMOVAL)),
    });

  /** Requests a service user, maybe with headers of its own. @throws CliError when App1 refuses */
  const request = async (over: Partial<NewUser> = {}, more: Record<string, string> = {}) => {
    const user = newUser(over);
    const key = randomUUID();
    const callApp1: Connection['callApp1'] = (method, path, headers, body) =>
      connection1.callApp1(method, path, { ...headers, ...more }, body);
    names.push(user.username);
    let id: string | undefined;
    const unregister = registerProvisioning(
      `the service user ${user.username}`,
      // When its answer never came, the same request tells the id.
      async () => id ?? (await requestUser(cleaning, user, key)).provisioning_id,
    );
    try {
      id = (await requestUser({ ...asking, connection: { callApp1 } }, user, key)).provisioning_id;
      return { user, key, id };
    } catch (error) {
      // Refused: there is nothing of it.
      if (error instanceof CliError && ['usage', 'conflict'].includes(error.exit)) unregister();
      throw error;
    }
  };

  const ended = (id: string): Promise<Provisioning> =>
    pollUntilFinished(waiting, id, timeout, { isNew: true });

  const provision = async (over?: Partial<NewUser>, headers?: Record<string, string>): Promise<Finished> => {
    const { user, key, id } = await request(over, headers);
    return { user, key, provisioning: await ended(id) };
  };

  /** Calls again until nothing is missing; gives up with what was missing last. `within` milliseconds. */
  const eventually = async <Found>(attempt: () => Promise<Found>, within = timeout): Promise<Found> => {
    const begun = clock.now();
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
      interrupted.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof CheckFailed)) throw error;
        const passed = clock.now() - begun;
        if (passed >= within)
          throw new CheckFailed(`${error.message} (waited ${Math.round(passed / 1000)} s)`);
        progress.update(error.message, `(${Math.round(passed / 1000)} s)`);
        await clock.sleep(Math.min(pause, within - passed));
      }
    }
  };

  let example: Promise<Finished> | undefined;

  return {
    /** Nothing of before counts. CloudWatch counts by minutes. */
    begun: Math.floor(clock.now() / 60_000) * 60_000,
    app1,
    app2,
    timeout,
    clock,
    progress,
    /** What the run has made and has to remove. */
    cleanup,
    /** The names of all service users that were requested. */
    names,
    newUser,
    request,
    ended,
    provision,
    eventually,
    asking,

    /** One provisioning that went well, for everything that only needs to look at one. */
    example: (): Promise<Finished> => {
      example ??= succeeded(provision({}, { 'x-amzn-trace-id': `Root=${trace};Sampled=1` }));
      return example;
    },

    /** The trace of the example; X-Ray keeps it whatever its sampling rules say. */
    trace,

    /** Asks App1 to try a provisioning again; what that makes is removed, too. */
    async retry(id: string): Promise<Provisioning> {
      const { provisioning_id } = await requestRetry(asking, id, randomUUID());
      registerProvisioning(`the service user of ${provisioning_id}`, async () => provisioning_id);
      return ended(provisioning_id);
    },

    /** Has App1 remove the user, and waits until it is gone. */
    remove: (id: string): Promise<undefined> => removeUser(waiting, id, timeout),

    /** A signed request to App1, with the API key if there is one. */
    async askApp1(path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answer> {
      return answerOf(await connection1.callApp1(method, path, headers, body));
    },

    /** Whether there is an API key. */
    hasApiKey: options.apiKeyFile !== undefined,

    /** A signed request to App1 without its API key. */
    async askApp1WithoutKey(path: string): Promise<Answer> {
      const { apiKeyFile: _, ...keyless } = options;
      return answerOf(await connect(keyless, world).callApp1('GET', path));
    },

    /** A request to App1 that nobody has signed. */
    async askApp1Unsigned(path: string, headers: Record<string, string> = {}): Promise<Answer> {
      const address = app1ApiUrl?.replace(/\/$/, '') ?? app1.outputs.api_url;
      return answerOf(await fetch(`${address}${path}`, { headers, signal: callLimit(interrupted) }));
    },

    /** A request to App2, with a token or without. */
    async askApp2(
      path: string,
      { method = 'GET', headers = {}, body, token }: Asked & { token?: string } = {},
    ): Promise<Answer> {
      return answerOf(
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
      throw new CheckFailed(`Cognito asks for ${ChallengeName ?? 'more'} instead of signing the user in`);
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
      throw new CheckFailed('Cognito asks for more instead of signing the machine user in');
    },

    /** The user as the pool has it; `undefined` when there is none. */
    async poolUser(Username: string) {
      const who = { UserPoolId: app2.outputs.user_pool_id, Username };
      try {
        const { UserAttributes = [], UserStatus, Enabled } = await cognito.send(new AdminGetUserCommand(who));
        const { Groups = [] } = await cognito.send(new AdminListGroupsForUserCommand(who));
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

    /** Audit events that have to be in the logs of the buses, by provisioning: whoever causes them notes them here. */
    expectedEvents: new Map<string, readonly EventName[]>(),
  };
}

/** @throws CliError while requests may be passed on to a legacy endpoint, whose users nobody here can remove */
function refuseMigration({ log_groups }: App1): void {
  if (!log_groups.some((group) => group.endsWith(`/${functionNamed('app1', 'route-provisioning')}`))) return;
  throw new CliError(
    'conflict',
    'MIGRATION',
    'A legacy endpoint is being replaced: requests may be passed on to it, and make users that cannot be removed here.',
    'Prove the system before the migration begins, or after it has ended (docs/migration.md).',
  );
}

async function sideOf<Outputs extends App1 | App2>(
  connection: Connection,
  outputs: () => Promise<Outputs>,
  now: () => number,
): Promise<Side<Outputs>> {
  const { arn } = await connection.identity(now);
  return { connection, arn, outputs: await outputs() };
}

/** @throws CheckFailed when it did not go well, so that it cannot be an example */
async function succeeded(provisioning: Promise<Finished>): Promise<Finished> {
  const finished = await provisioning;
  const { status, user, error } = finished.provisioning;
  if (status === 'SUCCEEDED' && user === 'present') return finished;
  throw new CheckFailed(
    `a provisioning ended as ${status}${error === undefined ? '' : `, ${error.code} in ${error.step}`}, user ${user}`,
  );
}

async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const callLimit = (interrupted: AbortSignal) =>
  AbortSignal.any([AbortSignal.timeout(CALL_LIMIT), interrupted]);

/** One that meets every policy that a pool can have. */
export const newPassword = (): string => `Aa1-${randomBytes(72).toString('base64url')}`;
