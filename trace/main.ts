import getPort from 'get-port';
import * as z from 'zod';
import { newCommand, runOnSystem } from '../cli/support/command.ts';
import { CommandError } from '../cli/support/command-error.ts';
import { targetEnvironmentOptions } from '../cli/target-environment.ts';
import { by } from '../cli/values.ts';
import { awsOf } from './aws.ts';
import { buildPage } from './build.ts';
import { connect } from './connect.ts';
import { createReader } from './reader.ts';
import { serve } from './server.ts';

const PORT = 4580;

const portNumber = z
  .string()
  .regex(/^[1-9]\d{0,4}$/, 'must be the number of a port')
  .transform(Number);

/** `npm run trace`: serves the trace page of the local AWS, or with `--aws [--profile NAME] [--region NAME]` that of AWS. */
export async function main(args: string[]): Promise<number> {
  const command = newCommand('trace')
    .description('Serves a page on this machine that shows provisionings live, until it is stopped.')
    .option('--port <number>', `port of the page (default: ${PORT}, or a free one)`, by(portNumber));
  const parse = () => command.parse(args, { from: 'user' });
  return runOnSystem(parse, async () => {
    const { port, ...options } = command.opts();
    const connection = await connect(targetEnvironmentOptions.parse(options));
    const reader = createReader(awsOf(connection), connection, () => new Date());
    const { url, close } = await start(reader, port);
    process.stdout.write(
      `The trace page of ${connection.environment} is at ${url}\nPress Ctrl-C to stop it.\n`,
    );
    await interrupted();
    close();
    return 0;
  });
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
      throw new CommandError(`Port ${free} is in use by another program.`, 'Use another one with `--port`.');
    throw error;
  }
}

const interrupted = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
