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

/** The user pool of App2, tried by somebody who has no permissions in its account. */

const { cognito } = system.clients;
const { user_pool_id: UserPoolId, service_client_id, machine_client_id } = outputs.app2;
const request = newRequest();
let credentials: Awaited<ReturnType<typeof readMachineCredentials>>;

beforeAll(async () => {
  await provision(request);
  credentials = await readMachineCredentials();
});

const refusal = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'no refusal',
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
  ])('lets nobody sign up by himself with %s', async (_which, ClientId, withHash) => {
    const Username = newName('self-made');
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
  ] as const)('takes passwords only: %s is off', async (AuthFlow, AuthParameters) => {
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
    "has no sign-in by the account's own permissions: %s is off",
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

  it('does not say whether a user exists', async () => {
    const wrong = await refusal(system.signIn(request.username, newPassword()));
    const unknown = await refusal(system.signIn(newName('nobody'), newPassword()));

    expect(wrong).toEqual(['NotAuthorizedException', 'Incorrect username or password.']);
    expect(unknown).toEqual(wrong);
  });

  it.each([
    ['the stamp', 'custom:provisioning_id'],
    ['its generation', 'custom:creation_id'],
    ['its owner', 'custom:owner'],
    ['whom it was made for', 'custom:on_behalf_of'],
    ['the human user', 'custom:human_user_id'],
    ['its name', 'preferred_username'],
    ['an address', 'email'],
    ['its subject', 'sub'],
  ])('lets a service user change nothing of what it is: %s', async (_what, Name) => {
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

  it('has a name that nobody can guess, and a password that is not made by people', () => {
    expect(credentials.username).toMatch(/^app1-api-client-[0-9a-f]{32}$/);
    expect(credentials.password.length).toBeGreaterThan(40);
  });

  it.each([
    ['without the secret of its client', {}],
    ['with the hash of another secret', { SECRET_HASH: hash('x', machine_client_id, 'guessed') }],
    ['with an empty hash', { SECRET_HASH: '' }],
  ])('cannot be tried %s: that is no attempt on its password', async (_what, more) => {
    const { username, password } = credentials;
    for (const PASSWORD of [password, newPassword()])
      expect(await refusal(signIn({ USERNAME: username, PASSWORD, ...more }))).toEqual([
        'NotAuthorizedException',
        expect.stringMatching(/secret/i),
      ]);
  });

  it('signs in with what its secret says', async () => {
    const { username, password, client_secret } = credentials;
    const { AuthenticationResult } = await signIn({
      USERNAME: username,
      PASSWORD: password,
      SECRET_HASH: hash(username, machine_client_id, client_secret),
    });
    expect(AuthenticationResult?.AccessToken).toBeDefined();
  });
});
