import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
  CreateUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import getPort from 'get-port';
import { type Emulator, startEmulator } from '../../local/emulator.ts';
import { type FaultProxy, startFaultProxy } from '../../local/harness/fault-proxy.ts';
import { predictedSub } from '../../local/harness/faults/predicted-sub.ts';
import { quotasAt } from '../../local/harness/faults/quotas.ts';
import { type FaultEffect, type Faults, faultsAt } from '../../local/harness/faults/rules.ts';
import { present } from './support/present.ts';
import { unique } from './support/unique.ts';

jest.setTimeout(20_000);

let directory: string;
let emulator: Emulator;
let proxy: FaultProxy;
let faults: Faults;
let support: Awaited<ReturnType<typeof supportOf>>;
let cognito: CognitoIdentityProviderClient;
let UserPoolId: string;

const TIME_LIMIT = 500;

beforeAll(async () => {
  const python = present(process.env['LOCAL_AWS_PYTHON']);
  directory = await mkdtemp(join(tmpdir(), 'local-aws-faults-'));
  const [port, proxyPort] = [await getPort({ host: '127.0.0.1' }), await getPort({ host: '127.0.0.1' })];
  proxy = await startFaultProxy({
    python,
    port: proxyPort,
    upstream: `http://127.0.0.1:${port}`,
    directory,
  });
  emulator = await startEmulator({
    python,
    port,
    directory,
    lambdaEndpoint: proxy.url,
    testSwitches: {
      jitter: 0.001,
      longPauses: 0.001,
      callbackTimeouts: 0.001,
      predictableSubs: true,
      serviceCallsThroughEndpoint: true,
      interventions: true,
      workers: { each: 4, of: {} },
    },
  });
  support = await supportOf(proxy.url);
  faults = faultsAt(proxy.url);
  cognito = new CognitoIdentityProviderClient({
    endpoint: proxy.url,
    region: emulator.region,
    credentials: support.root,
    maxAttempts: 1,
    requestHandler: { requestTimeout: TIME_LIMIT, throwOnRequestTimeout: true },
  });
  const { UserPool } = await support
    .client(CognitoIdentityProviderClient)
    .send(new CreateUserPoolCommand({ PoolName: unique('pool') }));
  UserPoolId = present(UserPool?.Id);
});

afterAll(async () => {
  await Promise.all([emulator.stop(), proxy.stop()]);
  await rm(directory, { recursive: true, force: true });
});

/** The suite's helpers, with the proxy as the endpoint of AWS. */
async function supportOf(endpoint: string) {
  process.env['LOCAL_AWS_ENDPOINT'] = endpoint;
  return {
    ...(await import('./support/api.ts')),
    ...(await import('./support/clients.ts')),
    ...(await import('./support/eventually.ts')),
    ...(await import('./support/functions.ts')),
    ...(await import('./support/machines.ts')),
    ...(await import('./support/queues.ts')),
    ...(await import('./support/roles.ts')),
  };
}

const create = (Username: string) => cognito.send(new AdminCreateUserCommand({ UserPoolId, Username }));
const get = (Username: string) => cognito.send(new AdminGetUserCommand({ UserPoolId, Username }));
const exists = (Username: string): Promise<boolean> =>
  get(Username).then(
    () => true,
    ({ name }) => {
      if (name === 'UserNotFoundException') return false;
      throw new Error(`AdminGetUser: ${name}`);
    },
  );
const creationOf = (username: string) =>
  ({ service: 'cognito-idp', operation: 'AdminCreateUser', body: `Username == '${username}'` }) as const;

interface Case {
  name: string;
  effect: FaultEffect;
  /** Name and HTTP status of the client's error. */
  error: object;
  /** Whether the user exists when the client receives the error. */
  done: boolean;
}

describe('the fault proxy', () => {
  test.each<Case>([
    {
      name: 'throttled',
      effect: { error: { code: 'TooManyRequestsException', status: 400 } },
      error: {
        name: 'TooManyRequestsException',
        message: 'TooManyRequestsException',
        $metadata: expect.objectContaining({ httpStatusCode: 400 }),
      },
      done: false,
    },
    {
      name: 'a server error',
      effect: { error: { code: 'InternalErrorException', status: 500, message: 'Oh.' } },
      error: {
        name: 'InternalErrorException',
        message: 'Oh.',
        $metadata: expect.objectContaining({ httpStatusCode: 500 }),
      },
      done: false,
    },
    {
      name: 'refused',
      effect: { error: { code: 'AccessDeniedException', status: 400 } },
      error: { name: 'AccessDeniedException' },
      done: false,
    },
    {
      name: 'reset before the service',
      effect: { reset: true },
      error: { message: expect.stringContaining('socket hang up') },
      done: false,
    },
    {
      name: 'answer lost after the effect',
      effect: { response: { abort_bytes: 0 } },
      error: { message: expect.stringContaining('aborted') },
      done: true,
    },
    {
      name: 'answer too late, effect at once',
      effect: { response: { hold_ms: 2 * TIME_LIMIT } },
      error: { name: 'TimeoutError' },
      done: true,
    },
    {
      name: 'effect late',
      effect: { latency: 2 * TIME_LIMIT },
      error: { name: 'TimeoutError' },
      done: false,
    },
    {
      name: 'held without effect',
      effect: { timeout_ms: 2 * TIME_LIMIT },
      error: { name: 'TimeoutError' },
      done: false,
    },
  ])('$name: one call of one user, once', async ({ effect, error, done }) => {
    const [name, other] = [unique('user'), unique('user')];
    const ids = await faults.add([{ ...creationOf(name), times: 1, ...effect }]);
    await create(other);

    await expect(create(name)).rejects.toMatchObject(error);
    expect(await exists(name)).toBe(done);
    expect(await faults.fired(ids)).toEqual([{ id: ids[0], times: 1, action: expect.any(String) }]);
    if (!done && 'latency' in effect)
      await support.eventually(async () => expect(await exists(name)).toBe(true));
    else if (!done) await create(name);

    await faults.remove(ids);
  });

  test('a held call never takes effect', async () => {
    const name = unique('user');
    const ids = await faults.add([{ ...creationOf(name), timeout_ms: TIME_LIMIT / 2 }]);

    await expect(create(name)).rejects.toMatchObject({ $metadata: { httpStatusCode: 504 } });
    expect(await exists(name)).toBe(false);

    await faults.remove(ids);
  });

  test('read lag: a user that was just created is not found for a while', async () => {
    const name = unique('user');
    await create(name);
    const ids = await faults.add([
      {
        service: 'cognito-idp',
        operation: 'AdminGetUser',
        body: `Username == '${name}'`,
        times: 2,
        error: { code: 'UserNotFoundException', status: 400 },
      },
    ]);

    expect([await exists(name), await exists(name), await exists(name)]).toEqual([false, false, true]);

    await faults.remove(ids);
  });

  test('a sequence alternates between failing and passing calls', async () => {
    const name = unique('user');
    const ids = await faults.add([
      {
        ...creationOf(name),
        sequence: { fail: 1, pass: 1 },
        error: { code: 'TooManyRequestsException', status: 400 },
      },
    ]);
    const names: string[] = [];
    for (let n = 0; n < 4; n += 1)
      names.push(
        await create(name).then(
          () => 'created',
          (error) => error.name,
        ),
      );

    expect(names).toEqual([
      'TooManyRequestsException',
      'created',
      'TooManyRequestsException',
      'UsernameExistsException',
    ]);
    expect(await faults.fired(ids)).toMatchObject([{ times: 2 }]);

    await faults.remove(ids);
  });

  test('two equal rules have separate counts and are removed separately', async () => {
    const name = unique('user');
    const rule = {
      ...creationOf(name),
      times: 1,
      error: { code: 'TooManyRequestsException', status: 400 },
    } as const;
    const [first = 0, second = 0] = await faults.add([rule, rule]);
    await faults.remove([second]);

    await expect(create(name)).rejects.toMatchObject({ name: 'TooManyRequestsException' });

    await create(name);
    await faults.remove([first, second]);

    expect(await faults.fired([second, first])).toEqual([
      { id: first, times: 1, action: 'error:TooManyRequestsException' },
    ]);
  });

  test('an invalid rule is rejected', async () => {
    await expect(faults.add([{ body: '== ==', reset: true }])).rejects.toThrow('HTTP 500');
  });

  test('a role has the same permissions through the proxy', async () => {
    const name = unique('user');
    await create(name);
    const caller = await support.callerWho({
      Effect: 'Allow',
      Action: 'cognito-idp:AdminGetUser',
      Resource: '*',
    });
    const role = support.client(CognitoIdentityProviderClient, caller);
    await role.send(new AdminGetUserCommand({ UserPoolId, Username: name }));

    await expect(role.send(new AdminDeleteUserCommand({ UserPoolId, Username: name }))).rejects.toMatchObject(
      { name: 'AccessDeniedException' },
    );
  });

  test('functions call AWS through the proxy', async () => {
    const where = await support.createFunction('exports.handler = async () => process.env.AWS_ENDPOINT_URL;');

    expect(await support.invoke(where)).toEqual({ error: undefined, payload: proxy.url });
  });

  test('a signed request without a body passes', async () => {
    const { AccountLimit } = await support.client(LambdaClient).send(new GetAccountSettingsCommand({}));

    expect(AccountLimit).toBeDefined();
  });

  test('API calls are matched by header and path: a POST by its Idempotency-Key, a DELETE by its path', async () => {
    const { url } = await support.createApi();
    const [id, other] = [unique('id'), unique('id')];
    const ids = await faults.add([
      {
        service: 'execute-api',
        operation: 'POST',
        headers: { 'idempotency-key': id },
        times: 1,
        error: { code: 'ServiceUnavailable', status: 503 },
      },
      { service: 'execute-api', operation: 'DELETE', resource: `/open/${id}`, times: 1, reset: true },
    ]);
    const post = (key: string) =>
      fetch(`${url}/open`, { method: 'POST', headers: { 'Idempotency-Key': key }, body: '{}' });
    const remove = (key: string) => fetch(`${url}/open/${key}`, { method: 'DELETE' });

    expect((await post(other)).status).not.toBe(503);
    expect((await post(id)).status).toBe(503);
    expect((await post(id)).status).not.toBe(503);

    await remove(other);

    await expect(remove(id)).rejects.toThrow('fetch failed');

    await remove(id);
    await faults.remove(ids);
  });
});

describe('the test switches of the local AWS', () => {
  test('subs can be computed and are unique', async () => {
    const name = unique('Zoe');
    const subOf = async () => {
      const { User } = await create(name);
      return User?.Attributes?.find(({ Name }) => Name === 'sub')?.Value;
    };

    expect(await subOf()).toBe(predictedSub(UserPoolId, name, 1));

    await cognito.send(
      new AdminDeleteUserCommand({ UserPoolId, Username: predictedSub(UserPoolId, name, 1) }),
    );

    expect(await subOf()).toBe(predictedSub(UserPoolId, name, 2));
    expect(await exists(predictedSub(UserPoolId, name, 1))).toBe(false);
  });

  test('intervals with full jitter and long intervals are shortened, and others are unchanged', async () => {
    const retry = (JitterStrategy: string, pause: object) =>
      support.run({
        StartAt: 'Try',
        States: {
          Try: support.failing({
            Retry: [
              {
                ErrorEquals: [support.FAILING_WITH],
                MaxAttempts: 1,
                JitterStrategy,
                ...pause,
              },
            ],
          }),
        },
      });
    const [short, scaled, long] = await Promise.all([
      retry('FULL', { IntervalSeconds: 60 }),
      retry('NONE', { IntervalSeconds: 60, MaxDelaySeconds: 300 }),
      retry('NONE', { IntervalSeconds: 1, MaxDelaySeconds: 299 }),
    ]);
    const duration = ({ startDate, stopDate }: typeof short) =>
      present(stopDate).getTime() - present(startDate).getTime();

    expect(duration(short)).toBeLessThan(1_000);
    expect(duration(scaled)).toBeLessThan(1_000);
    expect(duration(long)).toBeGreaterThanOrEqual(1_000);
  });

  test.each([
    ['a part of a limit of minutes', 300, 0, 1_500],
    ['all of a shorter limit', 2, 2_000, 4_000],
  ])('a task waits for its callback %s', async (_, TimeoutSeconds, least, most) => {
    const { startDate, stopDate, error } = await support.run({
      StartAt: 'Wait',
      States: {
        Wait: {
          Type: 'Task',
          Resource: 'arn:aws:states:::events:putEvents.waitForTaskToken',
          Arguments: {
            Entries: [
              { Source: 'test', DetailType: 'test', Detail: { token: '{% $states.context.Task.Token %}' } },
            ],
          },
          TimeoutSeconds,
          End: true,
        },
      },
    });
    const waited = present(stopDate).getTime() - present(startDate).getTime();

    expect(error).toBe('States.Timeout');
    expect(waited).toBeGreaterThanOrEqual(least);
    expect(waited).toBeLessThan(most);
  });

  describe('events of a state machine', () => {
    const publishing = (detailType: string, fields: object = {}) => ({
      StartAt: 'Publish',
      States: {
        Publish: {
          Type: 'Task',
          Resource: 'arn:aws:states:::events:putEvents',
          Arguments: { Entries: [{ Source: 'test', DetailType: detailType, Detail: { a: 1 } }] },
          End: true,
          ...fields,
        },
      },
    });
    const puttingOf = (detailType: string) =>
      ({
        service: 'events',
        operation: 'PutEvents',
        body: `Entries[0].DetailType == '${detailType}'`,
      }) as const;

    test.each<{ effect: FaultEffect; error: string }>([
      {
        effect: { error: { code: 'ThrottlingException', status: 400 } },
        error: 'EventBridge.EventBridgeException',
      },
      {
        effect: { error: { code: 'InternalException', status: 500 } },
        error: 'EventBridge.InternalException',
      },
      { effect: { reset: true }, error: 'EventBridge.SdkClientException' },
      { effect: { response: { abort_bytes: 0 } }, error: 'EventBridge.SdkClientException' },
      { effect: { response: { hold_ms: 4_000 } }, error: 'EventBridge.SdkClientException' },
    ])('are requests that can fail: $effect is $error', async ({ effect, error }) => {
      const type = unique('type');
      const ids = await faults.add([{ ...puttingOf(type), ...effect }]);

      expect(await support.run(publishing(type))).toMatchObject({ status: 'FAILED', error });
      expect(await faults.fired(ids)).toMatchObject([{ times: 1 }]);

      await faults.remove(ids);
    });

    test('are published again if only the response was lost', async () => {
      const type = unique('type');
      const queue = await support.queueOf({ 'detail-type': [type] });
      const ids = await faults.add([{ ...puttingOf(type), times: 1, response: { abort_bytes: 0 } }]);
      const again = {
        Retry: [{ ErrorEquals: ['EventBridge.SdkClientException'], JitterStrategy: 'FULL' }],
      };
      const { executionArn } = await support.run(publishing(type, again));

      for (let n = 0; n < 2; n += 1)
        expect(await support.nextEvent(queue)).toMatchObject({
          detail: { a: 1 },
          resources: expect.arrayContaining([executionArn]),
        });

      await faults.remove(ids);
    });

    test('do not prevent a stop of the execution', async () => {
      const type = unique('type');
      const ids = await faults.add([{ ...puttingOf(type), response: { hold_ms: 1_000 } }]);
      const executionArn = await support.start(await support.createMachine(publishing(type)));

      await support.eventually(async () => expect(await faults.fired(ids)).toHaveLength(1));

      await support.client(SFNClient).send(new StopExecutionCommand({ executionArn }));

      expect(await support.describeExecution(executionArn)).toMatchObject({ status: 'ABORTED' });

      await sleep(1_200); // the response must have no effect

      expect((await support.history(executionArn)).at(-1)).toMatchObject({ type: 'ExecutionAborted' });

      await faults.remove(ids);
    });
  });

  test('a test can time an execution out', async () => {
    const machine = await support.createMachine({
      StartAt: 'Wait',
      States: { Wait: { Type: 'Wait', Seconds: 60, End: true } },
    });
    const executionArn = await support.start(machine);

    expect(await intervene('time-out', { executionArn })).toEqual({ timedOut: true });
    expect(await support.describeExecution(executionArn)).toMatchObject({ status: 'TIMED_OUT' });
    expect((await support.history(executionArn)).at(-1)).toMatchObject({ type: 'ExecutionTimedOut' });
    expect(await intervene('time-out', { executionArn })).toEqual({ timedOut: false });
  });

  test('a test can crash a single invocation', async () => {
    const arn = await support.createFunction(`
      exports.handler = (event) => {
        require('node:fs').writeFileSync(event.mark, '');
        return new Promise((done) => setTimeout(() => done(event.mark), 1500));
      };`);
    const functionName = present(arn.split(':').at(-1));
    const marks = ['spared', 'doomed'].map((name) => join(directory, name));
    const [spared, doomed] = marks.map((mark) => support.invoke(arn, { mark }));
    await support.eventually(() => Promise.all(marks.map((mark) => access(mark))));

    expect(await intervene('kill', { functionName, contains: 'doomed' })).toEqual({ killed: 1 });
    expect(await doomed).toMatchObject({ payload: { errorType: 'Runtime.ExitError' } });
    expect(await spared).toEqual({ error: undefined, payload: marks[0] });
    expect(await intervene('kill', { functionName })).toEqual({ killed: 0 });
    expect(await support.invoke(arn, { mark: marks[1] })).toMatchObject({ payload: marks[1] });
  });

  test('a function has more concurrent invocations', async () => {
    const arn = await support.createFunction(`
      exports.handler = () => new Promise((done) => setTimeout(() => done(process.pid), 800));`);
    const answers = await Promise.all([1, 2, 3, 4].map(() => support.invoke(arn)));

    expect(new Set(answers.map(({ payload }) => payload)).size).toBe(4);
  });
});

async function intervene(route: string, request: object): Promise<unknown> {
  const response = await fetch(`${emulator.endpoint}/_local_aws/${route}`, {
    method: 'POST',
    body: JSON.stringify(request),
  });
  expect(response.status).toBe(200);
  return response.json();
}

describe('a quota at the fault proxy', () => {
  const quota = {
    name: 'reads',
    calls: ['cognito-idp:AdminGetUser'],
    per_second: 0.01,
    at_once: 2,
    code: 'TooManyRequestsException',
  };
  const readUser = (Username: string) =>
    cognito.send(new AdminGetUserCommand({ UserPoolId, Username })).catch((error: unknown) => error);
  const throttled = {
    name: 'TooManyRequestsException',
    $metadata: expect.objectContaining({ httpStatusCode: 400 }),
  };
  const unknownUser = { name: 'UserNotFoundException' };

  afterEach(() => quotasAt(proxy.url).set([]));

  test('throttles excess calls as AWS does, and reports all calls', async () => {
    const quotas = quotasAt(proxy.url);
    await quotas.set([quota]);
    const answers = [await readUser('one'), await readUser('two'), await readUser('three')];
    const { made, quotas: counts } = await quotas.counted();

    expect(answers).toMatchObject([unknownUser, unknownUser, throttled]);
    expect(made).toEqual({ 'cognito-idp:AdminGetUser': 3 });
    expect(counts).toEqual({
      reads: { passed: [expect.any(Number), expect.any(Number)], refused: [expect.any(Number)] },
    });
  });

  test('can apply to each value of a field', async () => {
    await quotasAt(proxy.url).set([{ ...quota, at_once: 1, each: 'Username' }]);
    const answers = [await readUser('one'), await readUser('two'), await readUser('one')];

    expect(answers).toMatchObject([unknownUser, unknownUser, throttled]);
  });
});
