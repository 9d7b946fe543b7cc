import { describe, expect, it } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { readSettings } from '../../infra/settings.ts';

const settings = (context: Record<string, string>) => readSettings(new App({ context }).node);

describe('settings', () => {
  it('protect everything unless they are told that it is disposable', () => {
    expect(settings({})).toMatchObject({ removalPolicy: 'retain', deletionProtection: true });
    expect(settings({ target: 'local' })).toMatchObject({
      removalPolicy: 'destroy',
      deletionProtection: false,
    });
  });

  it('name each value that is wrong', () => {
    expect(() => settings({ target: 'production', app1_account: '42' })).toThrow(
      /target[\s\S]*app1_account|app1_account[\s\S]*target/,
    );
  });
});
