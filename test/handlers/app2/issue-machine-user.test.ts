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
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { machineCredentials } from '../../../contracts/app2-api.ts';
import { meetsPolicy } from '../../../contracts/password-policy.ts';
import { issueMachineUser } from '../../../handlers/app2/issue-machine-user.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { SUB } from '../../support/subject.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const secretsManager = mockClient(SecretsManagerClient);
const issue = issueMachineUser({
  cognito: new CognitoIdentityProviderClient({}),
  secretsManager: new SecretsManagerClient({}),
  environment: { USER_POOL_ID: 'pool', MACHINE_CLIENT_ID: 'client', SECRET_ARN: 'secret' },
});

const strictest = {
  minimum_length: 40,
  require_lowercase: true,
  require_uppercase: true,
  require_numbers: true,
  require_symbols: true,
};

const common = {
  ServiceToken: 'token',
  ResponseURL: 'https://cloudformation.example/answer',
  StackId: 'stack',
  RequestId: 'request',
  LogicalResourceId: 'MachineUser',
  ResourceType: 'Custom::MachineUser',
  ResourceProperties: { ServiceToken: 'token' },
};
const create: CloudFormationCustomResourceEvent = { ...common, RequestType: 'Create' };
const remove: CloudFormationCustomResourceEvent = {
  ...common,
  RequestType: 'Delete',
  PhysicalResourceId: 'machine-user-of-app1',
};

/** The secret holds the credentials of this user in one of its stages. */
function issued(username: string, VersionStage: 'AWSCURRENT' | 'AWSPREVIOUS' = 'AWSCURRENT') {
  secretsManager.on(GetSecretValueCommand, { SecretId: 'secret', VersionStage }).resolves({
    VersionId: `version-of-${username}`,
    SecretString: JSON.stringify({ username, password: 'p', client_secret: 's' }),
  });
}

const asked = (command: typeof AdminCreateUserCommand | typeof AdminDeleteUserCommand) =>
  cognito.commandCalls(command).map(({ args: [{ input }] }) => input.Username);

beforeEach(() => {
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
  it('makes a user that can sign in and may create users, and keeps its credentials in the secret only', async () => {
    await expect(issue(create)).resolves.toBe('machine-user-of-app1');

    const [put] = secretsManager.commandCalls(PutSecretValueCommand);
    expect(put?.args[0].input.SecretId).toBe('secret');
    const kept = machineCredentials.parse(JSON.parse(put?.args[0].input.SecretString ?? ''));
    const user = { UserPoolId: 'pool', Username: kept.username };
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
      { ...user, GroupName: 'api-client' },
      { ...user, GroupName: 'owner-app1' },
    ]);
  });

  it('gives each user a name that cannot be guessed and a password with every class of characters', async () => {
    await issue(create);
    await issue(create);

    const names = asked(AdminCreateUserCommand);
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^app1-api-client-[0-9a-f]{32}$/);
    for (const { args } of cognito.commandCalls(AdminSetUserPasswordCommand))
      expect(meetsPolicy(args[0].input.Password ?? '', strictest)).toBe(true);
  });

  it('keeps the user that was issued before, with its password', async () => {
    issued('old');
    cognito
      .on(AdminGetUserCommand, { Username: 'old' })
      .resolves({ UserAttributes: [{ Name: 'sub', Value: SUB }] });
    cognito.on(AdminCreateUserCommand).rejects(sdkError('UsernameExistsException'));

    await issue(create);

    expect(cognito.commandCalls(AdminSetUserPasswordCommand)[0]?.args[0].input).toMatchObject({
      Username: 'old',
      Password: 'p',
    });
    expect(secretsManager.commandCalls(PutSecretValueCommand)).toHaveLength(0);
  });

  it('issues a new user when the one in the secret is gone', async () => {
    issued('old');
    cognito.on(AdminGetUserCommand).rejects(sdkError('UserNotFoundException'));

    await issue(create);

    expect(asked(AdminCreateUserCommand)).not.toContain('old');
    expect(secretsManager.commandCalls(PutSecretValueCommand)).toHaveLength(1);
  });

  it('keeps no credentials that are not complete', async () => {
    cognito.on(DescribeUserPoolClientCommand).resolves({ UserPoolClient: {} });

    await expect(issue(create)).rejects.toThrow();
    expect(secretsManager.commandCalls(PutSecretValueCommand)).toHaveLength(0);
  });

  it('removes the users of both versions with its resource', async () => {
    issued('present-one');
    issued('former-one', 'AWSPREVIOUS');

    await issue(remove);

    expect(asked(AdminDeleteUserCommand).sort()).toEqual(['former-one', 'present-one']);
  });

  it.each(['UserNotFoundException', 'ResourceNotFoundException'])(
    'takes %s for done when it removes',
    async (gone) => {
      issued('old');
      cognito.on(AdminDeleteUserCommand).rejects(sdkError(gone));

      await expect(issue(remove)).resolves.toBe('machine-user-of-app1');
    },
  );

  it('does not say that a user is removed when it is not', async () => {
    issued('old');
    cognito.on(AdminDeleteUserCommand).rejects(sdkError('TooManyRequestsException'));

    await expect(issue(remove)).rejects.toMatchObject({ name: 'TooManyRequestsException' });
  });

  it('does not issue a second user because the secret could not be read', async () => {
    secretsManager
      .on(GetSecretValueCommand, { SecretId: 'secret', VersionStage: 'AWSCURRENT' })
      .rejects(sdkError('InternalServiceError'));

    await expect(issue(create)).rejects.toMatchObject({ name: 'InternalServiceError' });
    expect(asked(AdminCreateUserCommand)).toEqual([]);
  });
});
