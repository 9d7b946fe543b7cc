import { describe, expect, it } from '@jest/globals';
import { allChecks } from '../../acceptance/checks.ts';
import { businessRouteOption, deployedSystem, type SystemOptions } from '../../acceptance/system.ts';
import { CheckFailed } from '../../acceptance/verdict.ts';
import type { Connection, ConnectOptions } from '../../cli/connect.ts';
import { problemBody } from '../../contracts/problems.ts';
import { fakeClock } from '../support/clock.ts';
import { APP1, APP2 } from '../support/outputs.ts';

const ID = '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01';
const accepted = { provisioning_id: ID, status: 'RUNNING', status_url: 'https://app1.example/v1/x' };

interface SystemOverrides {
  options: Partial<SystemOptions>;
  /** Log groups of App1. */
  logGroups: string[];
}

type FakeResponse = [status: number, body?: object] | Error;

/** A system whose App1 returns these responses in their order, with the options of its connections. */
async function systemWith(
  responses: FakeResponse[],
  interrupt = new AbortController(),
  more: Partial<SystemOverrides> = {},
) {
  const { options, logGroups = APP1.log_groups } = more;
  const connectOptions: ConnectOptions[] = [];
  const sent: { method: string; key: string | undefined; body: string | undefined; signal: AbortSignal }[] =
    [];
  const clock = fakeClock();
  const connectTo = (signal: AbortSignal): Connection => ({
    displayName: 'a test',
    client: (Class) => new Class({ region: 'eu-central-1' }),
    identity: async () => ({ arn: 'arn:aws:iam::111122223333:user/me', clockOffset: 0 }),
    app1: async () => ({ ...APP1, log_groups: logGroups }),
    targets: async () => ['app2'],
    target: async () => APP2,
    callApp1: async (method, _path, headers = {}, body) => {
      sent.push({ method, key: headers['idempotency-key'], body, signal });
      const next = responses.shift() ?? [500];
      if (next instanceof Error) throw next;
      const [status, responseBody] = next;
      return new Response(status === 204 ? null : JSON.stringify(responseBody), { status });
    },
  });
  const system = await deployedSystem(
    { timeout: 10_000, target: 'app2', ...options },
    {
      clock,
      connect: (options, { interrupted }) => {
        connectOptions.push(options);
        return connectTo(interrupted);
      },
      environment: {},
      interrupted: interrupt.signal,
      terminal: {
        out: () => undefined,
        err: () => undefined,
        progress: () => ({ update: () => undefined, stop: () => undefined }),
        readInput: async () => Buffer.from(''),
        promptSecret: undefined,
      },
    },
  );
  return { system, sent, sleeps: clock.sleeps, connectOptions };
}

const cleanUp = (system: Awaited<ReturnType<typeof systemWith>>['system']) =>
  system.cleanup.run(() => undefined);

describe('a deployed system', () => {
  it('is called with one profile, or with one for each service', async () => {
    const profiles = async (options: Partial<SystemOptions>) => {
      const { system, connectOptions } = await systemWith([], new AbortController(), { options });
      return {
        connectOptions: [...new Set(connectOptions.map(({ profile }) => profile))],
        apart: system.app1.connection !== system.app2.connection,
      };
    };

    expect(await profiles({ profile: 'users' })).toEqual({ connectOptions: ['users'], apart: false });
    expect(await profiles({ profile: 'users', targetProfile: 'payments' })).toEqual({
      connectOptions: ['users', 'payments'],
      apart: true,
    });
  });

  it('is on AWS, also while a local AWS is up', async () => {
    const { connectOptions } = await systemWith([]);

    expect(connectOptions.every(({ aws }) => aws === true)).toBe(true);
  });

  it('is rejected during a migration', async () => {
    const logGroups = [...APP1.log_groups, '/aws/lambda/app1-route-provisioning'];

    await expect(systemWith([], new AbortController(), { logGroups })).rejects.toMatchObject({
      code: 'MIGRATION',
    });
  });
});

describe('the business endpoint of the target', () => {
  const routeAt = async (options: Partial<SystemOptions>) =>
    (await systemWith([], new AbortController(), { options })).system.businessRoute;

  it('is /sample at App2, that of the option at any target, and else unknown', async () => {
    const charges = { method: 'POST', path: 'charges' } as const;

    expect(await routeAt({})).toEqual({ method: 'POST', path: 'sample' });
    expect(await routeAt({ target: 'payments', businessRoute: charges })).toEqual(charges);
    expect(await routeAt({ target: 'payments' })).toBeUndefined();
  });

  it.each(['provisioning/business-endpoint', 'refusals/wrong-client'])(
    'is not checked by %s when it is unknown',
    async (name) => {
      const { system } = await systemWith([], new AbortController(), { options: { target: 'payments' } });
      const check = allChecks.find((one) => one.name === name);

      await expect(check?.run(system)).rejects.toMatchObject({
        name: 'NotApplicable',
        message: expect.stringContaining('payments'),
      });
    },
  );

  it.each([
    ['POST /charges', { method: 'POST', path: 'charges' }],
    ['GET /charges/ch-1', { method: 'GET', path: 'charges/ch-1' }],
    ['charges', undefined],
    ['POST charges', undefined],
    ['BREW /coffee', undefined],
    ['POST /admin/create-user', undefined],
  ])('is parsed from %j as %j', (text, route) => {
    expect(businessRouteOption.safeParse(text).data).toEqual(route);
  });
});

describe('a requested service user', () => {
  it('is removed, and the cleanup waits until it is removed', async () => {
    const { system, sent } = await systemWith([[202, accepted], [202, removing()], [202, removing()], [204]]);
    await system.request();

    expect(await cleanUp(system)).toEqual({ removed: 1, remaining: [] });
    expect(sent.map(({ method }) => method)).toEqual(['POST', 'DELETE', 'DELETE', 'DELETE']);
  });

  it('is removed when the response to its request was lost: a repeat returns the id', async () => {
    const { system, sent } = await systemWith([
      new TypeError('fetch failed'),
      [202, accepted],
      [204],
      [202, accepted],
      [204],
    ]);

    await expect(system.request()).rejects.toThrow('fetch failed');

    expect(await cleanUp(system)).toEqual({ removed: 1, remaining: [] });

    const posts = sent.filter(({ method }) => method === 'POST');

    expect(new Set(posts.map(({ key, body }) => `${key} ${body}`)).size).toBe(1);
  });

  it('is not removed when App1 has rejected the request', async () => {
    const { system, sent } = await systemWith([[400, problemBody('INVALID_REQUEST')]]);

    await expect(system.request()).rejects.toMatchObject({ code: 'INVALID_REQUEST' });

    expect(await cleanUp(system)).toEqual({ removed: 0, remaining: [] });
    expect(sent).toHaveLength(1);
  });

  it('is removed after an interrupt, which stops only the running checks', async () => {
    const interrupt = new AbortController();
    const { system, sent } = await systemWith([[202, accepted], [204], [204]], interrupt);
    await system.request();
    interrupt.abort();

    expect(await cleanUp(system)).toEqual({ removed: 1, remaining: [] });
    expect(sent.map(({ method, signal }) => `${method} ${signal.aborted}`)).toEqual([
      'POST true',
      'DELETE false',
      'DELETE false',
    ]);
  });

  it('has a unique name and password', async () => {
    const { system } = await systemWith([]);
    const [one, other] = [system.newUser(), system.newUser()];

    expect(one.username).not.toBe(other.username);
    expect(one.password).not.toBe(other.password);
  });
});

describe('eventually', () => {
  it('retries until the attempt succeeds', async () => {
    const { system } = await systemWith([]);
    let attempts = 0;
    const found = await system.eventually(async () => {
      attempts += 1;
      if (attempts < 3) throw new CheckFailed('not yet');
      return 'found';
    });

    expect([found, attempts]).toEqual(['found', 3]);
  });

  it('fails after its timeout with the last error', async () => {
    const { system, sleeps } = await systemWith([]);

    await expect(system.eventually(() => Promise.reject(new CheckFailed('no event')))).rejects.toThrow(
      'no event (waited 10 s)',
    );
    expect(sleeps.reduce((sum, one) => sum + one, 0)).toBe(10_000);
  });

  it('does not retry after an unexpected error', async () => {
    const { system, sleeps } = await systemWith([]);

    await expect(system.eventually(() => Promise.reject(new Error('no permission')))).rejects.toThrow(
      'no permission',
    );
    expect(sleeps).toEqual([]);
  });
});

function removing() {
  const started_at = '2026-11-23T12:00:00.000Z';
  return { provisioning_id: ID, status: 'SUCCEEDED', user: 'being_removed', started_at };
}
