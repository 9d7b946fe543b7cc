import { describe, expect, it, jest } from '@jest/globals';
import { problemBody } from '../../../../contracts/problems.ts';
import { targetClient } from '../../../../handlers/app1/lib/target-client.ts';
import type { TargetToken } from '../../../../handlers/app1/lib/target-token.ts';
import { expectNoLeak } from '../../../support/leaks.ts';
import { CREATION_ID, ENCRYPTED, GENERATION, PROVISIONING_ID, TRACE_ID } from '../../../support/subject.ts';
import { creationStatus } from '../../../support/target-replies.ts';
import { thrownBy } from '../../../support/thrown.ts';

const request = { username: 'alice', encrypted_password: ENCRYPTED, human_user_id: 'h-42' };

/** A client of App2 that returns these responses in order; the last one is repeated. */
function app2(...responses: (() => Response | Error)[]) {
  const sent: { address: string; init: RequestInit }[] = [];
  const fetch: typeof globalThis.fetch = async (address, init = {}) => {
    const response = responses[Math.min(sent.length, responses.length - 1)]?.();
    sent.push({ address: String(address), init });
    if (response instanceof Response) return response;
    throw response;
  };
  const refused: (TargetToken | undefined)[] = [];
  const get = jest.fn(async (token?: TargetToken) => {
    refused.push(token);
    return { value: `canary-token-${refused.length}`, expiresAt: 0 };
  });
  return {
    sent,
    refused,
    client: targetClient({ apiUrl: 'https://app2.example/v1/', tokens: { get }, fetch }),
  };
}

const status = (code: number) => () => new Response('canary body of App2', { status: code });
const succeeded = () => Response.json(creationStatus({ status: 'SUCCEEDED', user: 'present' }));

describe("App1's client of App2", () => {
  it('requests a user with the provisioning_id as key and prefers to wait', async () => {
    const { client, sent } = app2(succeeded);

    await expect(
      client.requestUserCreation(GENERATION, request, {
        onBehalfOf: '111122223333/AROAEXAMPLE',
        traceId: TRACE_ID,
      }),
    ).resolves.toMatchObject({
      status: { user: 'present' },
      notifies: false,
    });
    expect(sent).toMatchObject([
      {
        address: 'https://app2.example/v1/admin/create-user',
        init: {
          method: 'POST',
          headers: {
            Authorization: 'Bearer canary-token-1',
            'Content-Type': 'application/json',
            'Idempotency-Key': PROVISIONING_ID,
            'Creation-Id': CREATION_ID,
            Prefer: 'respond-async, wait=10',
            'On-Behalf-Of': '111122223333/AROAEXAMPLE',
            'X-Amzn-Trace-Id': `Root=${TRACE_ID}`,
          },
          redirect: 'error',
        },
      },
    ]);
    expect(JSON.parse(String(sent[0]?.init.body))).toEqual(request);
    expect(sent[0]?.init.signal).toBeInstanceOf(AbortSignal);
  });

  it('propagates the trace of the invocation, also for a timeline', async () => {
    const trace = `Root=${TRACE_ID};Parent=53995c3f42cd8ad8;Sampled=1`;
    process.env['_X_AMZN_TRACE_ID'] = `${trace};Lineage=1:a87bd80c:0`;
    try {
      const { client, sent } = app2(() => new Response(null, { status: 404 }));
      await client.readTimeline(GENERATION);
      await expect(client.cancelUserCreation(GENERATION, 'alice', { traceId: TRACE_ID })).rejects.toThrow(
        '404',
      );

      for (const { init } of sent) expect(init.headers).toMatchObject({ 'X-Amzn-Trace-Id': trace });
      expect(sent).toHaveLength(2);
    } finally {
      delete process.env['_X_AMZN_TRACE_ID'];
    }
  });

  it('accepts a notification, and returns whether App2 will send one', async () => {
    const notifies = () =>
      Response.json(creationStatus(), { status: 202, headers: { 'Preference-Applied': 'respond-async' } });
    const { client, sent } = app2(notifies);

    await expect(client.requestUserCreation(GENERATION, request)).resolves.toMatchObject({
      status: { status: 'RUNNING' },
      notifies: true,
    });
    expect(new Headers(sent[0]?.init.headers).get('Prefer')).toBe('respond-async, wait=10');
  });

  it('reads the status of a creation', async () => {
    const { client, sent } = app2(succeeded);

    await expect(client.readStatus(GENERATION, 'a+b@c')).resolves.toMatchObject({ status: 'SUCCEEDED' });
    expect(sent).toMatchObject([
      {
        address: `https://app2.example/v1/admin/create-user/${PROVISIONING_ID}?username=a%2Bb%40c`,
        init: { method: 'GET', headers: { 'Creation-Id': CREATION_ID } },
      },
    ]);
  });

  it('reports a creation that App2 does not find as not finished', async () => {
    const { client } = app2(() => Response.json(problemBody('NOT_FOUND'), { status: 404 }));

    await expect(client.readStatus(GENERATION, 'alice')).rejects.toMatchObject({
      name: 'UserCreationPending',
    });
  });

  it.each([
    ['a full queue', problemBody('QUEUE_FULL'), 'TargetQueueFull'],
    ['anything else that passes', problemBody('SERVICE_UNAVAILABLE'), 'TargetUnavailable'],
    ['what is no problem of ours', { message: 'Service Unavailable' }, 'TargetUnavailable'],
  ])('maps a 503 with the code QUEUE_FULL to TargetQueueFull', async (_what, body, name) => {
    const { client } = app2(() => Response.json(body, { status: 503 }));

    await expect(client.requestUserCreation(GENERATION, request)).rejects.toMatchObject({ name });
  });

  it('requests the removal of a user, which a 204 completes', async () => {
    const { client, sent } = app2(() => new Response(null, { status: 204 }));

    await expect(client.cancelUserCreation(GENERATION, 'alice')).resolves.toBe('absent');
    expect(sent).toMatchObject([
      {
        address: `https://app2.example/v1/admin/create-user/${PROVISIONING_ID}?username=alice`,
        init: { method: 'DELETE', headers: { Prefer: 'wait=10', 'Creation-Id': CREATION_ID } },
      },
    ]);
    expect(sent[0]?.init.body).toBeUndefined();
  });

  it('encodes the username in the URL', async () => {
    const { client, sent } = app2(() => new Response(null, { status: 204 }));

    await client.cancelUserCreation(GENERATION, 'a&b=c+d/é?#');

    expect(new URL(sent[0]?.address ?? '').searchParams.get('username')).toBe('a&b=c+d/é?#');
  });

  it('reports a user of an earlier generation as another user on creation, and as absent on cancellation', async () => {
    const { client } = app2(() =>
      Response.json(problemBody('USER_OF_EARLIER_PROVISIONING'), { status: 409 }),
    );

    await expect(client.requestUserCreation(GENERATION, request)).rejects.toMatchObject({
      name: 'UserAlreadyExists',
    });
    await expect(client.cancelUserCreation(GENERATION, 'alice')).resolves.toBe('absent');
  });

  it.each([
    ['another conflict', problemBody('IDEMPOTENCY_CONFLICT')],
    ['what is no problem of ours', { code: 'USER_OF_EARLIER_PROVISIONING' }],
  ])('does not treat %s as an earlier generation', async (_what, body) => {
    const { client } = app2(() => Response.json(body, { status: 409 }));

    await expect(client.cancelUserCreation(GENERATION, 'alice')).rejects.toMatchObject({
      name: 'TargetRequestRefused',
    });
  });

  it('returns the status of a running removal', async () => {
    const { client } = app2(() => Response.json(creationStatus({ user: 'being_removed' }), { status: 202 }));

    await expect(client.cancelUserCreation(GENERATION, 'alice')).resolves.toMatchObject({
      user: 'being_removed',
    });
  });

  it('signs in again once when App2 refuses the token, within the same timeout', async () => {
    const { client, sent, refused } = app2(status(401), succeeded);

    await client.requestUserCreation(GENERATION, request);

    expect(sent.map(({ init }) => new Headers(init.headers).get('Authorization'))).toEqual([
      'Bearer canary-token-1',
      'Bearer canary-token-2',
    ]);
    expect(sent[1]?.init.signal).toBe(sent[0]?.init.signal);
    expect(refused).toEqual([undefined, { value: 'canary-token-1', expiresAt: 0 }]);
  });

  it('fails with TargetAuthenticationFailed when App2 refuses the new token, too', async () => {
    const { client, sent } = app2(status(401));

    await expect(client.requestUserCreation(GENERATION, request)).rejects.toMatchObject({
      name: 'TargetAuthenticationFailed',
    });
    expect(sent).toHaveLength(2);
  });

  it.each([
    ...[408, 429, 500, 502, 503, 504].map((code) => [code, 'TargetUnavailable'] as const),
    ...[400, 403, 404, 409, 413, 415].map((code) => [code, 'TargetRequestRefused'] as const),
  ])('maps HTTP %i to %s', async (code, name) => {
    const { client } = app2(status(code));

    const error = await thrownBy(client.requestUserCreation(GENERATION, request));

    expect(error.name).toBe(name);
    expectNoLeak('canary', error);
  });

  it('maps a broken connection to TargetUnavailable without the message of the error', async () => {
    const { client } = app2(() => new TypeError('canary: connect to https://app2 failed'));

    const error = await thrownBy(client.cancelUserCreation(GENERATION, 'alice'));

    expect(error.name).toBe('TargetUnavailable');
    expectNoLeak('canary', error);
  });

  it.each([
    ['no whole JSON, which is requested again', () => new Response('{"canary'), 'TargetUnavailable'],
    ['another form than the contract', () => Response.json({ status: 'canary' }), 'TargetRequestRefused'],
  ])('refuses a success response with %s', async (_what, response, name) => {
    const error = await thrownBy(app2(response).client.requestUserCreation(GENERATION, request));

    expect(error.name).toBe(name);
    expectNoLeak('canary', error);
  });
});

describe("App1's client of App2, reading a timeline", () => {
  const step = {
    service: 'app2',
    workflow: 'CreateServiceUser',
    execution: PROVISIONING_ID,
    step: 'CreateUser',
    started_at: '2026-01-01T00:00:00.000Z',
    attempts: [],
  } as const;

  it('returns the steps of App2', async () => {
    const timelineOfTarget = { timeline: [step], timeline_incomplete: ['app2' as const] };
    const { client, sent } = app2(() => Response.json({ ...creationStatus(), ...timelineOfTarget }));

    await expect(client.readTimeline(GENERATION)).resolves.toEqual(timelineOfTarget);
    expect(sent).toMatchObject([
      {
        address: `https://app2.example/v1/admin/create-user/${PROVISIONING_ID}?include=timeline`,
        init: { method: 'GET', headers: { 'Creation-Id': CREATION_ID } },
      },
    ]);
  });

  it('returns no steps for a provisioning that is unknown to App2', async () => {
    await expect(app2(status(404)).client.readTimeline(GENERATION)).resolves.toEqual({ timeline: [] });
  });

  it.each([
    ['an error', status(503), 'TargetUnavailable'],
    ['a status without one', succeeded, 'TargetRequestRefused'],
  ])('fails when App2 returns %s', async (_what, response, name) => {
    await expect(app2(response).client.readTimeline(GENERATION)).rejects.toMatchObject({ name });
  });
});
