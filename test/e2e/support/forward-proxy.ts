import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import * as z from 'zod';

/** An HTTP forward proxy that records the hosts of its requests. */
export interface ForwardProxy {
  address: string;
  /** Hosts of the requests so far, without duplicates. */
  hosts(): string[];
  end(): Promise<void>;
}

/** Starts a proxy on a free port. Requests contain the absolute URL of their target (RFC 9112, section 3.2.2). */
export async function startForwardProxy(): Promise<ForwardProxy> {
  const hosts = new Set<string>();
  const server = createServer((incoming, outgoing) => {
    const target = new URL(incoming.url ?? '');
    hosts.add(target.host);
    const forwarded = request(target, { method: incoming.method, headers: incoming.headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      pipeline(response, outgoing).catch(() => outgoing.destroy());
    });
    pipeline(incoming, forwarded).catch(() => outgoing.destroy());
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
