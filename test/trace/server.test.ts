import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readerOf } from '../../trace/reader.ts';
import { serve } from '../../trace/server.ts';
import { FakeAws, services } from './support/fake-aws.ts';
import { ids, NOW, scene } from './support/scene.ts';

const assets = new Map([['/', { type: 'text/html', content: '<p>The page.</p>' }]]);
const where = { where: 'a test', services, lookUpsPerSecond: Number.POSITIVE_INFINITY };
let server: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  server = await serve(
    readerOf(scene(), where, () => NOW),
    assets,
    0,
  );
});
afterAll(() => {
  server.close();
});

/** As `fetch`, but with any Host. */
function ask(path: string, { method = 'GET', host }: { method?: string; host?: string } = {}) {
  return new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      const asked = request(
        new URL(path, server.url),
        { method, headers: { connection: 'close', ...(host === undefined ? {} : { host }) } },
        (response) => {
          let body = '';
          response.on('data', (data: Buffer) => {
            body += data.toString();
          });
          response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
        },
      );
      asked.once('error', reject);
      asked.end();
    },
  );
}

describe('the server', () => {
  it('listens for this machine only', () => {
    expect(server.address()).toMatchObject({ address: '127.0.0.1' });
  });

  it.each(['attacker.example', '127.0.0.1.attacker.example', 'localhost', '127.0.0.1:1'])(
    'refuses a request that was meant for %s',
    async (host) => {
      const answer = await ask('/api/provisionings', { host });
      expect(answer.status).toBe(421);
      expect(answer.body).not.toContain('provisionings');
    },
  );

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('has nothing to change: %s', async (method) => {
    for (const path of ['/', '/api/provisionings', `/api/provisionings/${ids.carol}`])
      expect(await ask(path, { method })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });

  it.each(['/', '/api/provisionings', '/nowhere'])('lets nothing foreign into the page: %s', async (path) => {
    const { headers } = await ask(path);
    expect(headers['content-security-policy']).toMatch(/^default-src 'self';/);
    expect(headers).toMatchObject({
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('answers with the list and with one provisioning', async () => {
    const list = JSON.parse((await ask('/api/provisionings?hours=1')).body);
    expect(list.provisionings).toHaveLength(6);
    const one = JSON.parse((await ask(`/api/provisionings/${ids.carol}`)).body);
    expect(one.summary.username).toBe('carol');
  });

  it.each([
    ['/api/provisionings/00000000-0000-4000-8000-000000000000', 404],
    ['/api/provisionings/no-id', 404],
    ['/api/provisionings?hours=many', 400],
    ['/etc/passwd', 404],
    ['/../server.ts', 404],
  ])('says what is wrong with %s', async (path, status) => {
    const answer = await ask(path);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({ message: expect.any(String), remedy: expect.any(String) });
  });

  it('says what to do when AWS does not let it look', async () => {
    class Expired extends FakeAws {
      override async executions(): Promise<never> {
        throw Object.assign(new Error('The security token included in the request is expired'), {
          name: 'ExpiredTokenException',
        });
      }
    }
    const refused = await serve(
      readerOf(new Expired(), where, () => NOW),
      assets,
      0,
    );
    const answer = await fetch(new URL('/api/provisionings', refused.url));
    refused.closeAllConnections();
    refused.close();
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({ remedy: expect.stringContaining('aws sso login') });
  });
});
