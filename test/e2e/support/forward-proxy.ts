import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import * as z from 'zod';

/** An HTTP proxy as a company has one, which remembers whom it was asked for. */
export interface ForwardProxy {
  address: string;
  /** Each host that was reached through it, once. */
  hosts(): string[];
  end(): Promise<void>;
}

/** Starts a proxy on a free port. Requests name the whole address of what they are for (RFC 9112, section 3.2.2). */
export async function startForwardProxy(): Promise<ForwardProxy> {
  const hosts = new Set<string>();
  const server = createServer((asked, answer) => {
    const target = new URL(asked.url ?? '');
    hosts.add(target.host);
    const forwarded = request(target, { method: asked.method, headers: asked.headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      pipeline(response, answer).catch(() => answer.destroy());
    });
    pipeline(asked, forwarded).catch(() => answer.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    address: `http://127.0.0.1:${port}`,
    hosts: () => [...hosts],
    async end() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
