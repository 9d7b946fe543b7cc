import { setTimeout } from 'node:timers/promises';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { afterAll, expect } from '@jest/globals';
import { completionNotification, notificationSource } from '../../../contracts/notification.ts';
import { provisioningStatus } from '../../../contracts/status.ts';
import { exhaustRateLimit } from '../../../local/harness/exhaust-rate-limit.ts';
import type { FaultRule } from '../../../local/harness/faults/rules.ts';
import { configuration, outputs } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { fromFunction, notifiedCalls } from '../matrix/calls.ts';
import { effectOf, type Fault, faults } from '../matrix/faults.ts';
import { dropCalls } from '../support/call-rules.ts';
import { statesOf, system, targetOutputs } from '../support/deployed.ts';
import { waitForState } from '../support/executions.ts';
import { interventions } from '../support/interventions.ts';
import { violations, waitForOutcome } from '../support/oracle.ts';
import { type PlannedProvisioning, plan } from '../support/plan.ts';
import { deprovision, post } from '../support/provisioning.ts';
import { type InjectedFaults, inject } from '../support/proxy.ts';
import { suite } from '../support/suite.ts';
import { names, target } from '../support/target.ts';
import { targets } from '../support/targets.ts';

/**
 * Each creation is queued, and App1 does not poll: App2 publishes a completion notification, then App1 reads the status
 * at App2 and continues. Further cases forge a notification with the permission to publish events only.
 */

/** Delay of a reserved start time, in seconds: time for the actions of a case while its creation is queued. */
const START_DELAY_SECONDS = 20;

/** Interval at which the limiter is exhausted again, in seconds, so that each request meets an exhausted limiter. */
const RENEWAL_SECONDS = 5;

interface Case {
  name: string;
  rules?: (planned: PlannedProvisioning) => FaultRule[];
  /** Runs while the creation is queued. */
  meanwhile?: (planned: PlannedProvisioning, injected: InjectedFaults) => Promise<unknown>;
  /** The notification resumes the task: the task does not reach its time limit. */
  resumedByNotification?: boolean;
  expected: string;
}

const SUCCEEDED = 'SUCCEEDED, present';

const transient = (Object.keys(faults) as Fault[]).filter((fault) => fault !== 'permanent error'); // keys of a const object

const faultCases: Case[] = notifiedCalls.flatMap((call) => {
  const withFault = (fault: Fault, times: { times?: number }): Pick<Case, 'name' | 'rules'> => ({
    name: `${call.by} ${call.to}: ${fault}`,
    rules: (planned) => [{ ...call.match(planned), ...effectOf(fault, call), ...times }],
  });
  return [
    ...transient.map((fault) => ({
      ...withFault(fault, { times: 1 }),
      resumedByNotification: call.caller === 'step',
      expected: SUCCEEDED,
    })),
    // A state does not retry a permanent error. If the function of a rule fails, App1 receives no notification, and polls
    // after the time limit of its task.
    call.caller === 'step'
      ? {
          ...withFault('permanent error', {}),
          meanwhile: (_planned: PlannedProvisioning, injected: InjectedFaults) => injected.waitUntilFired(),
          expected: 'FAILED, absent, INTERNAL_ERROR',
        }
      : { ...withFault('permanent error', {}), expected: SUCCEEDED },
  ];
});

const waitUntilQueued = ({ id: name }: PlannedProvisioning) =>
  waitForState('CreateServiceUser', name, 'WaitForRateLimit');

/** Fires when App1 reads the status at App2. */
const statusRead = ({ id: name }: PlannedProvisioning): FaultRule => ({
  service: 'execute-api',
  operation: 'GET',
  resource: `/admin/create-user/${name}`,
  latency: 0.001,
});

/**
 * Publishes a notification on the target's bus, with the permission to publish events only. It names another target, which
 * App1 must not believe.
 */
async function forgeNotification({ id: provisioning_id }: PlannedProvisioning): Promise<void> {
  const another = targets.find((name) => name !== target);
  const Detail = JSON.stringify({ provisioning_id, target: another, status: 'SUCCEEDED', user: 'present' });
  const Source = notificationSource(target);
  const { detailType: DetailType } = completionNotification;
  const EventBusName = targetOutputs.event_bus_name;
  await new EventBridgeClient(configuration).send(
    new PutEventsCommand({ Entries: [{ EventBusName, Source, DetailType, Detail }] }),
  );
}

const cases: Case[] = [
  { name: 'no fault occurs', expected: SUCCEEDED },
  {
    name: 'the notification arrives before the task token is registered',
    rules: (planned) => [
      {
        service: 'kms',
        operation: 'Encrypt',
        body: `EncryptionContext.provisioning_id == '${planned.id}' && EncryptionContext.waits_for == '${target}'`,
        ...fromFunction('app1-call-target'),
        latency: 2_400,
        times: 1,
      },
    ],
    expected: SUCCEEDED,
  },
  ...faultCases,
  {
    name: 'DELETE while the creation is queued',
    meanwhile: async (planned) => {
      await waitUntilQueued(planned);
      await deprovision(planned.id);
    },
    expected: 'ABORTED, absent, CANCELLED',
  },
  ...(['stop', 'time out'] as const).flatMap((by): Case[] => [
    {
      name: `${by} of App2 while the creation is queued`,
      meanwhile: async (planned) => {
        await waitUntilQueued(planned);
        await interventions[by]('CreateServiceUser', planned.id);
      },
      expected: 'FAILED, absent, USER_CREATION_FAILED',
    },
    {
      name: `${by} of App1 while it waits for the notification`,
      meanwhile: async (planned) => {
        await waitForState('ProvisionServiceUser', planned.id, 'RequestUserCreation');
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
    ([condition, state, stuckAt]): Case => ({
      name: `a forged notification while the user ${condition}`,
      rules: (planned) => [
        statusRead(planned),
        ...(stuckAt === undefined ? [] : [dropCalls(stuckAt, planned)]),
      ],
      meanwhile: async (planned, injected) => {
        await waitForState('CreateServiceUser', planned.id, state);
        await forgeNotification(planned);
        await injected.waitUntilFired();
        await interventions.stop('CreateServiceUser', planned.id);
      },
      expected: 'FAILED, absent, USER_CREATION_FAILED',
    }),
  ),
  {
    name: 'the same POST five times while the creation is queued',
    meanwhile: async (planned) => {
      await waitUntilQueued(planned);
      const repeats = await Promise.all(Array.from({ length: 5 }, () => post(planned, planned.key)));
      expect(repeats.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    },
    expected: SUCCEEDED,
  },
];

/** Whether the rate limiter has a reservation for the creation. */
async function isReserved({ id: name }: PlannedProvisioning): Promise<boolean> {
  const creation_id = await system.generationOf('CreateServiceUser', name);
  const { Item } = await new DynamoDBClient(configuration).send(
    new GetItemCommand({
      TableName: names.rateLimitsTable,
      Key: { name: { S: `reservation:${creation_id}` } },
      ConsistentRead: true,
    }),
  );
  return Item !== undefined;
}

/** The duration that App1's status estimates, in milliseconds. */
const readEstimate = (name: string): Promise<number> =>
  eventually(async () => {
    const { estimated_end_at, started_at } = provisioningStatus.parse((await system.status(name)).body);
    if (estimated_end_at === undefined) throw new Error(`The status of ${name} has no estimate.`);
    return Date.parse(estimated_end_at) - Date.parse(started_at);
  });

const exhaust = () =>
  Promise.all([
    exhaustRateLimit(outputs, 'creations', START_DELAY_SECONDS, target),
    exhaustRateLimit(outputs, 'express-creations', 2 * START_DELAY_SECONDS, target),
  ]);

/** Keeps the rate limiter exhausted while a function runs, so that each creation is queued. */
async function withExhaustedLimiter(run: () => Promise<unknown>): Promise<void> {
  await exhaust();
  const finished = run();
  while (await Promise.race([finished.then(() => false), setTimeout(RENEWAL_SECONDS * 1000, true)]))
    await exhaust();
}

const restorePolls = exhaustRateLimit(outputs, 'status-polls', 24 * 60 * 60, target);
afterAll(async () => (await restorePolls)());

suite('a creation with a completion notification', cases, {
  async run({ rules = () => [], meanwhile = waitUntilQueued, expected }, finalChecks) {
    await restorePolls;
    const planned = await plan();
    const injected = await inject(...rules(planned));
    try {
      await withExhaustedLimiter(async () => {
        await post(planned, planned.key);
        await meanwhile(planned, injected);
      });
      const estimate = expected === SUCCEEDED ? await readEstimate(planned.id) : undefined;
      const broken = await violations(planned, { within: 180_000 });
      const { status, user, error } = await waitForOutcome(planned.id);
      finalChecks.addProvisioning(planned, user);
      const states = await system.states('ProvisionServiceUser', planned.id);
      const request = states.find((state) => state.name === 'RequestUserCreation');
      return {
        broken,
        timedOut: request?.errors.includes('States.Timeout'),
        fired: await injected.allFired(),
        queued: (await statesOf('CreateServiceUser', planned.id)).includes('WaitForRateLimit'),
        estimate,
        reserved: await isReserved(planned),
        status: [status, user, ...(error === undefined ? [] : [error.code])].join(', '),
      };
    } finally {
      await injected.lift();
    }
  },
  check: (
    { broken, timedOut, fired, queued, estimate, reserved, status },
    { name, expected, resumedByNotification },
  ) => {
    expect(broken).toEqual([]);
    expect(fired).toBe(true);
    if (resumedByNotification === true) expect(timedOut).toBe(false);
    expect(status).toBe(expected);
    // A creation that finishes before its start time releases its reservation.
    if (name.includes('while the creation is queued') && !name.startsWith('the same'))
      expect(reserved).toBe(false);
    if (name.startsWith('DELETE') || name.includes('of App2') || name.startsWith('a forged')) return;
    if (name.endsWith('permanent error')) return;
    expect(queued).toBe(true);
    if (expected === SUCCEEDED) expect(estimate).toBeGreaterThan(0);
  },
  sample: 8,
});
