import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from '@jest/globals';
import { targetEnvironment } from '../../cli/target-environment.ts';
import { POLICY } from '../support/password-policy.ts';

const empty = mkdtempSync(join(tmpdir(), 'where-'));
const up = mkdtempSync(join(tmpdir(), 'where-'));
const service = {
  api_url: 'http://127.0.0.1:1/a',
  state_machine_arn: 'm',
  roll_back_state_machine_arn: 'r',
  event_bus_name: 'b',
  log_groups: ['l'],
};
writeFileSync(
  join(up, 'outputs.json'),
  JSON.stringify({
    endpoint: 'http://127.0.0.1:1',
    region: 'us-east-1',
    account: '1',
    access_key_id: 'k',
    secret_access_key: 's',
    app1: service,
    app2: {
      ...service,
      user_pool_id: 'p',
      machine_client_id: 'c',
      service_client_id: 'c',
      key_arn: 'k',
      password_policy: POLICY,
      service_user_group: 'service-user',
      credentials_secret_arn: 's',
    },
  }),
);

const regionOf = ({ client }: ReturnType<typeof targetEnvironment>) => client(SQSClient).config.region();

describe('a command goes', () => {
  it('to the local AWS that is up', async () => {
    const where = targetEnvironment({}, { LOCAL_AWS_DIR: up, AWS_PROFILE: 'mine' });

    expect(where.where).toBe('the local AWS at http://127.0.0.1:1');
    expect(await regionOf(where)).toBe('us-east-1');
  });

  it.each([{ aws: true }, { profile: 'mine' }, { region: 'eu-west-3' }])(
    'to AWS when that is asked for, whatever is up: %j',
    (options) => {
      expect(targetEnvironment(options, { LOCAL_AWS_DIR: up }).where).toMatch(/^AWS/);
    },
  );

  it('to AWS when nothing is up and a profile is set', () => {
    expect(targetEnvironment({}, { LOCAL_AWS_DIR: empty, AWS_PROFILE: 'mine' }).where).toBe('AWS as mine');
  });

  it('to the region that was said', async () => {
    const where = targetEnvironment({ region: 'eu-west-3' }, { LOCAL_AWS_DIR: up });

    expect(where.where).toBe('AWS eu-west-3');
    expect(await regionOf(where)).toBe('eu-west-3');
  });

  it('nowhere when nothing was said and nothing is up', () => {
    expect(() => targetEnvironment({}, { LOCAL_AWS_DIR: empty })).toThrow(
      expect.objectContaining({ name: 'CommandError', remedy: expect.stringContaining('npm run up') }),
    );
  });
});
