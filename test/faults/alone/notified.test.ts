import { setTimeout } from 'node:timers/promises';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { afterAll, expect } from '@jest/globals';
import { completionNotification } from '../../../contracts/notification.ts';
import { provisioningStatus } from '../../../contracts/status.ts';
import { exhaustRateLimit } from '../../../local/harness/exhaust-rate-limit.ts';
import type { FaultRule } from '../../../local/harness/faults/rules.ts';
import { configuration, outputs, statesOf, system } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { madeBy, notifiedCalls } from '../matrix/calls.ts';
import { effectOf, type Fault, faults } from '../matrix/faults.ts';
import { entered } from '../support/executions.ts';
import { unanswered } from '../support/holds.ts';
import { interventions } from '../support/interventions.ts';
import { type Planned, plan } from '../support/known.ts';
import { endOf, violations } from '../support/oracle.ts';
import { deprovision, post } from '../support/provisioning.ts';
import { type Injected, inject } from '../support/proxy.ts';
import { suite } from '../support/suite.ts';

/**
 * While each creation is queued and no status is polled: App2 notifies App1, which asks App2 and goes on. And what
 * somebody achieves who can do nothing but publish events.
 */

/** How far away a start is when it is reserved, in seconds: time for what happens while a creation waits for it. */
const AHEAD = 20;

/** After how many seconds that is made true again, so that it is whenever a request arrives. */
const RENEWED = 5;

interface Notified {
  name: string;
  rules?: (known: Planned) => FaultRule[];
  /** What happens while the creation is queued. */
  meanwhile?: (planned: Planned, injected: Injected) => Promise<unknown>;
  expected: string;
}

const WELL = 'SUCCEEDED, present';

const passing = (Object.keys(faults) as Fault[]).filter((fault) => fault !== 'permanent error'); // keys of a const object

const faulty: Notified[] = notifiedCalls.flatMap((call) => {
  const withFault = (fault: Fault, times: { times?: number }): Pick<Notified, 'name' | 'rules'> => ({
    name: `${call.by} ${call.to}: ${fault}`,
    rules: (known) => [{ ...call.match(known), ...effectOf(fault, call), ...times }],
  });
  return [
    ...passing.map((fault) => ({ ...withFault(fault, { times: 1 }), expected: WELL })),
    // What a state calls is not repeated then. When a function of a rule fails for good, nobody notifies App1, which asks
    // when the time limit of its task is over.
    call.caller === 'step'
      ? {
          ...withFault('permanent error', {}),
          meanwhile: (_planned: Planned, injected: Injected) => injected.met(),
          expected: 'FAILED, absent, INTERNAL_ERROR',
        }
      : { ...withFault('permanent error', {}), expected: WELL },
  ];
});

const isQueued = ({ id: name }: Planned) => entered('CreateServiceUser', name, 'WaitForRateLimit');

/** Counts App1's question for the status. */
const asksApp2 = ({ id: name }: Planned): FaultRule => ({
  service: 'execute-api',
  operation: 'GET',
  resource: `/admin/create-user/${name}`,
  latency: 0.001,
});

/** What somebody can do who may publish events on App2's bus, and nothing else. */
async function forgeNotification({ id: provisioning_id }: Planned): Promise<void> {
  const Detail = JSON.stringify({ provisioning_id, status: 'SUCCEEDED', user: 'present' });
  const { source: Source, detailType: DetailType } = completionNotification;
  const EventBusName = outputs.app2.event_bus_name;
  await new EventBridgeClient(configuration).send(
    new PutEventsCommand({ Entries: [{ EventBusName, Source, DetailType, Detail }] }),
  );
}

const cases: Notified[] = [
  { name: 'nothing goes wrong', expected: WELL },
  {
    name: 'the notification comes before the task is registered',
    rules: (known) => [
      {
        service: 'kms',
        operation: 'Encrypt',
        body: `EncryptionContext.provisioning_id == '${known.id}'`,
        ...madeBy('app1-call-app2'),
        latency: 2_400,
        times: 1,
      },
    ],
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
  ...(['stop', 'time out'] as const).flatMap((by): Notified[] => [
    {
      name: `${by} of App2 while it is queued`,
      meanwhile: async (planned) => {
        await isQueued(planned);
        await interventions[by]('CreateServiceUser', planned.id);
      },
      expected: 'FAILED, absent, USER_CREATION_FAILED',
    },
    {
      name: `${by} of App1 while it waits for the notification`,
      meanwhile: async (planned) => {
        await entered('ProvisionServiceUser', planned.id, 'RequestUserCreation');
        await interventions[by]('ProvisionServiceUser', planned.id);
      },
      expected: by === 'stop' ? 'ABORTED, absent, ABORTED' : 'TIMED_OUT, absent, TIMED_OUT',
    },
  ]),
  ...(
    [
      ['does not exist', 'WaitForRateLimit', undefined],
      ['has no password', 'SetPassword', 'SetPassword cognito-idp:AdminSetUserPassword'],
      ['is in no group', 'AddToGroup', 'AddToGroup cognito-idp:AdminAddUserToGroup'],
    ] as const
  ).map(
    ([what, state, stuckAt]): Notified => ({
      name: `a forged notification while the user ${what}`,
      rules: (known) => [asksApp2(known), ...(stuckAt === undefined ? [] : [unanswered(stuckAt, known)])],
      meanwhile: async (planned, injected) => {
        await entered('CreateServiceUser', planned.id, state);
        await forgeNotification(planned);
        await injected.met();
        await interventions.stop('CreateServiceUser', planned.id);
      },
      expected: 'FAILED, absent, USER_CREATION_FAILED',
    }),
  ),
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

/** Whether the rate limiter has a start for the creation. */
async function isReserved({ id: name }: Planned): Promise<boolean> {
  const creation_id = await system.generationOf('CreateServiceUser', name);
  const { Item } = await new DynamoDBClient(configuration).send(
    new GetItemCommand({
      TableName: 'app2-rate-limits',
      Key: { name: { S: `reservation:${creation_id}` } },
      ConsistentRead: true,
    }),
  );
  return Item !== undefined;
}

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

suite('a creation with a completion notification', cases, {
  async run({ rules = () => [], meanwhile = isQueued, expected }, aftermath) {
    await free;
    const planned = await plan();
    const injected = await inject(...rules(planned));
    try {
      await whileCrowded(async () => {
        await post(planned, planned.key);
        await meanwhile(planned, injected);
      });
      const told = expected === WELL ? await estimateOf(planned.id) : undefined;
      const broken = await violations(planned, { within: 180_000 });
      const { status, user, error } = await endOf(planned.id);
      aftermath.ended(planned, user);
      return {
        broken,
        fired: await injected.allFired(),
        queued: (await statesOf('CreateServiceUser', planned.id)).includes('WaitForRateLimit'),
        told,
        reserved: await isReserved(planned),
        status: [status, user, ...(error === undefined ? [] : [error.code])].join(', '),
      };
    } finally {
      await injected.lift();
    }
  },
  check: ({ broken, fired, queued, told, reserved, status }, { name, expected }) => {
    expect(broken).toEqual([]);
    expect(fired).toBe(true);
    expect(status).toBe(expected);
    // A creation that ends before its start gives it back.
    if (name.includes('while it is queued') && !name.startsWith('the same')) expect(reserved).toBe(false);
    if (name.startsWith('DELETE') || name.includes('of App2') || name.startsWith('a forged')) return;
    if (name.endsWith('permanent error')) return;
    expect(queued).toBe(true);
    if (expected === WELL) expect(told).toBeGreaterThan(0);
  },
  sample: 8,
});
