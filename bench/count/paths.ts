import { setTimeout } from 'node:timers/promises';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import type { Outputs } from '../../cli/outputs.ts';
import { APP2 } from '../../contracts/services.ts';
import { provisioningStatus } from '../../contracts/status.ts';
import { executionArn } from '../../handlers/shared/executions.ts';
import { exhaustRateLimit, type RateLimit } from '../../local/harness/exhaust-rate-limit.ts';
import { passwordWithoutSymbol, withLaxPolicy } from '../../local/harness/lax-policy.ts';
import type { Machine, System } from '../../local/system.ts';
import { headersOf, type PlannedProvisioning, plan } from './planned-provisioning.ts';
import type { CountedFault } from './traffic.ts';

export interface SystemUnderTest {
  outputs: Outputs;
  system: System;
}

/** A path that a provisioning can take. */
export interface Path {
  title: string;
  /** Names of the targets; App2 by default. */
  targets?: readonly string[];
  /** Plans the provisioning, if the path needs a particular one. */
  plan?: (underTest: SystemUnderTest) => Promise<PlannedProvisioning>;
  /** The rate limits at App2 that are exhausted when the request arrives. */
  exhausted?: readonly RateLimit[];
  /** Whether App1 has a laxer password policy than App2. */
  lax?: boolean;
  faults?: (planned: PlannedProvisioning) => CountedFault[];
  /** Actions between the request and the outcome; returns the number of further requests. */
  meanwhile?: (underTest: SystemUnderTest, planned: PlannedProvisioning) => Promise<number>;
}

const denied = { error: { code: 'AccessDeniedException', status: 400 } } as const;
/** A condition that a call to Cognito is about one of the users. */
const isAbout = (subs: readonly string[]) => subs.map((sub) => `Username == '${sub}'`).join(' || ');

/** Delays DecryptCredentials, so that a request or an operator can interrupt the creation. */
const slowDecryption = ({ id }: PlannedProvisioning): CountedFault[] => [
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

/** The targets of the local AWS on which the paths are counted. */
export const countedTargets = [APP2, 'payments', 'orders', 'search', 'billing'] as const;

/** The paths with a line of their own in docs/cost.md; the successful one is the first. */
export const paths = {
  provisioned: { title: 'Provisioned' },
  at_two_targets: { title: 'Provisioned at two targets', targets: countedTargets.slice(0, 2) },
  at_three_targets: { title: 'Provisioned at three targets', targets: countedTargets.slice(0, 3) },
  at_five_targets: { title: 'Provisioned at five targets', targets: countedTargets },
  notified: {
    title: 'Provisioned with a completion notification, above the limit of status polls',
    exhausted: ['status-polls'],
  },
  queued: {
    title: 'Provisioned after a wait in the queue, above the quota of Cognito',
    exhausted: ['creations', 'express-creations'],
  },
  retried: {
    title: 'Provisioned after one retry (a server error of Cognito)',
    faults: ({ subs }) => [
      [
        'cognito',
        {
          service: 'cognito-idp',
          operation: 'AdminSetUserPassword',
          body: isAbout(subs),
          error: { code: 'InternalErrorException', status: 500 },
          times: 1,
        },
      ],
    ],
  },
  rejected: {
    title: 'Failed: App2 rejects the password',
    lax: true,
    plan: ({ outputs }) => plan(outputs, { password: passwordWithoutSymbol() }),
  },
  name_in_use: {
    title: 'Failed: the username already exists',
    plan: async (underTest) => {
      const first = await plan(underTest.outputs);
      await provision(underTest, first);
      return plan(underTest.outputs, { username: first.request.username });
    },
  },
  compensated: {
    title: 'Failed and compensated: the last step at App2 is denied',
    faults: ({ subs }) => [
      [
        'cognito',
        { service: 'cognito-idp', operation: 'AdminAddUserToGroup', body: isAbout(subs), ...denied },
      ],
    ],
  },
  request_rejected: {
    title: 'Failed: App2 rejects the request',
    faults: ({ id }) => [
      ['http', { service: 'execute-api', operation: 'POST', headers: { 'Idempotency-Key': id }, ...denied }],
    ],
  },
  cancelled: {
    title: 'Cancelled (`DELETE` while it runs)',
    faults: slowDecryption,
    meanwhile: async ({ system }, { id }) => {
      await waitForState(system, 'CreateServiceUser', id, 'DecryptCredentials');
      await system.deprovision(id);
      return 1;
    },
  },
  stopped: {
    title: 'Stopped by an operator at App1, and rolled back',
    faults: slowDecryption,
    meanwhile: async ({ system, outputs }, { id }) => {
      await waitForState(system, 'CreateServiceUser', id, 'DecryptCredentials');
      const arn = executionArn(outputs.app1.state_machine_arn, id);
      await system.clients.stepFunctions.send(new StopExecutionCommand({ executionArn: arn }));
      return 0;
    },
  },
  deprovisioned: {
    title: 'Provisioned, and deprovisioned later (`DELETE`)',
    meanwhile: async (underTest, { id }) => {
      await waitUntilFinished(underTest.system, id);
      await underTest.system.deprovision(id);
      return 1;
    },
  },
} as const satisfies Record<string, Path>;

export type PathName = keyof typeof paths;

/** Delay of the next free start time of an exhausted limiter, in seconds: longer than a request needs to reach App2. */
const EXHAUSTED_SECONDS = 10;

/** Runs a provisioning on a path until its outcome; returns the number of requests that changed something. */
export async function provision(
  underTest: SystemUnderTest,
  planned: PlannedProvisioning,
  path: Path = paths.provisioned,
): Promise<number> {
  const { request, id } = planned;
  const restore = await Promise.all(
    (path.exhausted ?? []).map((limit) => exhaustRateLimit(underTest.outputs, limit, EXHAUSTED_SECONDS)),
  );
  try {
    const post = () => underTest.system.provision(request, headersOf(planned));
    const { status } = path.lax === true ? await withLaxPolicy(underTest.outputs, post) : await post();
    if (status !== 202) throw new Error(`App1 responded with ${status}.`);
    const furtherRequests = (await path.meanwhile?.(underTest, planned)) ?? 0;
    await waitUntilFinished(underTest.system, id);
    return 1 + furtherRequests;
  } finally {
    await Promise.all(restore.map((restoreLimit) => restoreLimit()));
  }
}

/** Time limit in milliseconds: longer than the slowest compensation, which waits until no call can be in flight. */
const TIMEOUT_MS = 180_000;

/** Waits until a provisioning has finished and no user is being removed. It calls App1 last, because that is counted. */
async function waitUntilFinished(system: System, id: string): Promise<void> {
  for (const end = Date.now() + TIMEOUT_MS; Date.now() < end; await setTimeout(300)) {
    const hasFinished = (await system.executionStatus('ProvisionServiceUser', id)) !== 'RUNNING';
    const rollBacks = await Promise.all(
      (['RollBackProvisioning', 'RollBackServiceUser'] as const).map((machine) =>
        system.executionStatus(machine, id),
      ),
    );
    if (!hasFinished || rollBacks.includes('RUNNING')) continue;
    const { status, user } = provisioningStatus.parse((await system.status(id)).body);
    if (status !== 'RUNNING' && user !== 'being_removed') return;
  }
  throw new Error(`The provisioning ${id} has not finished.`);
}

async function waitForState(system: System, machine: Machine, id: string, state: string): Promise<void> {
  for (const end = Date.now() + TIMEOUT_MS; Date.now() < end; await setTimeout(50))
    if ((await system.states(machine, id)).some(({ name }) => name === state)) return;
  throw new Error(`${machine} ${id} has not entered ${state}.`);
}
