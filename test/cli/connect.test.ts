import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { apiKeyIn, type ConnectOptions, connect, seen } from '../../cli/connect.ts';
import { POLICY } from '../support/password-policy.ts';
import { sdkError } from '../support/sdk-errors.ts';

const stacks = mockClient(CloudFormationClient);
let folder: string;
beforeEach(() => {
  stacks.reset();
  folder = mkdtempSync(join(tmpdir(), 'connect-'));
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const common = (api: string) => ({
  api_url: `${api}/v1`,
  state_machine_arn: 'machine',
  roll_back_state_machine_arn: 'roll-back',
  event_bus_name: 'bus',
  log_groups: ['/a', '/b'],
});
const local = {
  endpoint: 'http://127.0.0.1:1',
  region: 'eu-central-1',
  account: '1',
  access_key_id: 'local-key',
  secret_access_key: 'local-secret',
  app1: common('http://127.0.0.1:1/app1'),
  app2: {
    ...common('http://127.0.0.1:1/app2'),
    user_pool_id: 'p',
    machine_client_id: 'm',
    service_client_id: 's',
    key_arn: 'k',
    password_policy: POLICY,
    service_user_group: 'service-user',
    credentials_secret_arn: 'c',
  },
};
const up = () => writeFileSync(join(folder, 'outputs.json'), JSON.stringify(local));
const to = (options: ConnectOptions = {}, environment: NodeJS.ProcessEnv = {}) =>
  connect(options, {
    environment: { LOCAL_AWS_DIR: folder, ...environment },
    interrupted: new AbortController().signal,
  });
const addOutputs = (over: Record<string, string> = {}) => ({
  Stacks: [
    {
      StackName: 'App1',
      CreationTime: new Date(0),
      StackStatus: 'CREATE_COMPLETE' as const,
      Outputs: Object.entries({
        ApiUrl: 'https://abc.execute-api.eu-central-1.amazonaws.com/v1/',
        StateMachineArn: 'machine',
        RollBackStateMachineArn: 'roll-back',
        EventBusName: 'bus',
        LogGroups: '/a,/b',
        ...over,
      }).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
    },
  ],
});
const calls = () => {
  const sent: [string, RequestInit | undefined][] = [];
  jest.spyOn(globalThis, 'fetch').mockImplementation(async (address, init) => {
    sent.push([String(address), init]);
    return new Response('{}');
  });
  return sent;
};

describe('connecting', () => {
  it('goes to the local AWS that is up, by what it has put out', async () => {
    up();
    const sent = calls();
    const connection = to({}, { AWS_PROFILE: 'mine' });

    expect(connection.where).toBe('the local AWS at http://127.0.0.1:1');
    expect(await connection.app2()).toEqual(local.app2);
    await connection.callApp1('GET', '/create-service-user/x');
    expect(sent[0]?.[0]).toBe('http://127.0.0.1:1/app1/v1/create-service-user/x');
    expect(new Headers(sent[0]?.[1]?.headers).get('authorization')).toContain('Credential=local-key/');
  });

  it.each<[string, ConnectOptions, string]>([
    ['--aws', { aws: true }, 'AWS'],
    ['--region', { region: 'eu-west-1' }, 'AWS eu-west-1'],
    ['--profile', { profile: 'mine', region: 'eu-west-1' }, 'AWS eu-west-1 as mine'],
  ])('goes to AWS with %s, also while a local AWS is up', (_option, options, where) => {
    up();
    expect(to(options).where).toBe(where);
  });

  it('goes to AWS when no local AWS is up and the environment names a profile', () => {
    expect(to({}, { AWS_PROFILE: 'mine' }).where).toBe('AWS as mine');
  });

  it('goes nowhere when nothing says where', () => {
    expect(() => to()).toThrow(
      expect.objectContaining({ name: 'CommandError', remedy: expect.stringContaining('npm run up') }),
    );
  });

  it('takes credentials and region of the profile', async () => {
    const file = join(folder, 'config');
    writeFileSync(
      file,
      '[profile mine]\nregion = eu-north-1\naws_access_key_id = AKIDMINE\naws_secret_access_key = not-a-secret\n',
    );
    const before = { ...process.env };
    try {
      // Read by the SDK itself.
      for (const name of ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
        delete process.env[name];
      Object.assign(process.env, { AWS_CONFIG_FILE: file, AWS_SHARED_CREDENTIALS_FILE: file });
      const client = to({ profile: 'mine' }).client(STSClient);
      expect(await client.config.region()).toBe('eu-north-1');
      expect(await client.config.credentials()).toMatchObject({ accessKeyId: 'AKIDMINE' });
    } finally {
      for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) delete process.env[name];
      Object.assign(process.env, before);
    }
  });

  it('reads what it needs out of the outputs of the stacks, once', async () => {
    stacks.on(DescribeStacksCommand, { StackName: 'App1' }).resolves(addOutputs());
    const connection = to({ aws: true });

    expect(await connection.app1()).toEqual({
      api_url: 'https://abc.execute-api.eu-central-1.amazonaws.com/v1',
      state_machine_arn: 'machine',
      roll_back_state_machine_arn: 'roll-back',
      event_bus_name: 'bus',
      log_groups: ['/a', '/b'],
    });
    await connection.app1();
    expect(stacks.calls()).toHaveLength(1);
  });

  it.each([
    [
      'that is not here',
      () => stacks.on(DescribeStacksCommand).rejects(sdkError('ValidationError')),
      'NOT_DEPLOYED',
      'There is no stack App1',
    ],
    [
      'that lacks an output',
      () => stacks.on(DescribeStacksCommand).resolves(addOutputs({ ApiUrl: '' })),
      'OUTPUTS_INCOMPLETE',
      'ApiUrl',
    ],
    [
      'that it may not see',
      () => stacks.on(DescribeStacksCommand).rejects(sdkError('AccessDenied')),
      'NO_RIGHT',
      'AWS refuses it',
    ],
  ])('says so of a stack %s', async (_what, arrange, code, message) => {
    arrange();
    const { app1 } = to({ aws: true });

    expect(await seen(app1)).toMatchObject({ there: false, why: { code } });
    expect(await seen(app1)).toMatchObject({ why: { message: expect.stringContaining(message) } });
  });

  it('lets nothing pass for out of sight that is a mistake', async () => {
    await expect(seen(() => Promise.reject(new TypeError('a mistake')))).rejects.toThrow('a mistake');
  });

  it('asks an API that has a name of its own, with the key that it wants beside', async () => {
    const key = join(folder, 'key');
    writeFileSync(key, 'the-key\n');
    const sent = calls();

    await to({ aws: true, region: 'eu-west-1', apiUrl: 'https://users.example/', apiKeyFile: key }).callApp1(
      'POST',
      '/create-service-user',
      { 'content-type': 'application/json' },
      '{}',
    );

    expect(sent[0]?.[0]).toBe('https://users.example/create-service-user');
    expect(new Headers(sent[0]?.[1]?.headers).get('x-api-key')).toBe('the-key');
    expect(stacks.calls()).toEqual([]);
  });
});

describe('a file with an API key', () => {
  const SECRET = 'aVerySecretApiKey1234';
  const file = (content: string | Buffer) => {
    const name = join(folder, 'key');
    writeFileSync(name, content);
    return name;
  };

  it.each([
    ['without a line end', SECRET],
    ['with one', `${SECRET}\n`],
    ['with one of Windows', `${SECRET}\r\n`],
  ])('is read %s', (_what, content) => {
    expect(apiKeyIn(file(content))).toBe(SECRET);
  });

  it.each([
    ['two lines', `${SECRET}\n${SECRET}`, 'more than one line'],
    ['two lines of an old Mac', `${SECRET}\r${SECRET}`, 'more than one line'],
    ['an empty second line', `${SECRET}\n\n`, 'more than one line'],
    ['nothing', '', 'is empty'],
    ['only a line end', '\n', 'is empty'],
    ['a blank', ` ${SECRET}`, 'a character'],
    ['a name before it', `key: ${SECRET}`, 'a character'],
    ['a mark of byte order', `\u{feff}${SECRET}`, 'a character'],
    ['UTF-16', Buffer.from(SECRET, 'utf16le'), 'a character'],
    ['an escape', `${SECRET}\u001b[31m`, 'a character'],
    ['no ASCII', `${SECRET}ü`, 'a character'],
  ])('is refused with %s, and nothing of it is shown', (_what, content, why) => {
    const name = file(content);
    const read = () => apiKeyIn(name);

    expect(read).toThrow(why);
    expect(read).toThrow(name);
    expect(read).not.toThrow(new RegExp(`${SECRET.slice(0, 6)}|key: a`));
    try {
      read();
    } catch (error) {
      expect(error).toMatchObject({ exit: 'usage', code: 'NO_API_KEY' });
    }
  });

  it.each([
    ['is not there', () => join(folder, 'nowhere')],
    ['is a folder', () => folder],
  ])('is named when it %s', (_what, name) => {
    expect(() => apiKeyIn(name())).toThrow(`${name()} cannot be read.`);
  });
});
