import { join } from 'node:path';
import { startServer, stopProcessGroup } from '../server.ts';

/** A running fault proxy. `faultsAt(url)` configures its rules. */
export interface FaultProxy {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

interface Options {
  python: string;
  port: number;
  /** Endpoint of the local AWS, which may start later. */
  upstream: string;
  /** Folder of its log. */
  directory: string;
}

const PROXY = join(import.meta.dirname, 'faults', 'proxy.py');

/**
 * Starts a proxy in a process group of its own and waits until it is ready. Without rules it forwards every call. Signatures
 * stay valid.
 * @throws CommandError when the port is in use or the proxy does not start
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
