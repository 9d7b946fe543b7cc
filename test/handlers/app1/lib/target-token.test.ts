import { createHmac } from 'node:crypto';
import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  type InitiateAuthCommandInput,
} from '@aws-sdk/client-cognito-identity-provider';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { tokenSource } from '../../../../handlers/app1/lib/target-token.ts';
import { embeddedMetrics } from '../../../../handlers/shared/metrics.ts';
import { expectNoLeak } from '../../../support/leaks.ts';
import { sdkError } from '../../../support/sdk-errors.ts';
import { thrownBy } from '../../../support/thrown.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const secretsManager = mockClient(SecretsManagerClient);
const credentials = {
  username: 'machine',
  password: 'canary-machine-password',
  client_secret: 'client-secret',
};
const NOW = Date.parse('2026-01-01T00:00:00Z');

let now: number;
const source = () =>
  tokenSource({
    cognito: new CognitoIdentityProviderClient({}),
    secretsManager: new SecretsManagerClient({}),
    clientId: 'client',
    secretArn: 'secret',
    now: () => now,
  });
const signIns = () => cognito.commandCalls(InitiateAuthCommand).map(({ args }) => args[0].input);
const reads = () => secretsManager.commandCalls(GetSecretValueCommand);
const secretIs = (SecretString: string) =>
  secretsManager.on(GetSecretValueCommand).resolves({ SecretString });

beforeEach(() => {
  now = NOW;
  cognito.reset();
  secretsManager.reset();
  secretIs(JSON.stringify(credentials));
  let issued = 0;
  cognito.on(InitiateAuthCommand).callsFake(async () => {
    issued += 1;
    return { AuthenticationResult: { AccessToken: `token-${issued}`, ExpiresIn: 900 } };
  });
});

describe("App1's token for App2", () => {
  it('is issued for the credentials in the secret', async () => {
    await expect(source().get()).resolves.toEqual({ value: 'token-1', expiresAt: NOW + 900_000 });
    expect(reads().map(({ args }) => args[0].input)).toEqual([{ SecretId: 'secret' }]);
    expect(signIns()).toEqual([
      {
        AuthFlow: 'USER_PASSWORD_AUTH',
        ClientId: 'client',
        AuthParameters: {
          USERNAME: 'machine',
          PASSWORD: 'canary-machine-password',
          SECRET_HASH: createHmac('sha256', 'client-secret').update('machineclient').digest('base64'),
        },
      },
    ]);
  });

  it('is cached until a minute before its expiry', async () => {
    const tokens = source();
    await tokens.get();
    now = NOW + 840_000 - 1;

    await expect(tokens.get()).resolves.toMatchObject({ value: 'token-1' });

    now = NOW + 840_000;

    await expect(tokens.get()).resolves.toMatchObject({ value: 'token-2' });
    expect(reads()).toHaveLength(1);
  });

  it('is counted as cached or as issued', async () => {
    embeddedMetrics({}); // resets earlier counts
    const tokens = source();
    const refused = await tokens.get();
    await tokens.get();
    await tokens.get();
    await tokens.get(refused);

    expect(embeddedMetrics({})).toMatchObject({ TargetTokenMisses: 2, TargetTokenHits: 2 });
  });

  it('is not returned again after App2 has refused it', async () => {
    const tokens = source();
    const refused = await tokens.get();

    await expect(tokens.get(refused)).resolves.toMatchObject({ value: 'token-2' });
    await expect(tokens.get(refused)).resolves.toMatchObject({ value: 'token-2' });
  });

  it.each(['NotAuthorizedException', 'UserNotFoundException'])(
    'is issued after the secret is read again, once, when %s shows a rotation',
    async (name) => {
      const tokens = source();
      const refused = await tokens.get();
      secretIs(JSON.stringify({ ...credentials, username: 'rotated' }));
      cognito.on(InitiateAuthCommand).callsFake(async ({ AuthParameters }: InitiateAuthCommandInput) => {
        if (AuthParameters?.['USERNAME'] !== 'rotated') throw sdkError(name);
        return { AuthenticationResult: { AccessToken: 'token-of-rotated', ExpiresIn: 900 } };
      });

      await expect(tokens.get(refused)).resolves.toMatchObject({ value: 'token-of-rotated' });
      expect(reads()).toHaveLength(2);
    },
  );

  it('fails with TargetAuthenticationFailed after one attempt with fresh credentials, which does not lock the user', async () => {
    cognito.on(InitiateAuthCommand).rejects(sdkError('NotAuthorizedException'));

    await expect(source().get()).rejects.toMatchObject({ name: 'TargetAuthenticationFailed' });
    expect(signIns()).toHaveLength(1);
  });

  it('fails with TargetAuthenticationFailed when the rotated credentials are refused, too', async () => {
    const tokens = source();
    const refused = await tokens.get();
    cognito.on(InitiateAuthCommand).rejects(sdkError('NotAuthorizedException'));

    await expect(tokens.get(refused)).rejects.toMatchObject({ name: 'TargetAuthenticationFailed' });
    expect(signIns()).toHaveLength(3);
    await expect(tokens.get(refused)).rejects.toMatchObject({ name: 'TargetAuthenticationFailed' });
    expect(reads()).toHaveLength(3);
  });

  it('fails when Cognito returns a challenge', async () => {
    cognito.on(InitiateAuthCommand).resolves({ ChallengeName: 'NEW_PASSWORD_REQUIRED' });

    await expect(source().get()).rejects.toMatchObject({ name: 'TargetAuthenticationFailed' });
  });

  it.each([
    ['that Cognito is busy', sdkError('TooManyRequestsException')],
    ['an internal error of Cognito', sdkError('InternalErrorException', { status: 500 })],
    ['no response', sdkError('TimeoutError')],
    ['a lock-out', sdkError('NotAuthorizedException', { message: 'Password attempts exceeded' })],
  ])('fails with TargetUnavailable for %s at the sign-in', async (_what, error) => {
    cognito.on(InitiateAuthCommand).rejects(error);

    await expect(source().get()).rejects.toMatchObject({ name: 'TargetUnavailable' });
    expect(signIns()).toHaveLength(1);
  });

  it.each([
    ['ThrottlingException', 'TargetUnavailable'],
    ['InternalServiceError', 'TargetUnavailable'],
    ['ResourceNotFoundException', 'ResourceNotFoundException'],
    ['AccessDeniedException', 'AccessDeniedException'],
  ])('maps %s of Secrets Manager to %s', async (name, seen) => {
    secretsManager.on(GetSecretValueCommand).rejects(sdkError(name));

    await expect(source().get()).rejects.toMatchObject({ name: seen });
  });

  it.each([
    ['not JSON', 'canary-of-the-secret'],
    ['not complete', '{"username":"canary-of-the-secret"}'],
  ])('does not quote a secret that is %s', async (_what, content) => {
    secretIs(content);

    const error = await thrownBy(source().get());

    expect(error.name).toBe('TargetAuthenticationFailed');
    expectNoLeak('canary-of-the-secret', error);
    expect(signIns()).toHaveLength(0);
  });
});
