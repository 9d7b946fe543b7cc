import { describe, expect, it } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { defaultPasswordPolicy, readSettings } from '../../infra/settings.ts';
import { POLICY } from '../support/password-policy.ts';

const settings = (context: Record<string, string | undefined>) => readSettings(new App({ context }).node);

describe('settings', () => {
  it('protect all resources unless the environment is local', () => {
    expect(settings({})).toMatchObject({
      removalPolicy: 'retain-on-update-or-delete',
      unnamedRemovalPolicy: 'retain',
      deletionProtection: true,
    });
    expect(settings({ environment: 'local' })).toMatchObject({
      removalPolicy: 'destroy',
      unnamedRemovalPolicy: 'destroy',
      deletionProtection: false,
    });
  });

  it('keep logs and events for 90 days on AWS', () => {
    expect(settings({})).toMatchObject({ logRetention: RetentionDays.THREE_MONTHS, archiveDays: 90 });
  });

  it("contain the account's quota of DescribeExecution, which the local AWS does not have", () => {
    expect(settings({})).toMatchObject({ describeExecutionsPerSecond: 10, describesPerCaller: 5 });
    expect(settings({ describe_executions_per_second: '40', describes_per_caller: '2.5' })).toMatchObject({
      describeExecutionsPerSecond: 40,
      describesPerCaller: 2.5,
    });
    expect(settings({ environment: 'local' })).toMatchObject({
      describeExecutionsPerSecond: 1000,
      describesPerCaller: 1000,
    });
  });

  it("limit App2's status polls by its share of the quota of DescribeExecution", () => {
    const polls = (context: Record<string, string>) => settings(context).statusPollsPerSecond;

    expect(polls({})).toBe(1);
    expect(polls({ describe_executions_per_second: '15' })).toBe(1.5);
    expect(polls({ describe_executions_per_second: '40', status_polls_per_second: '2' })).toBe(2);
    expect(polls({ environment: 'local' })).toBe(4);
  });

  it('reserve concurrency only if it is set', () => {
    expect(settings({}).compensationConcurrency).toBeUndefined();
    expect(settings({ compensation_concurrency: '5' }).compensationConcurrency).toBe(5);
  });

  it.each([
    ['describe_executions_per_second', '0'],
    ['describes_per_caller', '-1'],
    ['describes_per_caller', 'many'],
    ['compensation_concurrency', '0'],
    ['compensation_concurrency', '1.5'],
    ['compensation_concurrency', '101'],
  ])('reject %s=%s', (name, value) => {
    expect(() => settings({ [name]: value })).toThrow(name);
  });

  it('require twelve characters of four kinds by default', () => {
    expect(settings({}).passwordPolicy).toEqual(POLICY);
    expect(defaultPasswordPolicy).toEqual(POLICY);
    expect(
      settings({ password_minimum_length: '20', password_characters: 'lowercase,numbers' }).passwordPolicy,
    ).toEqual({
      minimum_length: 20,
      require_lowercase: true,
      require_uppercase: false,
      require_numbers: true,
      require_symbols: false,
    });
    expect(settings({ password_characters: 'none' }).passwordPolicy).toMatchObject({
      minimum_length: 12,
      require_lowercase: false,
      require_symbols: false,
    });
  });

  it('set the names of the groups', () => {
    expect(settings({}).groupNames).toEqual({ 'api-client': 'api-client', 'service-user': 'service-user' });
    expect(settings({ api_client_group: 'machines', service_user_group: 'robots' }).groupNames).toEqual({
      'api-client': 'machines',
      'service-user': 'robots',
    });
  });

  it('report all errors of the policy and the groups at once', () => {
    const wrong = () =>
      settings({
        password_minimum_length: '5',
        password_characters: 'lowercase,emoji',
        api_client_group: 'owner-app1',
        service_user_group: 'service users',
      });

    for (const name of [
      'password_minimum_length',
      'password_characters',
      'api_client_group',
      'service_user_group',
    ])
      expect(wrong).toThrow(name);
  });

  it.each([
    ['password_minimum_length', '5'],
    ['password_minimum_length', '100'],
    ['password_minimum_length', '12.5'],
    ['password_minimum_length', 'twelve'],
    ['password_characters', ''],
    ['password_characters', 'lowercase, numbers'],
    ['password_characters', 'none,numbers'],
    ['api_client_group', 'owner-app2'],
    ['api_client_group', ''],
    ['api_client_group', 'service-user'],
    ['service_user_group', 'a'.repeat(129)],
    ['service_user_group', '-robots'],
  ])('reject %s=%j', (name, value) => {
    expect(() => settings({ [name]: value })).toThrow(/password_|_group/);
  });

  const legacy = {
    legacy_endpoint: 'https://legacy.example.com/users',
    legacy_secret_arn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:legacy-api-key-AbCdEf',
  };

  it('contain a migration only if it is set', () => {
    expect(settings(legacy).migration).toBeUndefined();
    expect(settings({ ...legacy, migration: 'flag' }).migration).toEqual({
      phase: 'flag',
      legacyEndpoint: legacy.legacy_endpoint,
      legacySecretArn: legacy.legacy_secret_arn,
      legacySecretKeyArn: undefined,
    });
  });

  it.each([
    ['no endpoint', { ...legacy, legacy_endpoint: undefined }],
    ['no secret', { ...legacy, legacy_secret_arn: undefined }],
    ['an endpoint without TLS', { ...legacy, legacy_endpoint: 'http://legacy.example.com/users' }],
  ])('reject a migration with %s', (_what, context) => {
    expect(() => settings({ ...context, migration: 'header' })).toThrow(/migration/);
  });

  it.each([
    ['two characters swapped', 'alarm_emial', 'alarm_email'],
    ['a missing character', 'alarm_topi', 'alarm_topic'],
    ['an extra character', 'environmentt', 'environment'],
    ['another case', 'Alarm_Email', 'alarm_email'],
    ['camel case', 'alarmEmail', 'alarm_email'],
    ['a hyphen', 'subscriber-accounts', 'subscriber_accounts'],
    ['one of several', 'subscriber_account', 'subscriber_accounts'],
  ])('reject a name with %s, and suggest the correct one', (_what, written, meant) => {
    expect(() => settings({ environment: 'local', [written]: 'ops@example.com' })).toThrow(
      `✖ "${written}" is not a setting; did you mean ${meant}?`,
    );
  });

  it.each(['region', 'stage', 'x', 'vpc.id', ''])(
    'reject an unknown name without a suggestion: %j',
    (written) => {
      expect(() => settings({ [written]: 'x' })).toThrow(
        `The settings are not valid.\n✖ ${JSON.stringify(written)} is not a setting\ndocs/settings.md`,
      );
    },
  );

  it('report all unknown names and invalid values at once, without the values', () => {
    const wrong = () =>
      settings({ alarm_emial: 'ops@example.com', migrations: 'on', environment: 'production' });

    expect(wrong).toThrow(/environment[\s\S]*"alarm_emial"[\s\S]*"migrations"/);
    expect(wrong).not.toThrow('ops@example.com');
  });

  it.each([
    '@aws-cdk/core:target-partitions',
    'aws:cdk:bundling-stacks',
    'aws:cdk:enable-path-metadata',
    'availability-zones:account=111122223333:region=eu-central-1',
    'hosted-zone:account=111122223333:domainName=example.com:region=eu-central-1',
    'acknowledged-issue-numbers',
    'cli-telemetry',
    'other-library/key',
  ])("leave what is CDK's or another library's: %s", (key) => {
    expect(settings({ [key]: 'x' })).toMatchObject({ deletionProtection: true });
  });

  it('report each invalid value', () => {
    expect(() => settings({ environment: 'production', app1_account: '42' })).toThrow(
      /environment[\s\S]*app1_account|app1_account[\s\S]*environment/,
    );
  });
});
