import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import Ajv2020 from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { main as redrive } from '../../cli/redrive.ts';
import { main as replay } from '../../cli/replay.ts';
import { type EventName, type EventSource, eventRows, events } from '../../contracts/events/catalogue.ts';
import { sequenceViolations } from '../../contracts/events/sequences.ts';
import { type ReceivedEvent, readEvent } from '../../contracts/events/subscriber.ts';
import { passwordWithoutSymbol } from '../../local/harness/lax-policy.ts';
import { system } from '../e2e/support/deployed.ts';
import { type Call, calls } from './matrix/calls.ts';
import { effectOf, type Fault } from './matrix/faults.ts';
import { entered } from './support/executions.ts';
import { callNamed, refusal } from './support/holds.ts';
import { interventions } from './support/interventions.ts';
import { type Planned, plan } from './support/known.ts';
import { endOf, violations } from './support/oracle.ts';
import { inParallel } from './support/parallel.ts';
import { ask, deprovision } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { changedRepeats } from './support/repeats.ts';
import { announced } from './support/story.ts';
import { subscribe } from './support/subscriber.ts';

/**
 * What a subscriber sees of a hundred provisionings that go well, fail, are stopped, cancelled and taken back, each
 * with faults on its way, while the subscriber's own queue is out of reach for a part of them.
 */

const kinds = {
  'goes well': 30,
  'is rejected': 12,
  'is undone': 12,
  'is stopped at App1': 8,
  'is stopped at App2': 8,
  'times out at App1': 6,
  'is cancelled': 12,
  'is deprovisioned': 12,
} as const;
type Kind = keyof typeof kinds;

/** `npm test` takes a quarter of them. */
const share = process.env['FAULTS'] === 'sample' ? 4 : 1;
const seed = Number(process.env['FAULTS_SEED'] ?? randomInt(2 ** 31));

/** Faults that pass: what is retried ends as if nothing had been, so that the kind alone says what has to be told. */
const passing: Fault[] = ['throttled', 'server error', 'connection reset', 'answer lost'];
const disturbed = fc.record({
  call: fc.constantFrom(...calls.filter(({ caller, http }) => caller !== 'api' && http !== true)),
  fault: fc.constantFrom(...passing),
});

const cases = Object.entries(kinds).flatMap(
  ([kind, count]) =>
    fc
      .sample(fc.array(disturbed, { minLength: 1, maxLength: 2 }), {
        seed,
        numRuns: Math.ceil(count / share),
      })
      .map((faults, n) => ({ kind: kind as Kind, faults, name: `${kind} (${n}): ${told(faults)}` })), // a key of kinds
);

function told(faults: { call: Call; fault: Fault }[]): string {
  return faults.map(({ call, fault }) => `${call.by} ${call.to} ${fault}`).join(', ');
}

const PASSWORD = callNamed('SetPassword cognito-idp:AdminSetUserPassword');

/** Does to a provisioning what its kind says. */
async function happen(kind: Kind, planned: Planned): Promise<void> {
  const slow = await inject(
    ...(/stopped|times out|cancelled/.test(kind)
      ? [{ ...PASSWORD.match(planned), timeout_ms: 3_500, times: 4 }]
      : []),
    ...(kind === 'is undone' ? [refusal('AddToGroup cognito-idp:AdminAddUserToGroup')(planned)] : []),
  );
  try {
    await ask(planned, planned.key);
    switch (kind) {
      case 'is stopped at App1':
      case 'times out at App1':
        await entered('CreateServiceUser', planned.id, 'SetPassword');
        await interventions[kind === 'times out at App1' ? 'time out' : 'stop'](
          'ProvisionServiceUser',
          planned.id,
        );
        return;
      case 'is stopped at App2':
        await entered('CreateServiceUser', planned.id, 'SetPassword');
        await interventions.stop('CreateServiceUser', planned.id);
        return;
      case 'is cancelled':
        await entered('CreateServiceUser', planned.id, 'SetPassword');
        await deprovision(planned.id);
        return;
      case 'is deprovisioned':
        await endOf(planned.id);
        await deprovision(planned.id);
    }
  } finally {
    await endOf(planned.id);
    await slow.lift();
  }
}

/** What each service has to tell last. */
const lastFacts: Record<Kind, Record<EventSource, EventName>> = {
  'goes well': { 'app1.provisioning': 'ServiceUserProvisioned', 'app2.service-users': 'ServiceUserCreated' },
  'is rejected': {
    'app1.provisioning': 'ServiceUserProvisioningFailed',
    'app2.service-users': 'ServiceUserCreationRejected',
  },
  'is undone': {
    'app1.provisioning': 'ServiceUserProvisioningFailed',
    'app2.service-users': 'ServiceUserCreationRolledBack',
  },
  // App1's roll-back cancels at App2.
  'is stopped at App1': {
    'app1.provisioning': 'ServiceUserProvisioningFailed',
    'app2.service-users': 'ServiceUserCreationCancelled',
  },
  'times out at App1': {
    'app1.provisioning': 'ServiceUserProvisioningFailed',
    'app2.service-users': 'ServiceUserCreationCancelled',
  },
  'is stopped at App2': {
    'app1.provisioning': 'ServiceUserProvisioningFailed',
    'app2.service-users': 'ServiceUserCreationRolledBack',
  },
  'is cancelled': {
    'app1.provisioning': 'ServiceUserProvisioningCancelled',
    'app2.service-users': 'ServiceUserCreationCancelled',
  },
  'is deprovisioned': {
    'app1.provisioning': 'ServiceUserDeprovisioned',
    'app2.service-users': 'ServiceUserRemoved',
  },
};
const sources: readonly EventSource[] = ['app1.provisioning', 'app2.service-users'];
const machineOf = {
  'app1.provisioning': 'ProvisionServiceUser',
  'app2.service-users': 'CreateServiceUser',
} as const;

/** The schemas as they are published, read by a validator that is not ours. */
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

const begun = new Date();
const subscribed = subscribe();
/** The subscriber's queue is out of reach from the end of the first third of the cases to that of the second. */
let over = 0;
async function oneIsOver(): Promise<void> {
  over += 1;
  const { reachable } = await subscribed;
  if (over === Math.floor(cases.length / 3)) await reachable(false);
  if (over === Math.floor((2 * cases.length) / 3)) await reachable(true);
}

const resultOf = inParallel(cases, async ({ kind, faults }) => {
  await subscribed;
  const planned = await plan(kind === 'is rejected' ? { password: passwordWithoutSymbol() } : {});
  const injected = await inject(
    ...faults.map(({ call, fault }) => ({ ...call.match(planned), ...effectOf(fault, call), times: 1 })),
  );
  try {
    await happen(kind, planned);
    return { planned, broken: await violations(planned) };
  } finally {
    await injected.lift();
    await oneIsOver();
  }
});

describe(`a provisioning that (FAULTS_SEED=${seed})`, () => {
  it.each(cases)('$name', async (one) => expect((await resultOf(one)).broken).toEqual([]));
});

describe('a subscriber', () => {
  /** All that came to it, as EventBridge sent it. */
  const received: unknown[] = [];
  /** What the buses have logged of each case. */
  let all: { kind: Kind; id: string; username: string; published: string[] }[];

  beforeAll(async () => {
    all = await Promise.all(
      cases.map(async (one) => {
        const { planned } = await resultOf(one);
        return { kind: one.kind, ...planned, published: idsOf(await system.events(planned.id)) };
      }),
    );
    received.push(...(await (await subscribed).receive()));
  });

  const idsOf = (of: readonly { detail: { metadata: { event_id: string } } }[]): string[] =>
    [...new Set(of.map(({ detail }) => detail.metadata.event_id))].sort();
  const seen = (): ReceivedEvent[] => received.map(readEvent);
  const seenOf = (id: string, source: EventSource): ReceivedEvent[] =>
    seen().filter((event) => event.source === source && event.detail.metadata.provisioning_id === id);
  const published = (): string[] => all.flatMap((one) => one.published).sort();
  const ofAll = (of: ReceivedEvent[]): string[] =>
    idsOf(of.filter(({ detail }) => all.some(({ id }) => id === detail.metadata.provisioning_id)));

  it('that was out of reach for a while has missed something, which lies in its dead-letter queue', async () => {
    expect(await (await subscribed).deadLetterCount()).toBeGreaterThan(0);
    expect(ofAll(seen()).length).toBeLessThan(published().length);
  });

  it('gets all of it when the queue is redriven', async () => {
    const { deadLetters, receive, deadLetterCount } = await subscribed;
    expect(await redrive([deadLetters])).toBe(0);
    received.push(...(await receive()));

    expect(ofAll(seen())).toEqual(published());
    expect(await deadLetterCount()).toBe(0);
  });

  it('sees no event that is not as its published schema says', () => {
    for (const event of seen()) {
      const validate = schemas.get(event['detail-type']);
      expect([event, validate?.(event.detail), validate?.errors]).toEqual([event, true, null]);
    }
  });

  it('is told nothing else by a repeat: the same event_id has the same content but for the time', () => {
    expect(changedRepeats(seen())).toEqual([]);
  });

  it('is told by each service a story that the catalogue knows, in the order of the histories', async () => {
    for (const { id, kind } of all)
      for (const source of sources) {
        const facts = inPlace(seenOf(id, source));
        expect([kind, source, sequenceViolations(facts, { finished: true })]).toEqual([kind, source, []]);
        const history = await announced(id, machineOf[source]);
        const entered = [...new Set(history.map(({ event }) => event))];
        const confirmed = entered.filter((event) =>
          history.some((one) => one.event === event && one.confirmed),
        );
        expect(entered.filter((event) => facts.includes(event))).toEqual(facts);
        expect(facts).toEqual(expect.arrayContaining(confirmed));
      }
  });

  it('is told last what is so in the pool', async () => {
    for (const { id, kind, username } of all) {
      const stamp = (await system.user(username))?.attributes['custom:provisioning_id'];
      for (const source of sources) {
        const last = inPlace(seenOf(id, source)).at(-1);
        expect([kind, source, last]).toEqual([kind, source, lastFacts[kind][source]]);
        expect(last !== undefined && events[last].user).toBe(stamp === id ? 'present' : 'absent');
      }
    }
  });

  it('gets the same set again by a replay of the archives', async () => {
    const { rules, receive } = await subscribed;
    const period = ['--from', begun.toISOString(), '--to', new Date().toISOString()];
    for (const [service, rule] of Object.entries(rules))
      expect(await replay([service, ...period, '--to-rule', rule])).toBe(0);
    const again = (await receive()).map(readEvent);

    expect(ofAll(again)).toEqual(published());
  });
});

/** Names of facts by their places, each once. */
function inPlace(facts: ReceivedEvent[]): EventName[] {
  const places = new Map(facts.map((event) => [event.detail.metadata.sequence, event['detail-type']]));
  return [...places].sort(([one], [other]) => one - other).map(([, name]) => name);
}
