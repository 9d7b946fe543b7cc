import {
  AppConfigDataClient,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { account, type Credentials, client, region } from './support/clients.ts';
import { present } from './support/present.ts';
import { callerWho } from './support/roles.ts';
import { createStack } from './support/stacks.ts';

const FLAG = { on: { enabled: true, share: 7 } };
let ids: { Application: string; Environment: string; Profile: string };

beforeAll(async () => {
  const ApplicationId = { Ref: 'Application' };
  const ConfigurationProfileId = { Ref: 'Profile' };
  const { outputs } = await createStack({
    Resources: {
      Application: { Type: 'AWS::AppConfig::Application', Properties: { Name: 'an-application' } },
      Environment: { Type: 'AWS::AppConfig::Environment', Properties: { ApplicationId, Name: 'live' } },
      Profile: {
        Type: 'AWS::AppConfig::ConfigurationProfile',
        Properties: {
          ApplicationId,
          Name: 'flags',
          LocationUri: 'hosted',
          Type: 'AWS.AppConfig.FeatureFlags',
        },
      },
      Version: {
        Type: 'AWS::AppConfig::HostedConfigurationVersion',
        Properties: {
          ApplicationId,
          ConfigurationProfileId,
          ContentType: 'application/json',
          Content: JSON.stringify({ version: '1', flags: { on: { name: 'on' } }, values: FLAG }),
        },
      },
      Strategy: {
        Type: 'AWS::AppConfig::DeploymentStrategy',
        Properties: {
          Name: 'at-once',
          DeploymentDurationInMinutes: 0,
          GrowthFactor: 100,
          ReplicateTo: 'NONE',
        },
      },
      Deployment: {
        Type: 'AWS::AppConfig::Deployment',
        Properties: {
          ApplicationId,
          ConfigurationProfileId,
          EnvironmentId: { Ref: 'Environment' },
          ConfigurationVersion: { Ref: 'Version' },
          DeploymentStrategyId: { Ref: 'Strategy' },
        },
      },
    },
    Outputs: {
      Application: { Value: { Ref: 'Application' } },
      Environment: { Value: { Ref: 'Environment' } },
      Profile: { Value: { Ref: 'Profile' } },
    },
  });
  ids = {
    Application: present(outputs['Application']),
    Environment: present(outputs['Environment']),
    Profile: present(outputs['Profile']),
  };
});

/** A principal that may read one configuration: this one, or that of another profile. */
const readerOf = (profile: string) =>
  callerWho({
    Effect: 'Allow',
    Action: ['appconfig:StartConfigurationSession', 'appconfig:GetLatestConfiguration'],
    Resource: `arn:aws:appconfig:${region}:${account}:application/${ids.Application}/environment/${ids.Environment}/configuration/${profile}`,
  });

async function read(reader?: Credentials): Promise<unknown> {
  const appConfig = client(AppConfigDataClient, reader);
  const { InitialConfigurationToken } = await appConfig.send(
    new StartConfigurationSessionCommand({
      ApplicationIdentifier: 'an-application',
      EnvironmentIdentifier: 'live',
      ConfigurationProfileIdentifier: 'flags',
    }),
  );
  const { Configuration, NextPollConfigurationToken } = await appConfig.send(
    new GetLatestConfigurationCommand({ ConfigurationToken: InitialConfigurationToken }),
  );
  const again = await appConfig.send(
    new GetLatestConfigurationCommand({ ConfigurationToken: NextPollConfigurationToken }),
  );
  expect(Buffer.from(again.Configuration ?? []).toString()).toBe('');
  return JSON.parse(Buffer.from(Configuration ?? []).toString());
}

describe('unchanged: AppConfig', () => {
  // appconfig/latest/userguide/appconfig-retrieving-the-configuration
  it('returns the values of feature flags, and nothing while they are unchanged', async () => {
    await expect(read()).resolves.toEqual(FLAG);
  });

  // service-authorization/latest/reference/list_awsappconfig (configuration)
  it('returns a configuration to a principal that may read only that one', async () => {
    await expect(read(await readerOf(ids.Profile))).resolves.toEqual(FLAG);
  });
});

describe('corrected: AppConfig', () => {
  // service-authorization/latest/reference/list_awsappconfig (configuration)
  it('denies it to a principal that may read only another one', async () => {
    await expect(read(await readerOf('another'))).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});
