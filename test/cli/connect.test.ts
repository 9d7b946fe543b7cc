import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { type ConnectOptions, connect, readApiKey, tryRead } from '../../cli/connect.ts';
import { APP1, localOutputs, targetLine } from '../support/outputs.ts';
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

const local = localOutputs({
  region: 'eu-central-1',
  app1: { ...APP1, api_url: 'http://127.0.0.1:1/app1/v1' },
});
const up = () => writeFileSync(join(folder, 'outputs.json'), JSON.stringify(local));
const to = (options: ConnectOptions = {}, environment: NodeJS.ProcessEnv = {}) =>
  connect(options, {
    environment: { LOCAL_AWS_DIR: folder, ...environment },
    interrupted: new AbortController().signal,
  });
const describedStack = (over: Record<string, string> = {}) => ({
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
        Targets: JSON.stringify(APP1.targets),
        ...over,
      }).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
    },
  ],
});
const mockFetch = () => {
  const sent: [string, RequestInit | undefined][] = [];
  jest.spyOn(globalThis, 'fetch').mockImplementation(async (address, init) => {
    sent.push([String(address), init]);
    return new Response('{}');
  });
  return sent;
};

describe('connect', () => {
  it('uses the outputs and credentials of the local AWS that is up', async () => {
    up();
    const sent = mockFetch();
    const connection = to({}, { AWS_PROFILE: 'mine' });

    expect(connection.displayName).toBe('the local AWS at http://127.0.0.1:1');
    expect(await connection.target('app2')).toEqual(local.app2);

    await connection.callApp1('GET', '/create-service-user/x');

    expect(sent[0]?.[0]).toBe('http://127.0.0.1:1/app1/v1/create-service-user/x');
    expect(new Headers(sent[0]?.[1]?.headers).get('authorization')).toContain('Credential=local-key/');
  });

  it.each<[string, ConnectOptions, string]>([
    ['--aws', { aws: true }, 'AWS'],
    ['--region', { region: 'eu-west-1' }, 'AWS eu-west-1'],
    ['--profile', { profile: 'mine', region: 'eu-west-1' }, 'AWS eu-west-1 as mine'],
  ])('uses AWS with %s, also while a local AWS is up', (_option, options, displayName) => {
    up();

    expect(to(options).displayName).toBe(displayName);
  });

  it('uses AWS when no local AWS is up and AWS_PROFILE is set', () => {
    expect(to({}, { AWS_PROFILE: 'mine' }).displayName).toBe('AWS as mine');
  });

  it('fails when nothing selects an environment', () => {
    expect(() => to()).toThrow(
      expect.objectContaining({ name: 'CommandError', remedy: expect.stringContaining('npm run up') }),
    );
  });

  it('uses credentials and region of the profile', async () => {
    const file = join(folder, 'config');
    writeFileSync(
      file,
      '[profile mine]\nregion = eu-north-1\naws_access_key_id = AKIDMINE\naws_secret_access_key = not-a-secret\n',
    );
    const before = { ...process.env };

    try {
      // The SDK reads these variables itself.
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

  it('reads the outputs of a stack once', async () => {
    stacks.on(DescribeStacksCommand, { StackName: 'App1' }).resolves(describedStack());
    const connection = to({ aws: true });

    expect(await connection.app1()).toEqual({
      stack_name: 'App1',
      api_url: 'https://abc.execute-api.eu-central-1.amazonaws.com/v1',
      state_machine_arn: 'machine',
      roll_back_state_machine_arn: 'roll-back',
      event_bus_name: 'bus',
      log_groups: ['/a', '/b'],
      targets: APP1.targets,
    });

    await connection.app1();

    expect(stacks.calls()).toHaveLength(1);
  });

  it('finds a target by its Target string, in whatever stack and under whatever prefix', async () => {
    const outputs = {
      ApiUrl: 'https://pay.execute-api.eu-central-1.amazonaws.com/v1/',
      StateMachineArn: 'machine',
      RollBackStateMachineArn: 'roll-back',
      EventBusName: 'payments-service-users',
      LogGroups: '/a,/b',
      UserPoolId: 'pool',
      MachineClientId: 'machine-client',
      ServiceClientId: 'service-client',
      KeyArn: 'key',
      PasswordPolicy: JSON.stringify(POLICY),
      ServiceUserGroup: 'service-user',
      CredentialsSecretArn: 'secret',
      Target: targetLine('payments'),
    };
    const stack = (StackName: string, values: Record<string, string>) => ({
      StackName,
      CreationTime: new Date(0),
      StackStatus: 'CREATE_COMPLETE' as const,
      Outputs: Object.entries(values).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
    });
    const withPrefix = Object.fromEntries(
      Object.entries(outputs).map(([key, value]) => [`Users${key}`, value]),
    );
    stacks
      .on(DescribeStacksCommand)
      .resolvesOnce({ Stacks: [stack('Other', { ScalingTarget: 'no Target string' })], NextToken: 'next' })
      .resolvesOnce({ Stacks: [stack('Shop', { ...withPrefix, ApiUrl: "the shop's" })] });
    const connection = to({ aws: true });

    expect(await connection.targets()).toEqual(['payments']);
    expect(await connection.target('payments')).toMatchObject({
      stack_name: 'Shop',
      api_url: 'https://pay.execute-api.eu-central-1.amazonaws.com/v1',
      event_bus_name: 'payments-service-users',
      target: targetLine('payments'),
    });
    expect(stacks.calls()).toHaveLength(2);
    expect(await tryRead(() => connection.target('orders'))).toMatchObject({
      error: { code: 'NOT_DEPLOYED', message: 'There is no target orders in this account and region.' },
    });
  });

  it.each([
    [
      'that does not exist',
      () => stacks.on(DescribeStacksCommand).rejects(sdkError('ValidationError')),
      'NOT_DEPLOYED',
      'There is no stack App1',
    ],
    [
      'that lacks an output',
      () => stacks.on(DescribeStacksCommand).resolves(describedStack({ ApiUrl: '' })),
      'OUTPUTS_INCOMPLETE',
      'ApiUrl',
    ],
    [
      'without permission to describe it',
      () => stacks.on(DescribeStacksCommand).rejects(sdkError('AccessDenied')),
      'ACCESS_DENIED',
      'AWS denies access',
    ],
  ])('reports a stack %s', async (_what, arrange, code, message) => {
    arrange();
    const { app1 } = to({ aws: true });

    expect(await tryRead(app1)).toMatchObject({ isAvailable: false, error: { code } });
    expect(await tryRead(app1)).toMatchObject({ error: { message: expect.stringContaining(message) } });
  });

  it('rethrows an unexpected error', async () => {
    await expect(tryRead(() => Promise.reject(new TypeError('a mistake')))).rejects.toThrow('a mistake');
  });

  it('calls an API with a custom domain name and an API key', async () => {
    const key = join(folder, 'key');
    writeFileSync(key, 'the-key\n');
    const sent = mockFetch();

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

describe('readApiKey', () => {
  const SECRET = 'aVerySecretApiKey1234';
  const file = (content: string | Buffer) => {
    const name = join(folder, 'key');
    writeFileSync(name, content);
    return name;
  };

  it.each([
    ['without a line end', SECRET],
    ['with a line end', `${SECRET}\n`],
    ['with a Windows line end', `${SECRET}\r\n`],
  ])('reads a key %s', (_what, content) => {
    expect(readApiKey(file(content))).toBe(SECRET);
  });

  it.each([
    ['two lines', `${SECRET}\n${SECRET}`, 'more than one line'],
    ['two lines of an old Mac', `${SECRET}\r${SECRET}`, 'more than one line'],
    ['an empty second line', `${SECRET}\n\n`, 'more than one line'],
    ['nothing', '', 'is empty'],
    ['only a line end', '\n', 'is empty'],
    ['a space', ` ${SECRET}`, 'a character'],
    ['a name before the key', `key: ${SECRET}`, 'a character'],
    ['a byte order mark', `\u{feff}${SECRET}`, 'a character'],
    ['UTF-16', Buffer.from(SECRET, 'utf16le'), 'a character'],
    ['an escape', `${SECRET}\u001b[31m`, 'a character'],
    ['a character outside ASCII', `${SECRET}ü`, 'a character'],
  ])('rejects a file with %s and repeats nothing of it', (_what, content, reason) => {
    const name = file(content);
    const read = () => readApiKey(name);

    expect(read).toThrow(reason);
    expect(read).toThrow(name);
    expect(read).not.toThrow(new RegExp(`${SECRET.slice(0, 6)}|key: a`));
    try {
      read();
    } catch (error) {
      expect(error).toMatchObject({ exit: 'usage', code: 'NO_API_KEY' });
    }
  });

  it.each([
    ['that does not exist', () => join(folder, 'nowhere')],
    ['that is a folder', () => folder],
  ])('names a file %s', (_what, name) => {
    expect(() => readApiKey(name())).toThrow(`${name()} cannot be read.`);
  });
});
