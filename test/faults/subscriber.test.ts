import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import Ajv2020 from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { main as redrive } from '../../cli/redrive.ts';
import { main as replay } from '../../cli/replay.ts';
import { type EventName, eventRows, events, sourceOf } from '../../contracts/events/catalogue.ts';
import { sequenceViolations } from '../../contracts/events/sequences.ts';
import { type ReceivedEvent, readEvent } from '../../contracts/events/subscriber.ts';
import { APP1, type ServiceKind, serviceKinds } from '../../contracts/services.ts';
import { passwordWithoutSymbol } from '../../local/harness/lax-policy.ts';
import { type Call, calls } from './matrix/calls.ts';
import { effectOf, type Fault } from './matrix/faults.ts';
import { denyCalls, findCall } from './support/call-rules.ts';
import { system } from './support/deployed.ts';
import { waitForState } from './support/executions.ts';
import { interventions } from './support/interventions.ts';
import { violations, waitForOutcome } from './support/oracle.ts';
import { inParallel } from './support/parallel.ts';
import { type PlannedProvisioning, plan } from './support/plan.ts';
import { deprovision, requestProvisioning } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { listPublications } from './support/publications.ts';
import { changedRepeats } from './support/repeats.ts';
import { subscribe } from './support/subscriber.ts';
import { targetSource } from './support/target.ts';

/**
 * A subscriber receives the events of a hundred provisionings that succeed, fail, or are stopped, cancelled or
 * deprovisioned, each with faults. The subscriber's own queue is unreachable for a time.
 */

const kinds = {
  succeeds: 30,
  'is rejected': 12,
  'is compensated': 12,
  'is stopped at App1': 8,
  'is stopped at App2': 8,
  'times out at App1': 6,
  'is cancelled': 12,
  'is deprovisioned': 12,
} as const;
type Kind = keyof typeof kinds;

/** `npm test` runs a quarter of them. */
const share = process.env['FAULTS'] === 'sample' ? 4 : 1;
const seed = Number(process.env['FAULTS_SEED'] ?? randomInt(2 ** 31));

/** Faults that a retry overcomes, so that the expected events depend on the kind only. */
const transient: Fault[] = ['throttled', 'server error', 'connection reset', 'response lost'];
const faultyCall = fc.record({
  call: fc.constantFrom(...calls.filter(({ caller, http }) => caller !== 'api' && http !== true)),
  fault: fc.constantFrom(...transient),
});

const cases = Object.entries(kinds).flatMap(
  ([kind, count]) =>
    fc
      .sample(fc.array(faultyCall, { minLength: 1, maxLength: 2 }), {
        seed,
        numRuns: Math.ceil(count / share),
      })
      .map((faults, n) => ({ kind: kind as Kind, faults, name: `${kind} (${n}): ${formatFaults(faults)}` })), // a key of kinds
);

function formatFaults(faults: { call: Call; fault: Fault }[]): string {
  return faults.map(({ call, fault }) => `${call.by} ${call.to} ${fault}`).join(', ');
}

const PASSWORD = findCall('SetPassword cognito-idp:AdminSetUserPassword');

/** Runs a provisioning of a kind until its outcome. */
async function runKind(kind: Kind, planned: PlannedProvisioning): Promise<void> {
  const injected = await inject(
    ...(/stopped|times out|cancelled/.test(kind)
      ? [{ ...PASSWORD.match(planned), timeout_ms: 3_500, times: 4 }]
      : []),
    ...(kind === 'is compensated' ? [denyCalls('AddToGroup cognito-idp:AdminAddUserToGroup')(planned)] : []),
  );
  try {
    await requestProvisioning(planned, planned.key);
    switch (kind) {
      case 'is stopped at App1':
      case 'times out at App1':
        await waitForState('CreateServiceUser', planned.id, 'SetPassword');
        await interventions[kind === 'times out at App1' ? 'time out' : 'stop'](
          'ProvisionServiceUser',
          planned.id,
        );
        return;
      case 'is stopped at App2':
        await waitForState('CreateServiceUser', planned.id, 'SetPassword');
        await interventions.stop('CreateServiceUser', planned.id);
        return;
      case 'is cancelled':
        await waitForState('CreateServiceUser', planned.id, 'SetPassword');
        await deprovision(planned.id);
        return;
      case 'is deprovisioned':
        await waitForOutcome(planned.id);
        await deprovision(planned.id);
    }
  } finally {
    await waitForOutcome(planned.id);
    await injected.lift();
  }
}

/** The last event of each service. */
const lastEvents: Record<Kind, Record<ServiceKind, EventName>> = {
  succeeds: { app1: 'ServiceUserProvisioned', app2: 'ServiceUserCreated' },
  'is rejected': {
    app1: 'ServiceUserProvisioningFailed',
    app2: 'ServiceUserCreationRejected',
  },
  'is compensated': {
    app1: 'ServiceUserProvisioningFailed',
    app2: 'ServiceUserCreationRolledBack',
  },
  // App1's roll-back cancels the creation at App2.
  'is stopped at App1': {
    app1: 'ServiceUserProvisioningFailed',
    app2: 'ServiceUserCreationCancelled',
  },
  'times out at App1': {
    app1: 'ServiceUserProvisioningFailed',
    app2: 'ServiceUserCreationCancelled',
  },
  'is stopped at App2': {
    app1: 'ServiceUserProvisioningFailed',
    app2: 'ServiceUserCreationRolledBack',
  },
  'is cancelled': {
    app1: 'ServiceUserProvisioningCancelled',
    app2: 'ServiceUserCreationCancelled',
  },
  'is deprovisioned': {
    app1: 'ServiceUserDeprovisioned',
    app2: 'ServiceUserRemoved',
  },
};
const sources: Record<ServiceKind, string> = { app1: sourceOf(APP1), app2: targetSource };
const machineOf = { app1: 'ProvisionServiceUser', app2: 'CreateServiceUser' } as const;

/** The published schemas, compiled by an independent validator. */
const ajv = new Ajv2020({ strict: false, validateFormats: false });
const schemas = new Map(
  eventRows.map(([name, { version }]) => [
    name,
    ajv.compile(
      JSON.parse(
        readFileSync(
          join(import.meta.dirname, '..', '..', 'contracts', 'events', 'schemas', `${name}.v${version}.json`),
          'utf8',
        ),
      ),
    ),
  ]),
);

const startedAt = new Date();
const subscribed = subscribe();
/** Number of finished cases. The subscriber's queue is unreachable while the second third of the cases finishes. */
let finished = 0;
async function countFinished(): Promise<void> {
  finished += 1;
  const { setReachable } = await subscribed;
  if (finished === Math.floor(cases.length / 3)) await setReachable(false);
  if (finished === Math.floor((2 * cases.length) / 3)) await setReachable(true);
}

const resultOf = inParallel(cases, async ({ kind, faults }) => {
  await subscribed;
  const planned = await plan(kind === 'is rejected' ? { password: passwordWithoutSymbol() } : {});
  const injected = await inject(
    ...faults.map(({ call, fault }) => ({ ...call.match(planned), ...effectOf(fault, call), times: 1 })),
  );
  try {
    await runKind(kind, planned);
    return { planned, broken: await violations(planned) };
  } finally {
    await injected.lift();
    await countFinished();
  }
});

describe(`a provisioning that (FAULTS_SEED=${seed})`, () => {
  it.each(cases)('$name', async (row) => expect((await resultOf(row)).broken).toEqual([]));
});

describe('a subscriber', () => {
  /** All events that it received, as EventBridge sent them. */
  const received: unknown[] = [];
  /** Each case with the ids of the events in the logs of the buses. */
  let provisionings: { kind: Kind; id: string; username: string; published: string[] }[];

  beforeAll(async () => {
    provisionings = await Promise.all(
      cases.map(async (row) => {
        const { planned } = await resultOf(row);
        return { kind: row.kind, ...planned, published: idsOf(await system.events(planned.id)) };
      }),
    );
    received.push(...(await (await subscribed).receive()));
  });

  const idsOf = (all: readonly { detail: { metadata: { event_id: string } } }[]): string[] =>
    [...new Set(all.map(({ detail }) => detail.metadata.event_id))].sort();
  const receivedEvents = (): ReceivedEvent[] => received.map(readEvent);
  const receivedEventsOf = (id: string, service: ServiceKind): ReceivedEvent[] =>
    receivedEvents().filter(
      (event) => event.source === sources[service] && event.detail.metadata.provisioning_id === id,
    );
  const published = (): string[] => provisionings.flatMap((row) => row.published).sort();
  const idsOfProvisionings = (all: ReceivedEvent[]): string[] =>
    idsOf(all.filter(({ detail }) => provisionings.some(({ id }) => id === detail.metadata.provisioning_id)));

  it('has the events that it missed in its dead-letter queue', async () => {
    expect(await (await subscribed).deadLetterCount()).toBeGreaterThan(0);
    expect(idsOfProvisionings(receivedEvents()).length).toBeLessThan(published().length);
  });

  it('receives all events after a redrive of the queue', async () => {
    const { deadLetters, receive, deadLetterCount } = await subscribed;

    expect(await redrive([deadLetters])).toBe(0);

    received.push(...(await receive()));

    expect(idsOfProvisionings(receivedEvents())).toEqual(published());
    expect(await deadLetterCount()).toBe(0);
  });

  it('receives only events that match their published schema', () => {
    for (const event of receivedEvents()) {
      const validate = schemas.get(event['detail-type']);
      expect([event, validate?.(event.detail), validate?.errors]).toEqual([event, true, null]);
    }
  });

  it('receives the same content under the same event_id, apart from the time', () => {
    expect(changedRepeats(receivedEvents())).toEqual([]);
  });

  it('receives from each service an event sequence of the catalogue, in the order of the histories', async () => {
    for (const { id, kind } of provisionings)
      for (const service of serviceKinds) {
        const names = namesInOrder(receivedEventsOf(id, service));
        expect([kind, service, sequenceViolations(names, { finished: true })]).toEqual([kind, service, []]);
        const history = await listPublications(id, machineOf[service]);
        const entered = [...new Set(history.map(({ event }) => event))];
        const confirmed = entered.filter((event) =>
          history.some((publication) => publication.event === event && publication.confirmed),
        );
        expect(entered.filter((event) => names.includes(event))).toEqual(names);
        expect(names).toEqual(expect.arrayContaining(confirmed));
      }
  });

  it('receives a last event that matches the pool', async () => {
    for (const { id, kind, username } of provisionings) {
      const stamp = (await system.user(username))?.attributes['custom:provisioning_id'];
      for (const service of serviceKinds) {
        const last = namesInOrder(receivedEventsOf(id, service)).at(-1);
        expect([kind, service, last]).toEqual([kind, service, lastEvents[kind][service]]);
        expect(last !== undefined && events[last].user).toBe(stamp === id ? 'present' : 'absent');
      }
    }
  });

  it('receives the same events again after a replay of the archives', async () => {
    const { rules, receive } = await subscribed;
    const period = ['--from', startedAt.toISOString(), '--to', new Date().toISOString()];

    for (const [service, rule] of Object.entries(rules))
      expect(await replay([service, ...period, '--to-rule', rule])).toBe(0);

    const again = (await receive()).map(readEvent);

    expect(idsOfProvisionings(again)).toEqual(published());
  });
});

/** Names of events in the order of their sequence numbers, without duplicates. */
function namesInOrder(all: ReceivedEvent[]): EventName[] {
  const bySequence = new Map(all.map((event) => [event.detail.metadata.sequence, event['detail-type']]));
  return [...bySequence].sort(([a], [b]) => a - b).map(([, name]) => name);
}
