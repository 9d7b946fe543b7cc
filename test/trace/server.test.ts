import { request } from 'node:http';
import { createConnection } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createReader } from '../../trace/reader.ts';
import { serve } from '../../trace/server.ts';
import { FakeAws, services } from './support/fake-aws.ts';
import { ids, NOW, scene } from './support/scene.ts';

const assets = new Map([['/', { type: 'text/html', content: '<p>The page.</p>' }]]);
const options = { environment: 'a test', services, callsPerSecond: Number.POSITIVE_INFINITY };
let server: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  server = await serve(
    createReader(scene(), options, () => NOW),
    assets,
    0,
  );
});
afterAll(() => {
  server.close();
});

/** Like `fetch`, with any Host header. */
function sendRequest(path: string, { method = 'GET', host }: { method?: string; host?: string } = {}) {
  return new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      const outgoing = request(
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
      outgoing.once('error', reject);
      outgoing.end();
    },
  );
}

/** Sends bytes and returns the response until the server closes the connection. */
function sendBytes(bytes: string): Promise<string> {
  const { port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port: Number(port) });
    let response = '';
    socket.on('data', (data: Buffer) => {
      response += data.toString();
    });
    socket.once('close', () => resolve(response));
    socket.once('error', reject);
    socket.write(bytes);
  });
}

/** A request with a target that no client of Node sends. */
const get = (target: string, { method = 'GET', version = '1.1', host = new URL(server.url).host } = {}) =>
  sendBytes(
    `${method} ${target} HTTP/${version}\r\n${host === '' ? '' : `Host: ${host}\r\n`}Connection: close\r\n\r\n`,
  );

describe('the server keeps running and', () => {
  afterEach(async () => {
    expect(await sendRequest('/')).toMatchObject({ status: 200, body: '<p>The page.</p>' });
  });

  it.each([
    ['two slashes', '//', 404],
    ['a path in the form of another host', '//attacker.example/', 404],
    ['many slashes', '////', 404],
    ['an invalid host', '//[', 404],
    ['an invalid port', '//:99999999/', 404],
    ['an incomplete escape', '/%', 404],
    ['an invalid escape', '/%zz', 404],
    ['an escaped zero', '/%00', 404],
    ['an id with an incomplete escape', '/api/provisionings/%E0%A4%A', 404],
    ['a backslash', '/\\', 404],
    ['no path', '?hours=1', 400],
    ['an asterisk', '*', 400],
    ['a host without a scheme', 'attacker.example', 400],
    ['a URL of another host', 'http://attacker.example/', 421],
    ['a URL without a host', 'http://', 400],
    ['another scheme', 'file:///etc/passwd', 421],
    ['a zero', '/\0', 400],
    ['a control character', '/\x01', 400],
    // More than Node's limit of 16 KiB, but not more than one read: with unread data, Node resets the connection.
    ['a target of 20,000 characters', `/${'a'.repeat(20_000)}`, 431],
    ['dots', '/../../../etc/passwd', 404],
  ])('responds to %s', async (_what, target, status) => {
    expect(await get(target)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it('responds to its own absolute URL, as clients send it to proxies', async () => {
    expect(await get(server.url)).toMatch(/^HTTP\/1.1 200 /);
  });

  it.each([
    ['HTTP/1.0 without Host', () => get('/', { version: '1.0', host: '' }), 421],
    ['HTTP/1.1 without Host', () => get('/', { host: '' }), 400],
    ['an unknown version of HTTP', () => get('/', { version: '9.9' }), 400],
    ['OPTIONS for the whole server', () => get('*', { method: 'OPTIONS' }), 405],
    ['a tunnel', () => get('attacker.example:443', { method: 'CONNECT' }), 405],
    ['an unknown method', () => get('/', { method: 'BREW' }), 400],
    ['a header without a name', () => sendBytes('GET / HTTP/1.1\r\n: x\r\n\r\n'), 400],
    ['a header with a zero', () => sendBytes('GET / HTTP/1.1\r\nHost: x\0\r\n\r\n'), 400],
    [
      'two lengths',
      () => sendBytes('GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'),
      400,
    ],
    ['bytes that are not HTTP', () => sendBytes('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'), 400],
  ])('responds to %s', async (_what, request, status) => {
    expect(await request()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it('survives a client that disconnects before the response', async () => {
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
  it('listens on the loopback address only', () => {
    expect(server.address()).toMatchObject({ address: '127.0.0.1' });
  });

  it.each(['attacker.example', '127.0.0.1.attacker.example', 'localhost', '127.0.0.1:1'])(
    'rejects a request for the host %s',
    async (host) => {
      const answer = await sendRequest('/api/provisionings', { host });
      expect(answer.status).toBe(421);
      expect(answer.body).not.toContain('provisionings');
    },
  );

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('rejects the method %s', async (method) => {
    for (const path of ['/', '/api/provisionings', `/api/provisionings/${ids.carol}`])
      expect(await sendRequest(path, { method })).toMatchObject({
        status: 405,
        headers: { allow: 'GET, HEAD' },
      });
  });

  it.each(['/', '/api/provisionings', '/nowhere'])(
    'sends a restrictive Content-Security-Policy for %s',
    async (path) => {
      const { headers } = await sendRequest(path);
      expect(headers['content-security-policy']).toMatch(/^default-src 'self';/);
      expect(headers).toMatchObject({
        'cross-origin-resource-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      });
      expect(headers).not.toHaveProperty('access-control-allow-origin');
    },
  );

  it('returns the list and one provisioning', async () => {
    const list = JSON.parse((await sendRequest('/api/provisionings?hours=1')).body);
    expect(list.provisionings).toHaveLength(6);
    const one = JSON.parse((await sendRequest(`/api/provisionings/${ids.carol}`)).body);
    expect(one.summary.username).toBe('carol');
  });

  it.each([
    ['/api/provisionings/00000000-0000-4000-8000-000000000000', 404],
    ['/api/provisionings/no-id', 404],
    ['/api/provisionings?hours=many', 400],
    ['/etc/passwd', 404],
    ['/../server.ts', 404],
  ])('returns an error with a remedy for %s', async (path, status) => {
    const answer = await sendRequest(path);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({ message: expect.any(String), remedy: expect.any(String) });
  });

  it('returns a remedy when AWS rejects the credentials', async () => {
    class Expired extends FakeAws {
      override async listExecutions(): Promise<never> {
        throw Object.assign(new Error('The security token included in the request is expired'), {
          name: 'ExpiredTokenException',
        });
      }
    }
    const refused = await serve(
      createReader(new Expired(), options, () => NOW),
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
