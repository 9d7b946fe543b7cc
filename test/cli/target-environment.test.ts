import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from '@jest/globals';
import { targetEnvironment } from '../../cli/target-environment.ts';
import { localOutputs } from '../support/outputs.ts';

const empty = mkdtempSync(join(tmpdir(), 'where-'));
const up = mkdtempSync(join(tmpdir(), 'where-'));
writeFileSync(join(up, 'outputs.json'), JSON.stringify(localOutputs()));

const regionOf = ({ client }: ReturnType<typeof targetEnvironment>) => client(SQSClient).config.region();

describe('targetEnvironment', () => {
  it('selects the local AWS that is up', async () => {
    const environment = targetEnvironment({}, { LOCAL_AWS_DIR: up, AWS_PROFILE: 'mine' });

    expect(environment.displayName).toBe('the local AWS at http://127.0.0.1:1');
    expect(await regionOf(environment)).toBe('us-east-1');
  });

  it.each([{ aws: true }, { profile: 'mine' }, { region: 'eu-west-3' }])(
    'selects AWS by the options %j, also while a local AWS is up',
    (options) => {
      expect(targetEnvironment(options, { LOCAL_AWS_DIR: up }).displayName).toMatch(/^AWS/);
    },
  );

  it('selects AWS when no local AWS is up and AWS_PROFILE is set', () => {
    expect(targetEnvironment({}, { LOCAL_AWS_DIR: empty, AWS_PROFILE: 'mine' }).displayName).toBe(
      'AWS as mine',
    );
  });

  it('uses the region of the options', async () => {
    const environment = targetEnvironment({ region: 'eu-west-3' }, { LOCAL_AWS_DIR: up });

    expect(environment.displayName).toBe('AWS eu-west-3');
    expect(await regionOf(environment)).toBe('eu-west-3');
  });

  it('fails when no option is given and no local AWS is up', () => {
    expect(() => targetEnvironment({}, { LOCAL_AWS_DIR: empty })).toThrow(
      expect.objectContaining({ name: 'CommandError', remedy: expect.stringContaining('npm run up') }),
    );
  });
});
