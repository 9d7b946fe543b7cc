import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminGetUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  DescribeUserPoolClientCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { machineCredentials } from '../../../contracts/app2-api.ts';
import { meetsPolicy } from '../../../contracts/password-policy.ts';
import { timeLimits } from '../../../contracts/time-limits.ts';
import { issueMachineUser } from '../../../handlers/app2/issue-machine-user.ts';
import { fakeClock } from '../../support/clock.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { SUB } from '../../support/subject.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const secretsManager = mockClient(SecretsManagerClient);
let clock: ReturnType<typeof fakeClock>;
const properties = { RetrySeconds: String(timeLimits.customResourceRetries) };
const resource = () =>
  issueMachineUser({
    cognito: new CognitoIdentityProviderClient({}),
    secretsManager: new SecretsManagerClient({}),
    environment: {
      USER_POOL_ID: 'pool',
      MACHINE_CLIENT_ID: 'client',
      API_CLIENT_GROUP: 'machines',
      SECRET_ARN: 'secret',
    },
    clock,
  });
const issue = () => ({
  put: () => resource().put(properties),
  remove: () => resource().remove(properties),
});

const strictest = {
  minimum_length: 99,
  require_lowercase: true,
  require_uppercase: true,
  require_numbers: true,
  require_symbols: true,
};

/** The secret has the credentials of this user in one of its stages. */
function issued(username: string, VersionStage: 'AWSCURRENT' | 'AWSPREVIOUS' = 'AWSCURRENT') {
  secretsManager.on(GetSecretValueCommand, { SecretId: 'secret', VersionStage }).resolves({
    VersionId: `version-of-${username}`,
    SecretString: JSON.stringify({ username, password: 'p', client_secret: 's' }),
  });
}

const usernamesOf = (command: typeof AdminCreateUserCommand | typeof AdminDeleteUserCommand) =>
  cognito.commandCalls(command).map(({ args: [{ input }] }) => input.Username);

beforeEach(() => {
  clock = fakeClock();
  cognito.reset();
  secretsManager.reset();
  secretsManager.on(GetSecretValueCommand).rejects(sdkError('ResourceNotFoundException'));
  secretsManager
    .on(GetSecretValueCommand, { SecretId: 'secret', VersionStage: 'AWSCURRENT' })
    .resolves({ VersionId: 'first', SecretString: 'the random string of a new secret' });
  cognito.onAnyCommand().resolves({});
  cognito.on(DescribeUserPoolClientCommand).resolves({ UserPoolClient: { ClientSecret: 'client-secret' } });
});

describe('IssueMachineUser', () => {
  it('creates a user that can sign in and may create users, and stores its credentials only in the secret', async () => {
    const physicalId = await issue().put();

    const [put] = secretsManager.commandCalls(PutSecretValueCommand);
    const kept = machineCredentials.parse(JSON.parse(put?.args[0].input.SecretString ?? ''));
    const user = { UserPoolId: 'pool', Username: kept.username };

    expect(physicalId).toBe('machine-user-of-app1');
    expect(put?.args[0].input.SecretId).toBe('secret');
    expect(kept.client_secret).toBe('client-secret');
    expect(cognito.commandCalls(AdminCreateUserCommand)[0]?.args[0].input).toEqual({
      ...user,
      MessageAction: 'SUPPRESS',
    });
    expect(cognito.commandCalls(AdminSetUserPasswordCommand)[0]?.args[0].input).toEqual({
      ...user,
      Password: kept.password,
      Permanent: true,
    });
    expect(cognito.commandCalls(AdminAddUserToGroupCommand).map(({ args: [{ input }] }) => input)).toEqual([
      { ...user, GroupName: 'machines' },
      { ...user, GroupName: 'owner-app1' },
    ]);
  });

  it('generates a random username and a password with every character class', async () => {
    await issue().put();
    await issue().put();

    const names = usernamesOf(AdminCreateUserCommand);

    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^app1-api-client-[0-9a-f]{32}$/);
    for (const { args } of cognito.commandCalls(AdminSetUserPasswordCommand))
      expect(meetsPolicy(args[0].input.Password ?? '', strictest)).toBe(true);
  });

  it('keeps an existing user with its password', async () => {
    issued('old');
    cognito
      .on(AdminGetUserCommand, { Username: 'old' })
      .resolves({ UserAttributes: [{ Name: 'sub', Value: SUB }] });
    cognito.on(AdminCreateUserCommand).rejects(sdkError('UsernameExistsException'));

    await issue().put();

    expect(cognito.commandCalls(AdminSetUserPasswordCommand)[0]?.args[0].input).toMatchObject({
      Username: 'old',
      Password: 'p',
    });
    expect(secretsManager.commandCalls(PutSecretValueCommand)).toHaveLength(0);
  });

  it('issues a new user when the user in the secret was deleted', async () => {
    issued('old');
    cognito.on(AdminGetUserCommand).rejects(sdkError('UserNotFoundException'));

    await issue().put();

    expect(usernamesOf(AdminCreateUserCommand)).not.toContain('old');
    expect(secretsManager.commandCalls(PutSecretValueCommand)).toHaveLength(1);
  });

  it('stores no incomplete credentials', async () => {
    cognito.on(DescribeUserPoolClientCommand).resolves({ UserPoolClient: {} });

    await expect(issue().put()).rejects.toThrow();
    expect(secretsManager.commandCalls(PutSecretValueCommand)).toHaveLength(0);
  });

  it('deletes the users of both versions with the resource', async () => {
    issued('present-one');
    issued('former-one', 'AWSPREVIOUS');

    await issue().remove();

    expect(usernamesOf(AdminDeleteUserCommand).sort()).toEqual(['former-one', 'present-one']);
  });

  it.each(['UserNotFoundException', 'ResourceNotFoundException'])('treats %s as deleted', async (gone) => {
    issued('old');
    cognito.on(AdminDeleteUserCommand).rejects(sdkError(gone));

    await expect(issue().remove()).resolves.toBeUndefined();
  });

  it('fails when a user cannot be deleted', async () => {
    issued('old');
    cognito.on(AdminDeleteUserCommand).rejects(sdkError('TooManyRequestsException'));

    await expect(issue().remove()).rejects.toMatchObject({ name: 'TooManyRequestsException' });
  });

  it('fails when the secret cannot be read, and issues no second user', async () => {
    secretsManager
      .on(GetSecretValueCommand, { SecretId: 'secret', VersionStage: 'AWSCURRENT' })
      .rejects(sdkError('InternalServiceError'));

    await expect(issue().put()).rejects.toMatchObject({ name: 'InternalServiceError' });
    expect(usernamesOf(AdminCreateUserCommand)).toEqual([]);
  });

  describe.each(['TooManyRequestsException', 'InternalErrorException', 'AccessDeniedException'])(
    'after %s',
    (name) => {
      it.each([
        ['AdminCreateUser', () => cognito.on(AdminCreateUserCommand)],
        ['AdminSetUserPassword', () => cognito.on(AdminSetUserPasswordCommand)],
        ['AdminAddUserToGroup', () => cognito.on(AdminAddUserToGroupCommand)],
      ])('retries %s with the same user until it succeeds', async (_call, on) => {
        on().rejectsOnce(sdkError(name)).rejectsOnce(sdkError(name)).resolves({});

        await issue().put();

        const created = usernamesOf(AdminCreateUserCommand);

        expect(created).toHaveLength(3);
        expect(new Set(created).size).toBe(1);
        expect(secretsManager.commandCalls(PutSecretValueCommand)).toHaveLength(1);
        expect(clock.sleeps).toEqual([1_000, 2_000]);
      });

      it('retries reads and writes of the secret, and stores one version', async () => {
        const current = { SecretId: 'secret', VersionStage: 'AWSCURRENT' } as const;
        secretsManager
          .on(GetSecretValueCommand, current)
          .rejectsOnce(sdkError(name))
          .resolves({ VersionId: 'first', SecretString: 'random' });
        cognito
          .on(DescribeUserPoolClientCommand)
          .rejectsOnce(sdkError(name))
          .resolves({ UserPoolClient: { ClientSecret: 'client-secret' } });
        secretsManager.on(PutSecretValueCommand).rejectsOnce(sdkError(name)).resolves({});

        await issue().put();

        const kept = secretsManager.commandCalls(PutSecretValueCommand).map(({ args: [{ input }] }) => input);

        expect(kept).toEqual([kept[0], kept[0]]);
        expect(kept[0]?.ClientRequestToken).toMatch(/^[0-9a-f-]{36}$/);
      });

      it('retries the deletion', async () => {
        issued('old');
        cognito.on(AdminDeleteUserCommand).rejectsOnce(sdkError(name)).resolves({});

        await issue().remove();

        expect(usernamesOf(AdminDeleteUserCommand)).toEqual(['old', 'old']);
      });

      it('fails early enough to send a response', async () => {
        cognito.on(AdminCreateUserCommand).rejects(sdkError(name));

        await expect(issue().put()).rejects.toMatchObject({ name });

        const waited = clock.sleeps.reduce((sum, pause) => sum + pause, 0) / 1000;

        expect(waited).toBeGreaterThan(timeLimits.customResourceRetries / 2);
        expect(waited).toBeLessThan(timeLimits.customResourceRetries);
      });
    },
  );

  it('fails immediately with a permanent error', async () => {
    cognito.on(AdminCreateUserCommand).rejects(sdkError('InvalidParameterException'));

    await expect(issue().put()).rejects.toMatchObject({ name: 'InvalidParameterException' });
    expect(clock.sleeps).toEqual([]);
  });
});
