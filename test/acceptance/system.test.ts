import { describe, expect, it } from '@jest/globals';
import { deployedSystem, type SystemOptions } from '../../acceptance/system.ts';
import { CheckFailed } from '../../acceptance/verdict.ts';
import type { Connection, ConnectOptions } from '../../cli/connect.ts';
import { problemBody } from '../../contracts/problems.ts';
import { APP1, APP2 } from '../cli/support/runtime.ts';
import { fakeClock } from '../support/clock.ts';

/** How what was requested is noted and removed, whatever became of the request. */

const ID = '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01';
const accepted = { provisioning_id: ID, status: 'RUNNING', status_url: 'https://app1.example/v1/x' };

interface Given {
  options: Partial<SystemOptions>;
  /** Of App1. */
  logGroups: string[];
}

type Reply = [status: number, body?: object] | Error;

/** A system whose App1 gives these answers, one after the other; what it was asked. */
async function systemWith(replies: Reply[], interrupt = new AbortController(), more: Partial<Given> = {}) {
  const { options, logGroups = APP1.log_groups } = more;
  const asked: ConnectOptions[] = [];
  const sent: { method: string; key: string | undefined; body: string | undefined; signal: AbortSignal }[] =
    [];
  const clock = fakeClock();
  const connectTo = (signal: AbortSignal): Connection => ({
    displayName: 'a test',
    client: (Class) => new Class({ region: 'eu-central-1' }),
    identity: async () => ({ arn: 'arn:aws:iam::111122223333:user/me', clockOffset: 0 }),
    app1: async () => ({ ...APP1, log_groups: logGroups }),
    app2: async () => APP2,
    callApp1: async (method, _path, headers = {}, body) => {
      sent.push({ method, key: headers['idempotency-key'], body, signal });
      const reply = replies.shift() ?? [500];
      if (reply instanceof Error) throw reply;
      const [status, answer] = reply;
      return new Response(status === 204 ? null : JSON.stringify(answer), { status });
    },
  });
  const system = await deployedSystem(
    { timeout: 10_000, ...options },
    {
      clock,
      connect: (options, { interrupted }) => {
        asked.push(options);
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
  return { system, sent, sleeps: clock.sleeps, asked };
}

const cleanUp = (system: Awaited<ReturnType<typeof systemWith>>['system']) =>
  system.cleanup.run(() => undefined);

describe('a deployed system', () => {
  it('is asked as one profile, or as one for each service', async () => {
    const profiles = async (options: Partial<SystemOptions>) => {
      const { system, asked } = await systemWith([], new AbortController(), { options });
      return {
        asked: [...new Set(asked.map(({ profile }) => profile))],
        apart: system.app1.connection !== system.app2.connection,
      };
    };

    expect(await profiles({ profile: 'users' })).toEqual({ asked: ['users'], apart: false });
    expect(await profiles({ profile: 'users', app2Profile: 'payments' })).toEqual({
      asked: ['users', 'payments'],
      apart: true,
    });
  });

  it('is AWS, also while a local AWS is up', async () => {
    const { asked } = await systemWith([]);

    expect(asked.every(({ aws }) => aws === true)).toBe(true);
  });

  it('is not tried while requests may go to a legacy endpoint', async () => {
    const logGroups = [...APP1.log_groups, '/aws/lambda/app1-route-provisioning'];

    await expect(systemWith([], new AbortController(), { logGroups })).rejects.toMatchObject({
      code: 'MIGRATION',
    });
  });
});

describe('a requested service user', () => {
  it('is removed, and it is waited until it is gone', async () => {
    const { system, sent } = await systemWith([[202, accepted], [202, removing()], [202, removing()], [204]]);
    await system.request();

    expect(await cleanUp(system)).toEqual({ removed: 1, left: [] });
    expect(sent.map(({ method }) => method)).toEqual(['POST', 'DELETE', 'DELETE', 'DELETE']);
  });

  it('is removed when the answer to its request was lost: the same request tells which it is', async () => {
    const { system, sent } = await systemWith([
      new TypeError('fetch failed'),
      [202, accepted],
      [204],
      [202, accepted],
      [204],
    ]);
    await expect(system.request()).rejects.toThrow('fetch failed');

    expect(await cleanUp(system)).toEqual({ removed: 1, left: [] });
    const posts = sent.filter(({ method }) => method === 'POST');
    expect(new Set(posts.map(({ key, body }) => `${key} ${body}`)).size).toBe(1);
  });

  it('needs no removal when App1 has refused it', async () => {
    const { system, sent } = await systemWith([[400, problemBody('INVALID_REQUEST')]]);
    await expect(system.request()).rejects.toMatchObject({ code: 'INVALID_REQUEST' });

    expect(await cleanUp(system)).toEqual({ removed: 0, left: [] });
    expect(sent).toHaveLength(1);
  });

  it('is removed after an interrupt, too, which ends only what was under way', async () => {
    const interrupt = new AbortController();
    const { system, sent } = await systemWith([[202, accepted], [204], [204]], interrupt);
    await system.request();
    interrupt.abort();

    expect(await cleanUp(system)).toEqual({ removed: 1, left: [] });
    expect(sent.map(({ method, signal }) => `${method} ${signal.aborted}`)).toEqual([
      'POST true',
      'DELETE false',
      'DELETE false',
    ]);
  });

  it('has a name and a password that no other one has', async () => {
    const { system } = await systemWith([]);
    const [one, other] = [system.newUser(), system.newUser()];

    expect(one.username).not.toBe(other.username);
    expect(one.password).not.toBe(other.password);
  });
});

describe('eventually', () => {
  it('looks again until nothing is missing', async () => {
    const { system } = await systemWith([]);
    let looks = 0;
    const found = await system.eventually(async () => {
      looks += 1;
      if (looks < 3) throw new CheckFailed('not yet');
      return 'there';
    });

    expect([found, looks]).toEqual(['there', 3]);
  });

  it('gives up when its time is over, and says what was missing last', async () => {
    const { system, sleeps } = await systemWith([]);

    await expect(system.eventually(() => Promise.reject(new CheckFailed('no event')))).rejects.toThrow(
      'no event (waited 10 s)',
    );
    expect(sleeps.reduce((sum, one) => sum + one, 0)).toBe(10_000);
  });

  it('does not look again after what nobody foresaw', async () => {
    const { system, sleeps } = await systemWith([]);

    await expect(system.eventually(() => Promise.reject(new Error('no right')))).rejects.toThrow('no right');
    expect(sleeps).toEqual([]);
  });
});

function removing() {
  const started_at = '2026-11-23T12:00:00.000Z';
  return { provisioning_id: ID, status: 'SUCCEEDED', user: 'being_removed', started_at };
}
