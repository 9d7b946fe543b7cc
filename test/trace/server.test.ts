import { request } from 'node:http';
import { createConnection } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
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

/** What the server answers to these bytes, until it closes the connection. */
function send(bytes: string): Promise<string> {
  const { port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port: Number(port) });
    let answer = '';
    socket.on('data', (data: Buffer) => {
      answer += data.toString();
    });
    socket.once('close', () => resolve(answer));
    socket.once('error', reject);
    socket.write(bytes);
  });
}

/** A request with this target, as no client of Node would send it. */
const get = (target: string, { method = 'GET', version = '1.1', host = new URL(server.url).host } = {}) =>
  send(
    `${method} ${target} HTTP/${version}\r\n${host === '' ? '' : `Host: ${host}\r\n`}Connection: close\r\n\r\n`,
  );

describe('a request that no browser sends is answered, and the server goes on', () => {
  afterEach(async () => {
    expect(await ask('/')).toMatchObject({ status: 200, body: '<p>The page.</p>' });
  });

  it.each([
    ['two slashes', '//', 404],
    ['what looks like another host', '//attacker.example/', 404],
    ['many slashes', '////', 404],
    ['a host that cannot be one', '//[', 404],
    ['a port that cannot be one', '//:99999999/', 404],
    ['half an escape', '/%', 404],
    ['an escape of nothing', '/%zz', 404],
    ['an escaped zero', '/%00', 404],
    ['an id that is half an escape', '/api/provisionings/%E0%A4%A', 404],
    ['a backslash', '/\\', 404],
    ['no path', '?hours=1', 400],
    ['an asterisk', '*', 400],
    ['a host without a scheme', 'attacker.example', 400],
    ['an address of another host', 'http://attacker.example/', 421],
    ['an address of no host', 'http://', 400],
    ['another scheme', 'file:///etc/passwd', 421],
    ['a zero', '/\0', 400],
    ['a control character', '/\x01', 400],
    // More than Node's 16 KiB, but no more than it reads at once: with something unread it resets the connection.
    ['a target of 20,000 characters', `/${'a'.repeat(20_000)}`, 431],
    ['dots', '/../../../etc/passwd', 404],
  ])('%s', async (_what, target, status) => {
    expect(await get(target)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it('its own address, as proxies are sent it', async () => {
    expect(await get(server.url)).toMatch(/^HTTP\/1.1 200 /);
  });

  it.each([
    ['HTTP/1.0 without Host', () => get('/', { version: '1.0', host: '' }), 421],
    ['HTTP/1.1 without Host', () => get('/', { host: '' }), 400],
    ['a version of HTTP that there is not', () => get('/', { version: '9.9' }), 400],
    ['OPTIONS for the whole server', () => get('*', { method: 'OPTIONS' }), 405],
    ['a tunnel', () => get('attacker.example:443', { method: 'CONNECT' }), 405],
    ['a method that there is not', () => get('/', { method: 'BREW' }), 400],
    ['a header without a name', () => send('GET / HTTP/1.1\r\n: x\r\n\r\n'), 400],
    ['a header with a zero', () => send('GET / HTTP/1.1\r\nHost: x\0\r\n\r\n'), 400],
    [
      'two lengths',
      () => send('GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'),
      400,
    ],
    ['what is not HTTP', () => send('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'), 400],
  ])('%s', async (_what, answer, status) => {
    expect(await answer()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it('one that goes away before its answer', async () => {
    const { port } = new URL(server.url);
    await new Promise<void>((resolve, reject) => {
      const socket = createConnection({ host: '127.0.0.1', port: Number(port) });
      socket.once('error', reject);
      socket.once('close', () => resolve());
      socket.write('GET / HTTP/1.1\r\n\r\n', () => socket.destroy());
    });
  });
});

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
