import { setTimeout } from 'node:timers/promises';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import type { Outputs } from '../../cli/outputs.ts';
import { provisioningStatus } from '../../contracts/status.ts';
import { executionArn } from '../../handlers/shared/executions.ts';
import { exhaustRateLimit, type RateLimit } from '../../local/harness/exhaust-rate-limit.ts';
import { passwordWithoutSymbol, withLaxPolicy } from '../../local/harness/lax-policy.ts';
import type { Machine, System } from '../../local/system.ts';
import { headersOf, planned, type Subject } from './subject.ts';
import type { Hit } from './traffic.ts';

export interface World {
  outputs: Outputs;
  system: System;
}

/** A way that a provisioning can take. */
export interface Path {
  title: string;
  /** What is planned, if it is not just anything. */
  plan?: (world: World) => Promise<Subject>;
  /** The rate limits at App2 that others have exhausted for a moment. */
  exhausted?: readonly RateLimit[];
  /** Whether App1 was told a laxer policy than App2 has. */
  lax?: boolean;
  /** What goes wrong. */
  hits?: (subject: Subject) => Hit[];
  /** What is done after the request, until the end; how many more requests that were. */
  meanwhile?: (world: World, subject: Subject) => Promise<number>;
}

const refused = { error: { code: 'AccessDeniedException', status: 400 } } as const;
const about = (name: string) => `Username == '${name}'`;

/** Keeps App2 at work for a moment, in which something else can happen. */
const slowDecryption = ({ id }: Subject): Hit[] => [
  [
    'kms',
    {
      service: 'kms',
      operation: 'Decrypt',
      body: `EncryptionContext.provisioning_id == '${id}'`,
      latency: 2_000,
      times: 1,
    },
  ],
];

/** Every way that is worth its own line in docs/cost.md: the good one first. */
export const paths = {
  provisioned: { title: 'Provisioned' },
  announced: {
    title: 'Provisioned while many statuses are polled: App2 notifies App1 of this one',
    exhausted: ['status-polls'],
  },
  queued: {
    title: 'Provisioned while more users are requested than Cognito lets through: it is queued',
    exhausted: ['creations', 'express-creations'],
  },
  retried: {
    title: 'Provisioned after one retry (a server error of Cognito)',
    hits: ({ sub }) => [
      [
        'cognito',
        {
          service: 'cognito-idp',
          operation: 'AdminSetUserPassword',
          body: about(sub),
          error: { code: 'InternalErrorException', status: 500 },
          times: 1,
        },
      ],
    ],
  },
  rejected: {
    title: 'Failed: App2 rejects the password',
    lax: true,
    plan: ({ outputs }) => planned(outputs, { password: passwordWithoutSymbol() }),
  },
  taken: {
    title: 'Failed: the name is taken',
    plan: async (world) => {
      const first = await planned(world.outputs);
      await provision(world, first);
      return planned(world.outputs, { username: first.username });
    },
  },
  rolled_back: {
    title: 'Failed and undone: the last step at App2 is refused',
    hits: ({ sub }) => [
      ['cognito', { service: 'cognito-idp', operation: 'AdminAddUserToGroup', body: about(sub), ...refused }],
    ],
  },
  app2_refuses: {
    title: 'Failed: App2 refuses the request',
    hits: ({ id }) => [
      ['http', { service: 'execute-api', operation: 'POST', headers: { 'Idempotency-Key': id }, ...refused }],
    ],
  },
  cancelled: {
    title: 'Cancelled (`DELETE` before the end)',
    hits: slowDecryption,
    meanwhile: async ({ system }, { id }) => {
      await entered(system, 'CreateServiceUser', id, 'DecryptCredentials');
      await system.deprovision(id);
      return 1;
    },
  },
  stopped: {
    title: "Stopped by an operator at App1, rolled back by the rule's function",
    hits: slowDecryption,
    meanwhile: async ({ system, outputs }, { id }) => {
      await entered(system, 'CreateServiceUser', id, 'DecryptCredentials');
      const arn = executionArn(outputs.app1.state_machine_arn, id);
      await system.clients.stepFunctions.send(new StopExecutionCommand({ executionArn: arn }));
      return 0;
    },
  },
  deprovisioned: {
    title: 'Provisioned, and deprovisioned later (`DELETE`)',
    meanwhile: async (world, { id }) => {
      await settled(world.system, id);
      await world.system.deprovision(id);
      return 1;
    },
  },
} as const satisfies Record<string, Path>;

export type PathName = keyof typeof paths;

/** How far away the next free start is then, in seconds: longer than it takes to come to App2. */
const EXHAUSTED_SECONDS = 10;

/** Asks for a provisioning, and goes its way to the end. Gives back the number of requests that changed something. */
export async function provision(world: World, subject: Subject, path: Path = paths.provisioned) {
  const { username, password, human_user_id, id } = subject;
  const restore = await Promise.all(
    (path.exhausted ?? []).map((limit) => exhaustRateLimit(world.outputs, limit, EXHAUSTED_SECONDS)),
  );
  try {
    const ask = () => world.system.provision({ username, password, human_user_id }, headersOf(subject));
    const { status } = path.lax === true ? await withLaxPolicy(world.outputs, ask) : await ask();
    if (status !== 202) throw new Error(`App1 answered with ${status}.`);
    const more = (await path.meanwhile?.(world, subject)) ?? 0;
    await settled(world.system, id);
    return 1 + more;
  } finally {
    await Promise.all(restore.map((one) => one()));
  }
}

/** Long enough for the slowest undo, which waits out what may still be in flight; in milliseconds. */
const LONGEST = 180_000;

/** Waits until a provisioning has ended and nothing is being removed any more; asks App1, which counts, seldom. */
async function settled(system: System, id: string): Promise<void> {
  for (const end = Date.now() + LONGEST; Date.now() < end; await setTimeout(300)) {
    const ended = (await system.executionStatus('ProvisionServiceUser', id)) !== 'RUNNING';
    const undoing = await Promise.all(
      (['RollBackProvisioning', 'RollBackServiceUser'] as const).map((machine) =>
        system.executionStatus(machine, id),
      ),
    );
    if (!ended || undoing.includes('RUNNING')) continue;
    const { status, user } = provisioningStatus.parse((await system.status(id)).body);
    if (status !== 'RUNNING' && user !== 'being_removed') return;
  }
  throw new Error(`The provisioning ${id} does not end.`);
}

async function entered(system: System, machine: Machine, id: string, state: string): Promise<void> {
  for (const end = Date.now() + LONGEST; Date.now() < end; await setTimeout(50))
    if ((await system.states(machine, id)).some(({ name }) => name === state)) return;
  throw new Error(`${machine} ${id} does not come to ${state}.`);
}
