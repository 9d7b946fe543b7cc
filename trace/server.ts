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
 * Serves the page and its data to the browser of the user who starts it: bound to 127.0.0.1, only for its own Host (against
 * DNS rebinding), and read-only.
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

interface PageResponse {
  status: number;
  type: string;
  content: string | Uint8Array;
}

/**
 * Starts the server. It responds to every request, and no request stops it. Node responds with a 4xx to input that is not
 * HTTP (nodejs.org/api/http.html#event-clienterror).
 * @throws the error of Node when the port is in use
 */
export async function serve(reader: Reader, assets: Assets, port: number): Promise<Server & { url: string }> {
  const server = createServer((request, response) => {
    void respondTo(request, reader, assets)
      .catch(errorResponse)
      .then((pageResponse) => send(request, response, pageResponse));
  });
  // Without a listener, Node closes the connection of a CONNECT without a response.
  server.on('connect', refuseTunnel);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, ADDRESS, resolve);
  });
  const address = server.address();
  const used = typeof address === 'object' && address !== null ? address.port : port;
  return Object.assign(server, { url: `http://${ADDRESS}:${used}/` });
}

async function respondTo(request: IncomingMessage, reader: Reader, assets: Assets): Promise<PageResponse> {
  const { method, url = '/', headers, socket } = request;
  if (!isOwnHost(headers.host, socket.localPort))
    return trouble(
      421,
      'This server accepts requests under its own name only.',
      `Open it at http://${ADDRESS}.`,
    );
  if (method !== 'GET' && method !== 'HEAD')
    return trouble(405, 'This server is read-only.', 'Use the APIs of the services.');
  const target = targetOf(url);
  if (target === undefined) return trouble(400, 'The URL is not valid.', 'Open the page at its root.');
  if (!isOwnHost(target.host, socket.localPort) && !url.startsWith('/'))
    return trouble(
      421,
      'This server accepts requests under its own name only.',
      `Open it at http://${ADDRESS}.`,
    );
  const { pathname, searchParams } = target;
  const asset = assets.get(pathname);
  if (asset !== undefined) return { status: 200, ...asset };
  try {
    if (pathname === '/api/provisionings') {
      const period = hours.safeParse(searchParams.get('hours') ?? undefined);
      if (!period.success) return trouble(400, 'The period is not valid.', 'Set `hours` to a number.');
      return successResponse(await reader.list(period.data));
    }
    const [, id] = /^\/api\/provisionings\/([^/]+)$/.exec(pathname) ?? [];
    const parsedId = provisioningId.safeParse(id);
    const detail = parsedId.success ? await reader.detail(parsedId.data) : undefined;
    return detail === undefined
      ? trouble(
          404,
          'This provisioning does not exist in this environment.',
          'Check the id and the environment of this page.',
        )
      : successResponse(detail);
  } catch (error) {
    return errorResponse(error);
  }
}

/**
 * The target of a request: a path, which is never read as a URL (`//host/path`), or an absolute URL, as clients send it to
 * proxies. `undefined`: neither. RFC 9112, section 3.2.
 */
function targetOf(url: string): URL | undefined {
  const address = url.startsWith('/') ? `http://${ADDRESS}${url}` : url;
  return URL.canParse(address) ? new URL(address) : undefined;
}

function refuseTunnel(_request: IncomingMessage, socket: Duplex): void {
  // The client may have closed the connection.
  socket.on('error', () => socket.destroy());
  socket.end(
    'HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  );
}

const isOwnHost = (host: string | undefined, port: number | undefined): boolean =>
  host === `${ADDRESS}:${port}` || host === `localhost:${port}`;

const successResponse = (content: Listing | Detail): PageResponse => ({ status: 200, ...json(content) });

/** Contains AWS's own message: the user of the page reads with their own credentials. */
function errorResponse(error: unknown): PageResponse {
  if (error instanceof CommandError) return trouble(502, error.message, error.remedy);
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const remedies: [RegExp, string][] = [
    [/Throttl|TooManyRequests/, 'AWS throttles the calls. The page polls again automatically.'],
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
    remedy ?? 'The page polls again automatically.',
  );
}

const trouble = (status: number, message: string, remedy: string): PageResponse => ({
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
  { status, type, content }: PageResponse,
): void {
  const text = type.startsWith('image/') ? type : `${type}; charset=utf-8`;
  response.writeHead(status, {
    ...headers,
    'Content-Type': text,
    ...(status === 405 ? { Allow: 'GET, HEAD' } : {}),
  });
  response.end(method === 'HEAD' ? undefined : content);
}
