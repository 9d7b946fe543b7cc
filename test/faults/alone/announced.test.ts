import { setTimeout } from 'node:timers/promises';
import { afterAll, expect } from '@jest/globals';
import { provisioningStatus } from '../../../contracts/status.ts';
import { exhaustRateLimit } from '../../../local/exhaust-rate-limit.ts';
import type { FaultRule } from '../../../local/faults/rules.ts';
import { outputs, statesOf, system } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { madeBy } from '../matrix/calls.ts';
import { effectOf, type Fault } from '../matrix/faults.ts';
import { entered } from '../support/executions.ts';
import { interventions } from '../support/interventions.ts';
import { type Planned, plan } from '../support/known.ts';
import { endOf, violations } from '../support/oracle.ts';
import { deprovision, post } from '../support/provisioning.ts';
import { inject } from '../support/proxy.ts';
import { suite } from '../support/suite.ts';

/**
 * While so many are asked for that each creation is queued, and nobody looks for its end: App2 announces it,
 * and App1 goes on.
 */

/** How far away a start is when it is reserved, in seconds: time for what happens while a creation waits for it. */
const AHEAD = 20;

/** After how many seconds that is made true again, so that it is whenever a request arrives. */
const RENEWED = 5;

interface Announced {
  name: string;
  rule?: (known: Planned) => FaultRule;
  /** What happens while the creation waits for its turn. */
  meanwhile?: (planned: Planned) => Promise<unknown>;
  expected: string;
}

const WELL = 'SUCCEEDED, present';

const id = (field: string) => (known: Planned) => ({ body: `${field} == '${known.id}'` });
const calls = [
  ['app1-call-app2', 'dynamodb', 'UpdateItem', id('Key.provisioning_id.S')],
  ['app1-call-app2', 'kms', 'Encrypt', id('EncryptionContext.provisioning_id')],
  [
    'app2-announce-settled',
    'events',
    'PutEvents',
    (known: Planned) => ({ body: `contains(Entries[0].Detail, '${known.id}')` }),
  ],
  ['app1-resume-provisioning', 'dynamodb', 'UpdateItem', id('Key.provisioning_id.S')],
  ['app1-resume-provisioning', 'kms', 'Decrypt', id('EncryptionContext.provisioning_id')],
] as const;
const faults: Fault[] = ['throttled', 'server error', 'connection reset', 'answer lost'];

const faulty: Announced[] = calls.flatMap(([by, service, operation, about]) =>
  faults.map((fault) => ({
    name: `${by} ${service}:${operation} ${fault}`,
    rule: (known) => ({
      service,
      operation,
      ...about(known),
      ...madeBy(by),
      ...effectOf(fault, { to: `${service}:${operation}` }),
      times: 1,
    }),
    expected: WELL,
  })),
);

const isQueued = ({ id: name }: Planned) => entered('CreateServiceUser', name, 'WaitForRateLimit');

const cases: Announced[] = [
  { name: 'nothing goes wrong', expected: WELL },
  {
    name: 'the end is announced before App1 waits for it',
    rule: (known) => ({
      service: 'kms',
      operation: 'Encrypt',
      ...id('EncryptionContext.provisioning_id')(known),
      ...madeBy('app1-call-app2'),
      latency: 2_400,
      times: 1,
    }),
    expected: WELL,
  },
  ...faulty,
  {
    name: 'DELETE while it is queued',
    meanwhile: async (planned) => {
      await isQueued(planned);
      await deprovision(planned.id);
    },
    expected: 'ABORTED, absent, CANCELLED',
  },
  ...(['stop', 'time out'] as const).flatMap((by): Announced[] => [
    {
      name: `${by} of App2 while it is queued`,
      meanwhile: async (planned) => {
        await isQueued(planned);
        await interventions[by]('CreateServiceUser', planned.id);
      },
      expected: 'FAILED, absent, USER_CREATION_FAILED',
    },
    {
      name: `${by} of App1 while it waits for the announcement`,
      meanwhile: async (planned) => {
        await entered('ProvisionServiceUser', planned.id, 'AwaitUserCreation');
        await interventions[by]('ProvisionServiceUser', planned.id);
      },
      expected: by === 'stop' ? 'ABORTED, absent, ABORTED' : 'TIMED_OUT, absent, TIMED_OUT',
    },
  ]),
  {
    name: 'the same POST again and again while it is queued',
    meanwhile: async (planned) => {
      await isQueued(planned);
      const again = await Promise.all(Array.from({ length: 5 }, () => post(planned, planned.key)));
      expect(again.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    },
    expected: WELL,
  },
];

/** The time until the end that App1 tells of, in milliseconds. */
const estimateOf = (name: string): Promise<number> =>
  eventually(async () => {
    const { estimated_end_at, started_at } = provisioningStatus.parse((await system.status(name)).body);
    if (estimated_end_at === undefined) throw new Error(`${name} is told no estimate.`);
    return Date.parse(estimated_end_at) - Date.parse(started_at);
  });

const exhaust = () =>
  Promise.all([
    exhaustRateLimit(outputs, 'creations', AHEAD),
    exhaustRateLimit(outputs, 'express-creations', 2 * AHEAD),
  ]);

/** Has each creation that is requested meanwhile be queued. */
async function whileCrowded(run: () => Promise<unknown>): Promise<void> {
  await exhaust();
  const ran = run();
  while (await Promise.race([ran.then(() => false), setTimeout(RENEWED * 1000, true)])) await exhaust();
}

const free = exhaustRateLimit(outputs, 'status-polls', 24 * 60 * 60);
afterAll(async () => (await free)());

suite('a creation whose end is announced', cases, {
  async run({ rule, meanwhile, expected }, aftermath) {
    await free;
    const planned = await plan();
    const injected = await inject(...(rule === undefined ? [] : [rule(planned)]));
    try {
      await whileCrowded(async () => {
        await post(planned, planned.key);
        await (meanwhile ?? isQueued)(planned);
      });
      const told = expected === WELL ? await estimateOf(planned.id) : undefined;
      const broken = await violations(planned, { within: 180_000 });
      const { status, user, error } = await endOf(planned.id);
      aftermath.ended(planned, user);
      return {
        broken,
        fired: await injected.allFired(),
        waited: (await statesOf('ProvisionServiceUser', planned.id)).includes('AwaitUserCreation'),
        told,
        status: [status, user, ...(error === undefined ? [] : [error.code])].join(', '),
      };
    } finally {
      await injected.lift();
    }
  },
  check: ({ broken, fired, waited, told, status }, { name, expected }) => {
    expect(broken).toEqual([]);
    expect(fired).toBe(true);
    expect(status).toBe(expected);
    if (name.startsWith('DELETE') || name.includes('of App2')) return;
    expect(waited).toBe(true);
    if (expected === WELL) expect(told).toBeGreaterThan(0);
  },
  sample: 5,
});
