import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import * as z from 'zod';
import { CommandError } from '../cli/support/command-error.ts';
import { provisioningId } from '../contracts/fields.ts';
import type { Assets } from './build.ts';
import { SIGN_IN } from './connect.ts';
import type { Detail, Listing, Trouble } from './model.ts';
import type { Reader } from './reader.ts';

/**
 * The page and its data, for the browser of whoever has started it and for nobody else: bound to 127.0.0.1, only under
 * its own name (a foreign page could point a name of its own at 127.0.0.1), and only to be read.
 */

const ADDRESS = '127.0.0.1';

const headers = {
  'Content-Security-Policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

const hours = z.coerce
  .number()
  .positive()
  .max(24 * 90)
  .default(1);

interface Answer {
  status: number;
  type: string;
  content: string | Uint8Array;
}

/**
 * Starts the server. It answers every request, whatever its target, and no request ends it. What is not HTTP, Node
 * answers with a 4xx itself (nodejs.org/api/http.html#event-clienterror).
 * @throws the error of Node when the port is taken
 */
export async function serve(reader: Reader, assets: Assets, port: number): Promise<Server & { url: string }> {
  const server = createServer((request, response) => {
    void answerTo(request, reader, assets)
      .catch(failed)
      .then((answer) => send(request, response, answer));
  });
  // Without a listener, Node closes the connection of a CONNECT without an answer.
  server.on('connect', refuseTunnel);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, ADDRESS, resolve);
  });
  const address = server.address();
  const used = typeof address === 'object' && address !== null ? address.port : port;
  return Object.assign(server, { url: `http://${ADDRESS}:${used}/` });
}

async function answerTo(request: IncomingMessage, reader: Reader, assets: Assets): Promise<Answer> {
  const { method, url = '/', headers, socket } = request;
  if (!isOwnName(headers.host, socket.localPort))
    return trouble(421, 'This server answers under its own name only.', `Open it at http://${ADDRESS}.`);
  if (method !== 'GET' && method !== 'HEAD')
    return trouble(405, 'Nothing can be changed here.', 'Use the APIs of the services.');
  const target = targetOf(url);
  if (target === undefined) return trouble(400, 'The address is not valid.', 'Open the page at its root.');
  if (!isOwnName(target.host, socket.localPort) && !url.startsWith('/'))
    return trouble(421, 'This server answers under its own name only.', `Open it at http://${ADDRESS}.`);
  const { pathname, searchParams } = target;
  const asset = assets.get(pathname);
  if (asset !== undefined) return { status: 200, ...asset };
  try {
    if (pathname === '/api/provisionings') {
      const asked = hours.safeParse(searchParams.get('hours') ?? undefined);
      if (!asked.success) return trouble(400, 'The time is not valid.', 'Give `hours` as a number.');
      return found(await reader.list(asked.data));
    }
    const [, id] = /^\/api\/provisionings\/([^/]+)$/.exec(pathname) ?? [];
    const asked = provisioningId.safeParse(id);
    const detail = asked.success ? await reader.detail(asked.data) : undefined;
    return detail === undefined
      ? trouble(404, 'There is no such provisioning here.', 'Check the id, and where this page looks.')
      : found(detail);
  } catch (error) {
    return failed(error);
  }
}

/**
 * The target of a request: a path, which is never read as an address of its own (`//host/path`), or a whole address, as
 * proxies are sent it. `undefined`: neither. RFC 9112, section 3.2.
 */
function targetOf(url: string): URL | undefined {
  const address = url.startsWith('/') ? `http://${ADDRESS}${url}` : url;
  return URL.canParse(address) ? new URL(address) : undefined;
}

function refuseTunnel(_request: IncomingMessage, socket: Duplex): void {
  // Whoever asked may be gone.
  socket.on('error', () => socket.destroy());
  socket.end(
    'HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  );
}

const isOwnName = (host: string | undefined, port: number | undefined): boolean =>
  host === `${ADDRESS}:${port}` || host === `localhost:${port}`;

const found = (content: Listing | Detail): Answer => ({ status: 200, ...json(content) });

/** AWS's own words help here: whoever reads them looks with their own credentials. */
function failed(error: unknown): Answer {
  if (error instanceof CommandError) return trouble(502, error.message, error.remedy);
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const remedies: [RegExp, string][] = [
    [/Throttl|TooManyRequests/, 'AWS allows so many look-ups only; the page tries again by itself.'],
    [/Expired|Credential|Token|AccessDenied|UnrecognizedClient|SSO/, SIGN_IN],
    [
      /ECONNREFUSED|ENOTFOUND|ECONNRESET|Timeout/,
      'Check that AWS is reachable (`npm run up` for the local AWS).',
    ],
  ];
  const remedy = remedies.find(([pattern]) => pattern.test(`${name} ${message}`))?.[1];
  return trouble(
    502,
    `AWS could not be read: ${name}: ${message}`,
    remedy ?? 'The page tries again by itself.',
  );
}

const trouble = (status: number, message: string, remedy: string): Answer => ({
  status,
  ...json({ message, remedy }),
});

const json = (content: Listing | Detail | Trouble) => ({
  type: 'application/json',
  content: JSON.stringify(content),
});

function send(
  { method }: IncomingMessage,
  response: ServerResponse,
  { status, type, content }: Answer,
): void {
  const text = type.startsWith('image/') ? type : `${type}; charset=utf-8`;
  response.writeHead(status, {
    ...headers,
    'Content-Type': text,
    ...(status === 405 ? { Allow: 'GET, HEAD' } : {}),
  });
  response.end(method === 'HEAD' ? undefined : content);
}
