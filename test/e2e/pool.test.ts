import { createHmac } from 'node:crypto';
import {
  AdminInitiateAuthCommand,
  type AdminInitiateAuthCommandInput,
  InitiateAuthCommand,
  SignUpCommand,
  UpdateUserAttributesCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  newName,
  newPassword,
  newRequest,
  outputs,
  provision,
  readMachineCredentials,
  system,
} from './support/deployed.ts';

/** Requests to App2's user pool by a client without permissions in its account. */

const { cognito } = system.clients;
const { user_pool_id: UserPoolId, service_client_id, machine_client_id } = outputs.app2;
const request = newRequest();
let credentials: Awaited<ReturnType<typeof readMachineCredentials>>;

beforeAll(async () => {
  await provision(request);
  credentials = await readMachineCredentials();
});

const errorOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'no rejection',
    (error: unknown) => (error instanceof Error ? [error.name, error.message] : 'no error'),
  );
const hash = (username: string, client: string, secret: string) =>
  createHmac('sha256', secret)
    .update(username + client)
    .digest('base64');

describe('the user pool', () => {
  it.each([
    ['the service client', () => service_client_id, undefined],
    ['the machine client', () => machine_client_id, 'SecretHash'],
  ])('rejects a sign-up with %s', async (_client, ClientId, withHash) => {
    const Username = newName('sign-up');
    const SecretHash = hash(Username, ClientId(), credentials.client_secret);
    const attempt = cognito.send(
      new SignUpCommand({
        ClientId: ClientId(),
        Username,
        Password: newPassword(),
        ...(withHash === undefined ? {} : { SecretHash }),
      }),
    );

    await expect(attempt).rejects.toMatchObject({ name: 'NotAuthorizedException' });
    expect(await system.user(Username)).toBeUndefined();
  });

  it.each([
    ['REFRESH_TOKEN_AUTH', { REFRESH_TOKEN: 'any' }],
    ['USER_SRP_AUTH', { USERNAME: request.username, SRP_A: 'aa' }],
    ['CUSTOM_AUTH', { USERNAME: request.username }],
  ] as const)('allows passwords only: %s is disabled', async (AuthFlow, AuthParameters) => {
    for (const ClientId of [service_client_id, machine_client_id]) {
      const user = 'USERNAME' in AuthParameters ? AuthParameters.USERNAME : request.username;
      const SECRET_HASH = hash(user, ClientId, credentials.client_secret);
      const attempt = cognito.send(
        new InitiateAuthCommand({
          AuthFlow,
          ClientId,
          AuthParameters: { ...AuthParameters, ...(ClientId === machine_client_id ? { SECRET_HASH } : {}) },
        }),
      );
      await expect(attempt).rejects.toMatchObject({
        name: expect.stringMatching(/^(InvalidParameter|NotAuthorized)Exception$/),
      });
    }
  });

  it.each(['ADMIN_USER_PASSWORD_AUTH', 'ADMIN_NO_SRP_AUTH'] as const)(
    'allows no sign-in by an administrator: %s is disabled',
    async (AuthFlow) => {
      const input: AdminInitiateAuthCommandInput = {
        UserPoolId,
        ClientId: service_client_id,
        AuthFlow,
        AuthParameters: { USERNAME: request.username, PASSWORD: request.password },
      };

      await expect(cognito.send(new AdminInitiateAuthCommand(input))).rejects.toMatchObject({
        name: 'InvalidParameterException',
      });
    },
  );

  it('does not reveal whether a user exists', async () => {
    const wrong = await errorOf(system.signIn(request.username, newPassword()));
    const unknown = await errorOf(system.signIn(newName('unknown'), newPassword()));

    expect(wrong).toEqual(['NotAuthorizedException', 'Incorrect username or password.']);
    expect(unknown).toEqual(wrong);
  });

  it.each([
    ['its ownership stamp', 'custom:provisioning_id'],
    ['its generation', 'custom:creation_id'],
    ['its owner', 'custom:owner'],
    ['the caller that it was created for', 'custom:on_behalf_of'],
    ['its human user', 'custom:human_user_id'],
    ['its name', 'preferred_username'],
    ['its email address', 'email'],
    ['its subject', 'sub'],
  ])('does not let a service user change %s', async (_attribute, Name) => {
    const AccessToken = await system.signIn(request.username, request.password);
    const before = await system.user(request.username);
    const attempt = cognito.send(
      new UpdateUserAttributesCommand({ AccessToken, UserAttributes: [{ Name, Value: 'changed' }] }),
    );

    await expect(attempt).rejects.toMatchObject({
      name: expect.stringMatching(/^(InvalidParameter|NotAuthorized)Exception$/),
    });
    expect(await system.user(request.username)).toEqual(before);
  });
});

describe('the machine user', () => {
  const signIn = (parameters: Record<string, string>, ClientId = machine_client_id) =>
    cognito.send(
      new InitiateAuthCommand({ AuthFlow: 'USER_PASSWORD_AUTH', ClientId, AuthParameters: parameters }),
    );

  it('has a random name and a random password', () => {
    expect(credentials.username).toMatch(/^app1-api-client-[0-9a-f]{32}$/);
    expect(credentials.password.length).toBeGreaterThan(40);
  });

  it.each([
    ['without the secret of its client', {}],
    ['with the hash of another secret', { SECRET_HASH: hash('x', machine_client_id, 'guessed') }],
    ['with an empty hash', { SECRET_HASH: '' }],
  ])('is not locked by sign-ins %s: they do not count as attempts', async (_parameters, more) => {
    const { username, password } = credentials;

    for (const PASSWORD of [password, newPassword()])
      expect(await errorOf(signIn({ USERNAME: username, PASSWORD, ...more }))).toEqual([
        'NotAuthorizedException',
        expect.stringMatching(/secret/i),
      ]);
  });

  it('signs in with the credentials in its secret', async () => {
    const { username, password, client_secret } = credentials;
    const { AuthenticationResult } = await signIn({
      USERNAME: username,
      PASSWORD: password,
      SECRET_HASH: hash(username, machine_client_id, client_secret),
    });

    expect(AuthenticationResult?.AccessToken).toBeDefined();
  });
});
