import type { Connection } from '../../../cli/connect.ts';
import { main } from '../../../cli/program.ts';
import type { World } from '../../../cli/session.ts';
import { fakeClock } from '../../support/clock.ts';
import { POLICY } from '../../support/password-policy.ts';

/** A terminal, a clock and a deployed system that a test can look into. */

const account = 'eu-central-1:111122223333';
const machine = (name: string) => `arn:aws:states:${account}:stateMachine:${name}`;
export const executionArn = (name: string, id: string) => `arn:aws:states:${account}:execution:${name}:${id}`;

export const APP1 = {
  api_url: 'https://app1.example/v1',
  state_machine_arn: machine('ProvisionServiceUser'),
  roll_back_state_machine_arn: machine('RollBackProvisioning'),
  event_bus_name: 'app1-provisioning',
  log_groups: ['/aws/lambda/app1-call-app2', '/aws/events/app1-provisioning'],
};
export const APP2 = {
  api_url: 'https://app2id.execute-api.eu-central-1.amazonaws.com/v1',
  state_machine_arn: machine('CreateServiceUser'),
  roll_back_state_machine_arn: machine('RollBackServiceUser'),
  event_bus_name: 'app2-service-users',
  log_groups: ['/aws/lambda/app2-create-user'],
  user_pool_id: 'pool',
  machine_client_id: 'machine-client',
  service_client_id: 'service-client',
  key_arn: 'app2-key',
  password_policy: POLICY,
  service_user_group: 'service-user',
  credentials_secret_arn: 'app2-secret',
};

/** A request to App1's API, as the command sent it. */
export interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

interface Given {
  /** What App1 answers, one after the other; the last one again and again. */
  answers?: [status: number, body?: object | string][];
  stdin?: string | Uint8Array;
  /** What is typed at the prompts; without it there is no terminal. */
  typed?: string[];
  environment?: NodeJS.ProcessEnv;
  now?: number;
  connection?: Partial<Connection>;
  /** Ends with an interrupt after so many sleeps. */
  interruptAfter?: number;
}

export function world({
  answers = [],
  stdin = '',
  typed,
  environment = {},
  interruptAfter,
  ...given
}: Given = {}) {
  const clock = fakeClock(given.now);
  const interrupt = new AbortController();
  const sent: Sent[] = [];
  const shown = { out: '', err: '', progress: '' };
  const connection: Connection = {
    where: 'a test',
    client: (Class) => new Class({ region: 'eu-central-1' }),
    identity: async () => ({ arn: 'arn:aws:iam::111122223333:user/me', ahead: 0 }),
    app1: async () => APP1,
    app2: async () => APP2,
    callApp1: async (method, path, headers = {}, body) => {
      sent.push({ method, path, headers, body });
      const [status, answer] = answers[Math.min(sent.length, answers.length) - 1] ?? [500];
      const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
      return new Response(status === 204 ? null : text, { status });
    },
    ...given.connection,
  };
  const typing = [...(typed ?? [])];
  const all: World = {
    terminal: {
      out: (text) => {
        shown.out += text;
      },
      err: (text) => {
        shown.err += text;
      },
      progress: () => ({
        say: (text, detail = '') => {
          shown.progress += `${text} ${detail}\n`;
        },
        end: () => undefined,
      }),
      readInput: async () => (typeof stdin === 'string' ? Buffer.from(stdin) : stdin),
      askSecret: typed === undefined ? undefined : async () => typing.shift() ?? '',
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
    shown,
    sleeps: clock.sleeps,
    clock,
    /** Runs a command line; its exit status. */
    run: (...args: string[]) => main(args, all),
    /** What was printed as JSON. */
    answer: (): unknown => JSON.parse(shown.out),
  };
}
