import { parseArgs } from 'node:util';
import getPort from 'get-port';
import type { WhereOptions } from '../cli/where.ts';
import { Problem } from '../local/problem.ts';
import { awsOf } from './aws.ts';
import { buildPage } from './build.ts';
import { connect } from './connect.ts';
import { readerOf } from './reader.ts';
import { serve } from './server.ts';

const PORT = 4580;

/** `npm run trace`: the trace page of the local AWS; with `--aws [--profile NAME] [--region NAME]` that of AWS. */
export async function main(args: string[]): Promise<number> {
  const { port, ...options } = asked(args);
  const connection = await connect(options);
  const reader = readerOf(awsOf(connection), connection, () => new Date());
  const { url, close } = await start(reader, port);
  process.stdout.write(`The trace page of ${connection.where} is at ${url}\nCtrl-C ends it.\n`);
  await interrupted();
  close();
  return 0;
}

async function start(reader: Parameters<typeof serve>[0], port: number | undefined) {
  const free = port ?? (await getPort({ port: PORT, host: '127.0.0.1' }));
  try {
    const server = await serve(reader, await buildPage(), free);
    return {
      url: server.url,
      close: () => {
        server.closeAllConnections();
        server.close();
      },
    };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
      throw new Problem(`Port ${free} is taken by another program.`, 'Give another one with `--port`.');
    throw error;
  }
}

/** @throws Problem when the command line cannot be understood */
function asked(args: string[]): WhereOptions & { port?: number } {
  try {
    const { values } = parseArgs({
      args,
      options: {
        aws: { type: 'boolean', default: false },
        profile: { type: 'string' },
        region: { type: 'string' },
        port: { type: 'string' },
      },
    });
    const { aws, profile, region, port } = values;
    if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new Error(`${port} is no port.`);
    return {
      aws,
      ...(profile === undefined ? {} : { profile }),
      ...(region === undefined ? {} : { region }),
      ...(port === undefined ? {} : { port: Number(port) }),
    };
  } catch (error) {
    throw new Problem(
      error instanceof Error ? error.message : String(error),
      'npm run trace -- [--aws [--profile NAME] [--region NAME]] [--port NUMBER]',
    );
  }
}

const interrupted = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
