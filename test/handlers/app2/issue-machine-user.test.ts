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
import { issueMachineUser } from '../../../handlers/app2/issue-machine-user.ts';
import { meetsPolicy } from '../../../handlers/app2/password-policy.ts';
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
  PhysicalResourceId: 'app1-api-client-old',
};
const earlier = JSON.stringify({ username: 'app1-api-client-old', password: 'p', client_secret: 's' });

beforeEach(() => {
  cognito.reset();
  secretsManager.reset();
  secretsManager.on(GetSecretValueCommand).resolves({ SecretString: 'the random string of a new secret' });
  cognito.onAnyCommand().resolves({});
  cognito.on(DescribeUserPoolClientCommand).resolves({ UserPoolClient: { ClientSecret: 'client-secret' } });
});

describe('IssueMachineUser', () => {
  it('makes a user that can sign in and may create users, and keeps its credentials in the secret only', async () => {
    const name = await issue(create);

    const [put] = secretsManager.commandCalls(PutSecretValueCommand);
    expect(put?.args[0].input.SecretId).toBe('secret');
    const kept = machineCredentials.parse(JSON.parse(put?.args[0].input.SecretString ?? ''));
    expect(kept).toMatchObject({ username: name, client_secret: 'client-secret' });
    expect(cognito.commandCalls(AdminCreateUserCommand)[0]?.args[0].input).toEqual({
      UserPoolId: 'pool',
      Username: name,
      MessageAction: 'SUPPRESS',
    });
    expect(cognito.commandCalls(AdminSetUserPasswordCommand)[0]?.args[0].input).toEqual({
      UserPoolId: 'pool',
      Username: name,
      Password: kept.password,
      Permanent: true,
    });
    expect(cognito.commandCalls(AdminAddUserToGroupCommand)[0]?.args[0].input).toEqual({
      UserPoolId: 'pool',
      Username: name,
      GroupName: 'api-client',
    });
  });

  it('gives each user a name that cannot be guessed and a password with every class of characters', async () => {
    const names = [await issue(create), await issue(create)];

    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^app1-api-client-[0-9a-f]{12}$/);
    for (const { args } of cognito.commandCalls(AdminSetUserPasswordCommand))
      expect(meetsPolicy(args[0].input.Password ?? '', strictest)).toBe(true);
  });

  it('keeps the user that an earlier deploy issued', async () => {
    secretsManager.on(GetSecretValueCommand).resolves({ SecretString: earlier });
    cognito.on(AdminGetUserCommand, { Username: 'app1-api-client-old' }).resolves({
      UserAttributes: [{ Name: 'sub', Value: SUB }],
    });

    await expect(issue(create)).resolves.toBe('app1-api-client-old');
    expect(cognito.commandCalls(AdminCreateUserCommand)).toHaveLength(0);
    expect(secretsManager.commandCalls(PutSecretValueCommand)).toHaveLength(0);
  });

  it('issues a new user when the one in the secret is gone', async () => {
    secretsManager.on(GetSecretValueCommand).resolves({ SecretString: earlier });
    cognito.on(AdminGetUserCommand).rejects(sdkError('UserNotFoundException'));

    await expect(issue(create)).resolves.not.toBe('app1-api-client-old');
    expect(secretsManager.commandCalls(PutSecretValueCommand)).toHaveLength(1);
  });

  it('keeps no credentials that are not complete', async () => {
    cognito.on(DescribeUserPoolClientCommand).resolves({ UserPoolClient: {} });

    await expect(issue(create)).rejects.toThrow();
    expect(secretsManager.commandCalls(PutSecretValueCommand)).toHaveLength(0);
  });

  it.each(['UserNotFoundException', 'ResourceNotFoundException'])(
    'removes the user with its resource, and takes %s for done',
    async (gone) => {
      await expect(issue(remove)).resolves.toBe('app1-api-client-old');
      expect(cognito.commandCalls(AdminDeleteUserCommand)[0]?.args[0].input).toEqual({
        UserPoolId: 'pool',
        Username: 'app1-api-client-old',
      });

      cognito.on(AdminDeleteUserCommand).rejects(sdkError(gone));
      await expect(issue(remove)).resolves.toBe('app1-api-client-old');
    },
  );

  it('does not say that a user is removed when it is not', async () => {
    cognito.on(AdminDeleteUserCommand).rejects(sdkError('TooManyRequestsException'));

    await expect(issue(remove)).rejects.toMatchObject({ name: 'TooManyRequestsException' });
  });
});
