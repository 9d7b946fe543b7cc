import {
  CloudWatchLogsClient,
  DeleteResourcePolicyCommand,
  DescribeResourcePoliciesCommand,
  PutResourcePolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  CognitoIdentityProviderClient,
  CreateGroupCommand,
  DescribeUserPoolClientCommand,
  DescribeUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { LambdaClient, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from '@jest/globals';
import { client } from './support/clients.ts';
import { createFunction } from './support/functions.ts';
import { createMachine, start } from './support/machines.ts';
import { present } from './support/present.ts';
import { post } from './support/raw.ts';
import { createStack } from './support/stacks.ts';
import { unique } from './support/unique.ts';

describe("corrected: members that AWS's service models do not allow", () => {
  // AWSCloudFormation/latest/TemplateReference/aws-resource-cognito-userpoolclient (ClientName);
  // cognito-user-identity-pools/latest/APIReference/API_UserPoolClientType (DefaultRedirectURI: at least one character)
  it('a client of a stack has a name, and no redirection without one', async () => {
    const { outputs } = await createStack({
      Resources: {
        Pool: { Type: 'AWS::Cognito::UserPool' },
        Client: { Type: 'AWS::Cognito::UserPoolClient', Properties: { UserPoolId: { Ref: 'Pool' } } },
      },
      Outputs: { Pool: { Value: { Ref: 'Pool' } }, Client: { Value: { Ref: 'Client' } } },
    });
    const cognito = client(CognitoIdentityProviderClient);
    const { UserPoolClient } = await cognito.send(
      new DescribeUserPoolClientCommand({ UserPoolId: outputs['Pool'], ClientId: outputs['Client'] }),
    );

    expect(UserPoolClient?.ClientName).toMatch(/^Client-\w{12}$/);
    expect(UserPoolClient).not.toHaveProperty('DefaultRedirectURI');

    // cognito-user-identity-pools/latest/APIReference/API_GroupType (RoleArn: at least 20 characters)
    const { Group } = await cognito.send(
      new CreateGroupCommand({ UserPoolId: outputs['Pool'], GroupName: 'one' }),
    );

    expect(Group).not.toHaveProperty('RoleArn');
  });

  // cognito-user-identity-pools/latest/APIReference/API_UserPoolType (SmsAuthenticationMessage: at least six characters)
  it('missing members of a pool are not returned as null', async () => {
    const { outputs } = await createStack({
      Resources: { Pool: { Type: 'AWS::Cognito::UserPool' } },
      Outputs: { Pool: { Value: { Ref: 'Pool' } } },
    });
    const { UserPool } = await client(CognitoIdentityProviderClient).send(
      new DescribeUserPoolCommand({ UserPoolId: outputs['Pool'] }),
    );

    expect(UserPool).not.toHaveProperty('SmsAuthenticationMessage');
    expect(UserPool).not.toHaveProperty('CustomDomain');
  });

  // step-functions/latest/apireference/API_ExecutionListItem (stopDate)
  it('a running execution has no stop date in a list', async () => {
    const stateMachineArn = await createMachine({
      StartAt: 'Wait',
      States: { Wait: { Type: 'Wait', Seconds: 30, End: true } },
    });
    const executionArn = await start(stateMachineArn);
    const listed = await post('states', 'AWSStepFunctions.ListExecutions', { stateMachineArn });
    await client(SFNClient).send(new StopExecutionCommand({ executionArn }));

    expect(JSON.stringify(listed)).toContain(executionArn);
    expect(JSON.stringify(listed)).not.toContain('stopDate');
  });

  // lambda/latest/dg/functions-states; lambda/latest/api/API_UpdateFunctionConfiguration (LastUpdateStatusReasonCode)
  it('a function stays active during an update, without a state reason', async () => {
    const lambda = client(LambdaClient);
    const FunctionName = present(await createFunction('exports.handler = async () => 1;'));
    const updated = await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 9 }));

    expect(updated).toMatchObject({ State: 'Active', LastUpdateStatus: 'InProgress' });
    expect(updated).not.toHaveProperty('StateReasonCode');
  });

  // AWSCloudFormation/latest/UserGuide/aws-properties-secretsmanager-secret-generatesecretstring (PasswordLength: 32)
  it('a secret that is generated without rules has a password of 32 characters', async () => {
    const { outputs } = await createStack({
      Resources: {
        Secret: {
          Type: 'AWS::SecretsManager::Secret',
          Properties: { Name: unique('secret'), GenerateSecretString: {} },
        },
      },
      Outputs: { Secret: { Value: { Ref: 'Secret' } } },
    });
    const { SecretString } = await client(SecretsManagerClient).send(
      new GetSecretValueCommand({ SecretId: outputs['Secret'] }),
    );

    expect(SecretString).toHaveLength(32);
  });
});

describe("unchanged: members that AWS's service models do not allow", () => {
  // AmazonCloudWatchLogs/latest/APIReference/API_ResourcePolicy
  it('a missing member of a log policy is not returned as null', async () => {
    const logs = client(CloudWatchLogsClient);
    const policyName = unique('policy');
    const policyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [] });
    await logs.send(new PutResourcePolicyCommand({ policyName, policyDocument }));

    const { resourcePolicies = [] } = await logs.send(new DescribeResourcePoliciesCommand({}));
    const policy = resourcePolicies.find((one) => one.policyName === policyName);
    await logs.send(new DeleteResourcePolicyCommand({ policyName }));

    expect(policy?.resourceArn).toBeUndefined();
  });
});
