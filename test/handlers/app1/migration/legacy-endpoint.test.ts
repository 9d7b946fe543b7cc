import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { legacyEndpoint } from '../../../../handlers/app1/migration/legacy-endpoint.ts';
import { expectNoLeak, watchLog } from '../../../support/leaks.ts';
import { sdkError } from '../../../support/sdk-errors.ts';
import { PASSWORD } from '../../../support/subject.ts';
import { thrownBy } from '../../../support/thrown.ts';

const secretsManager = mockClient(SecretsManagerClient);
const fetch = jest.fn<typeof globalThis.fetch>();
const log = watchLog();
const KEY = 'canary-legacy-api-key';
const BODY = JSON.stringify({ username: 'ada', password: PASSWORD, human_user_id: 'h-1' });

const legacy = () =>
  legacyEndpoint({
    url: 'https://legacy.example/users',
    secretsManager: new SecretsManagerClient({}),
    secretArn: 'secret',
    fetch,
  });
const keysSent = () => fetch.mock.calls.map(([, init]) => new Headers(init?.headers).get('x-api-key'));
const keyIs = (SecretString: string) => secretsManager.on(GetSecretValueCommand).resolves({ SecretString });

beforeEach(() => {
  secretsManager.reset();
  fetch.mockReset();
  keyIs(KEY);
});

describe('the legacy endpoint', () => {
  it('receives the unchanged body with the API key, without redirects', async () => {
    fetch.mockResolvedValue(Response.json({ id: 7 }, { status: 201 }));

    await expect(legacy().request(BODY)).resolves.toEqual({ status: 201, body: '{"id":7}' });
    expect(fetch.mock.calls).toEqual([
      [
        'https://legacy.example/users',
        {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', 'x-api-key': KEY },
          body: BODY,
          redirect: 'manual',
          signal: expect.any(AbortSignal),
        },
      ],
    ]);
  });

  it.each([
    [400, '{"error":"no"}'],
    [409, '{"error":"taken"}'],
    [500, '{}'],
    [200, ''],
  ])('has its response proxied: %i %s', async (status, body) => {
    fetch.mockResolvedValue(new Response(body, { status }));

    await expect(legacy().request(BODY)).resolves.toEqual({ status, body });
  });

  it('has its key cached', async () => {
    const endpoint = legacy();
    fetch.mockImplementation(async () => Response.json({}));
    await endpoint.request(BODY);
    await endpoint.request(BODY);

    expect(secretsManager.commandCalls(GetSecretValueCommand)).toHaveLength(1);
  });

  it('has its key read again after a refusal', async () => {
    const endpoint = legacy();
    fetch.mockImplementation(async () => Response.json({}));
    await endpoint.request(BODY);
    keyIs('the-next-key');
    fetch.mockReset();
    fetch.mockResolvedValueOnce(new Response('', { status: 403 }));
    fetch.mockResolvedValueOnce(Response.json({}));

    await expect(endpoint.request(BODY)).resolves.toMatchObject({ status: 200 });
    expect(keysSent()).toEqual([KEY, 'the-next-key']);
  });

  it.each([
    [
      'refuses the key twice',
      () => fetch.mockImplementation(async () => new Response('{}', { status: 401 })),
      2,
    ],
    [
      'redirects',
      () => fetch.mockResolvedValue(new Response(null, { status: 302, headers: { location: 'https://x' } })),
      1,
    ],
    [
      'returns another content than JSON',
      () => fetch.mockResolvedValue(new Response(`<p>${PASSWORD}`, { status: 200 })),
      1,
    ],
    ['cannot be reached', () => fetch.mockRejectedValue(new TypeError(`fetch failed ${PASSWORD}`)), 1],
    [
      'breaks off',
      () =>
        fetch.mockResolvedValue(
          new Response(new ReadableStream({ start: (c) => c.error(new Error(PASSWORD)) })),
        ),
      1,
    ],
  ])('is reported as not available without a second request when it %s', async (_what, arrange, calls) => {
    arrange();
    const error = await thrownBy(legacy().request(BODY));

    expect(error).toMatchObject({ code: 'LEGACY_UNAVAILABLE' });
    expect(fetch).toHaveBeenCalledTimes(calls);
    expect(log()).toContain('The legacy endpoint is not available');
    expectNoLeak(PASSWORD, error, log());
    expectNoLeak(KEY, error, log());
  });

  it('is reported as timed out when it took too long', async () => {
    fetch.mockRejectedValue(new DOMException('too late', 'TimeoutError'));

    expect(await thrownBy(legacy().request(BODY))).toMatchObject({ code: 'LEGACY_TIMEOUT' });
  });

  it.each(['', 'two words', 'a\r\nb: c'])(
    'receives no request with a secret that is not a key: %j',
    async (secret) => {
      keyIs(secret);
      const error = await thrownBy(legacy().request(BODY));

      expect(fetch).not.toHaveBeenCalled();
      if (secret !== '') expectNoLeak(secret, error);
    },
  );

  it('is called again after the secret could not be read', async () => {
    secretsManager
      .on(GetSecretValueCommand)
      .rejectsOnce(sdkError('InternalServiceError'))
      .resolves({ SecretString: KEY });
    fetch.mockResolvedValue(Response.json({}));
    const endpoint = legacy();
    await thrownBy(endpoint.request(BODY));

    await expect(endpoint.request(BODY)).resolves.toMatchObject({ status: 200 });
  });
});
