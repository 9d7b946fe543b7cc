import { join } from 'node:path';
import { startServer, stopProcessGroup } from '../server.ts';

/** A running fault proxy; `faultsAt(url)` tells it what to do to which calls. */
export interface FaultProxy {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

interface Options {
  python: string;
  port: number;
  /** The local AWS that gets what passes. It may start later. */
  upstream: string;
  /** Where its log is written. */
  directory: string;
}

const PROXY = join(import.meta.dirname, 'faults', 'proxy.py');

/**
 * Starts a proxy that lets everything pass until rules are added, in a process group of its own, and waits until it
 * answers. Signatures stay valid through it.
 * @throws Problem when the port is taken or the proxy does not start
 */
export async function startFaultProxy({ python, port, upstream, directory }: Options): Promise<FaultProxy> {
  const { pid } = await startServer({
    name: 'fault proxy',
    command: [python, PROXY, String(port), upstream],
    port,
    health: '/_microburst/health',
    environment: { PATH: process.env['PATH'], PYTHONDONTWRITEBYTECODE: '1' },
    directory,
    logFile: 'fault-proxy.log',
  });
  return { url: `http://127.0.0.1:${port}`, pid, stop: () => stopProcessGroup(pid) };
}
