import type { Connection } from '../../../cli/connect.ts';
import { main } from '../../../cli/program.ts';
import type { Runtime } from '../../../cli/session.ts';
import { fakeClock } from '../../support/clock.ts';
import { APP1, APP2 } from '../../support/outputs.ts';

/** A fake terminal, clock and deployed system for tests of the commands. */

const account = 'eu-central-1:111122223333';
export const executionArn = (name: string, id: string) => `arn:aws:states:${account}:execution:${name}:${id}`;

/** A request to App1's API, as the command sent it. */
export interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

interface FakeOptions {
  /** The responses of App1 in their order; the last one is repeated. */
  responses?: [status: number, body?: object | string][];
  stdin?: string | Uint8Array;
  /** The input at the prompts; without it there is no terminal. */
  typed?: string[];
  environment?: NodeJS.ProcessEnv;
  now?: number;
  connection?: Partial<Connection>;
  /** Number of sleeps after which the user interrupts the command. */
  interruptAfter?: number;
}

export function fakeRuntime({
  responses = [],
  stdin = '',
  typed,
  environment = {},
  interruptAfter,
  ...given
}: FakeOptions = {}) {
  const clock = fakeClock(given.now);
  const interrupt = new AbortController();
  const sent: Sent[] = [];
  const output = { out: '', err: '', progress: '' };
  const connection: Connection = {
    displayName: 'a test',
    client: (Class) => new Class({ region: 'eu-central-1' }),
    identity: async () => ({ arn: 'arn:aws:iam::111122223333:user/me', clockOffset: 0 }),
    app1: async () => APP1,
    targets: async () => ['app2'],
    target: async () => APP2,
    callApp1: async (method, path, headers = {}, body) => {
      sent.push({ method, path, headers, body });
      const [status, responseBody] = responses[Math.min(sent.length, responses.length) - 1] ?? [500];
      const text = typeof responseBody === 'string' ? responseBody : JSON.stringify(responseBody);
      return new Response(status === 204 ? null : text, { status });
    },
    ...given.connection,
  };
  const prompts = [...(typed ?? [])];
  const runtime: Runtime = {
    terminal: {
      out: (text) => {
        output.out += text;
      },
      err: (text) => {
        output.err += text;
      },
      progress: () => ({
        update: (text, detail = '') => {
          output.progress += `${text} ${detail}\n`;
        },
        stop: () => undefined,
      }),
      readInput: async () => (typeof stdin === 'string' ? Buffer.from(stdin) : stdin),
      promptSecret: typed === undefined ? undefined : async () => prompts.shift() ?? '',
    },
    clock: {
      now: clock.now,
      sleep: async (milliseconds) => {
        await clock.sleep(milliseconds);
        if (clock.sleeps.length === interruptAfter) interrupt.abort(new Error('interrupted'));
      },
    },
    environment,
    connect: () => connection,
    interrupted: interrupt.signal,
  };
  return {
    sent,
    output,
    sleeps: clock.sleeps,
    clock,
    /** Runs a command line and returns its exit status. */
    run: (...args: string[]) => main(args, runtime),
    /** The output, parsed as JSON. */
    jsonOutput: (): unknown => JSON.parse(output.out),
  };
}
