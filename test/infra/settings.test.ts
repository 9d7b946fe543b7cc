import { describe, expect, it } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { readSettings } from '../../infra/settings.ts';

const settings = (context: Record<string, string | undefined>) => readSettings(new App({ context }).node);

describe('settings', () => {
  it('protect everything unless they are told that it is disposable', () => {
    expect(settings({})).toMatchObject({ removalPolicy: 'retain', deletionProtection: true });
    expect(settings({ target: 'local' })).toMatchObject({
      removalPolicy: 'destroy',
      deletionProtection: false,
    });
  });

  const legacy = {
    legacy_endpoint: 'https://legacy.example.com/users',
    legacy_secret_arn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:legacy-api-key-AbCdEf',
  };

  it('have no migration unless it is wanted, and then where it goes', () => {
    expect(settings(legacy).migration).toBeUndefined();
    expect(settings({ ...legacy, migration: 'flag' }).migration).toEqual({
      phase: 'flag',
      legacyEndpoint: legacy.legacy_endpoint,
      legacySecretArn: legacy.legacy_secret_arn,
    });
  });

  it.each([
    ['no endpoint', { ...legacy, legacy_endpoint: undefined }],
    ['no secret', { ...legacy, legacy_secret_arn: undefined }],
    ['an endpoint without TLS', { ...legacy, legacy_endpoint: 'http://legacy.example.com/users' }],
  ])('refuse a migration with %s', (_what, context) => {
    expect(() => settings({ ...context, migration: 'header' })).toThrow(/migration/);
  });

  it('name each value that is wrong', () => {
    expect(() => settings({ target: 'production', app1_account: '42' })).toThrow(
      /target[\s\S]*app1_account|app1_account[\s\S]*target/,
    );
  });
});
