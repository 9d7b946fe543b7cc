import { describe, expect, it } from '@jest/globals';
import { type EventName, eventRows, events } from '../../contracts/events/catalogue.ts';
import { checkPattern } from '../../contracts/events/contract-kit.ts';
import { type DataFilter, eventPattern } from '../../contracts/events/subscriber.ts';
import { serviceKinds } from '../../contracts/services.ts';
import { exampleOf } from '../../docs/generate/events.ts';
import { app1Expectation, app2Expectation } from '../../examples/access-register/expectations.ts';
import { matches } from './support/judge.ts';

/** The patterns for subscribers match exactly the intended events, by EventBridge's own evaluation. */

const names = eventRows.map(([name]) => name);

/** The names of the examples that a pattern matches. */
async function matched(pattern: object): Promise<EventName[]> {
  const found = await Promise.all(names.map((name) => matches(pattern, exampleOf(name))));
  return names.filter((_, at) => found[at]);
}

describe('a pattern for one event', () => {
  it.each(names)('%s matches only that event', async (name) => {
    expect(await matched(eventPattern(events[name].publisher, [name]))).toEqual([name]);
  });

  it.each(names)('%s does not match a similar event', async (name) => {
    const { detail, ...example } = exampleOf(name);
    const { metadata, data } = detail;
    const pattern = eventPattern(events[name].publisher, [name]);

    for (const other of [
      { ...example, source: 'another.service', detail },
      { ...example, 'detail-type': `${name}s`, detail },
      { ...example, 'detail-type': name.toLowerCase(), detail },
      { ...example, detail: { metadata: { ...metadata, schema_version: '2' }, data } },
      { ...example, detail: { data } },
    ])
      expect(await matches(pattern, other)).toBe(false);
  });
});

describe.each(serviceKinds)('a pattern for several events of %s', (service) => {
  const terminal = eventRows
    .filter(([, { publisher, user }]) => publisher === service && user !== 'unknown')
    .map(([name]) => name);
  const [first, ...others] = terminal;

  it('matches only these events', async () => {
    if (first === undefined) throw new Error('There is no event that ends an event sequence.');

    expect(await matched(eventPattern(service, [first, ...others]))).toEqual(terminal);
  });
});

describe('a pattern for the events of a target', () => {
  it('matches only the events of that target', async () => {
    const example = exampleOf('ServiceUserCreated');
    const pattern = eventPattern('payments', ['ServiceUserCreated']);

    expect(await matches(pattern, { ...example, source: 'payments.service-users' })).toBe(true);
    expect(await matches(pattern, example)).toBe(false);
  });
});

describe('a pattern with fields', () => {
  const cases: [string, DataFilter<'ServiceUserCreated'>, boolean][] = [
    ['the username of the event', { username: ['ada'] }, true],
    ['one of several usernames', { username: ['bob', 'ada'] }, true],
    ['another username', { username: ['bob'] }, false],
    ['a part of the username', { username: ['ad'] }, false],
    ['the username in another case', { username: ['ADA'] }, false],
    ['the human user', { human_user_id: ['h-1815'] }, true],
    ['another human user', { human_user_id: ['h-1'] }, false],
    ['the provisioning', { provisioning_id: ['0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01'] }, true],
    ['another provisioning', { provisioning_id: ['0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d02'] }, false],
    ['both fields equal', { username: ['ada'], human_user_id: ['h-1815'] }, true],
    ['one field equal, one different', { username: ['ada'], human_user_id: ['h-1'] }, false],
  ];

  it.each(cases)('is compared with the event: %s', async (_what, where, expected) => {
    const pattern = eventPattern('app2', ['ServiceUserCreated'], where);

    expect(await matches(pattern, exampleOf('ServiceUserCreated'))).toBe(expected);
  });
});

describe('the pattern of the access register', () => {
  it.each([
    ['app1', app1Expectation],
    ['app2', app2Expectation],
  ])('matches only the events of %s', async (service, { events: subscribed }) => {
    const [first, ...others] = subscribed;
    const eventNames: readonly string[] = subscribed;
    const { detail, ...envelope } = exampleOf(first);
    const exampleWith = (metadata: object) => ({
      ...envelope,
      detail: { ...detail, metadata: { ...detail.metadata, ...metadata } },
    });
    const expected = {
      pattern: eventPattern(service, subscribed),
      matches: [exampleWith({}), exampleWith({ actor: 'another principal' }), ...others.map(exampleOf)],
      ignores: [
        exampleWith({ schema_version: '0' }),
        { ...exampleWith({}), source: 'another.service' },
        ...names.filter((name) => !eventNames.includes(name)).map(exampleOf),
      ],
    };
    // The evaluation distinguishes the two: swapped, every result is wrong.
    const swapped = { ...expected, matches: expected.ignores, ignores: expected.matches };

    expect(await checkPattern(expected, matches)).toEqual([]);
    expect(await checkPattern(swapped, matches)).toHaveLength(
      expected.matches.length + expected.ignores.length,
    );
  });
});
