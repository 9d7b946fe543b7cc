import { EventBridgeClient, TestEventPatternCommand } from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from '@jest/globals';
import { type EventName, eventRows } from '../../contracts/events/catalogue.ts';
import { eventPattern, type Where } from '../../contracts/events/subscriber.ts';
import { exampleOf } from '../../docs/generate/events.ts';
import { account, client, region } from './support/clients.ts';

/** Patterns that subscribers are given match what they should, and nothing else, by EventBridge's own judgement. */

const events = client(EventBridgeClient);
const names = eventRows.map(([name]) => name);

async function matches(pattern: object, event: object): Promise<boolean | undefined> {
  const delivered = {
    id: 'delivery-1',
    account,
    region,
    time: '2026-11-23T12:00:00Z',
    resources: [],
    ...event,
  };
  const { Result } = await events.send(
    new TestEventPatternCommand({ EventPattern: JSON.stringify(pattern), Event: JSON.stringify(delivered) }),
  );
  return Result;
}

/** The names of the examples that a pattern matches. */
async function matched(pattern: object): Promise<EventName[]> {
  const found = await Promise.all(names.map((name) => matches(pattern, exampleOf(name))));
  return names.filter((_, at) => found[at]);
}

describe('a pattern for one event', () => {
  it.each(names)('%s matches that one only', async (name) => {
    expect(await matched(eventPattern([name]))).toEqual([name]);
  });

  it.each(names)('%s does not match what only looks like it', async (name) => {
    const { detail, ...example } = exampleOf(name);
    const { metadata, data } = detail;
    const pattern = eventPattern([name]);
    for (const other of [
      { ...example, source: 'somebody.else', detail },
      { ...example, 'detail-type': `${name}s`, detail },
      { ...example, 'detail-type': name.toLowerCase(), detail },
      { ...example, detail: { metadata: { ...metadata, schema_version: '2' }, data } },
      { ...example, detail: { data } },
    ])
      expect(await matches(pattern, other)).toBe(false);
  });
});

describe('a pattern for several events', () => {
  const terminal = eventRows.filter(([, { user }]) => user !== 'unknown').map(([name]) => name);
  const [first, ...others] = terminal;

  it('matches them and nothing else', async () => {
    if (first === undefined) throw new Error('There is no event that ends a story.');
    expect(await matched(eventPattern([first, ...others]))).toEqual(terminal);
  });
});

describe('a pattern with fields', () => {
  const cases: [string, Where<'ServiceUserCreated'>, boolean][] = [
    ['the username of the event', { username: ['ada'] }, true],
    ['one of several usernames', { username: ['bob', 'ada'] }, true],
    ['another username', { username: ['bob'] }, false],
    ['a part of the username', { username: ['ad'] }, false],
    ['the username in other letters', { username: ['ADA'] }, false],
    ['the human user', { human_user_id: ['h-1815'] }, true],
    ['another human user', { human_user_id: ['h-1'] }, false],
    ['the provisioning', { provisioning_id: ['0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01'] }, true],
    ['another provisioning', { provisioning_id: ['0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d02'] }, false],
    ['both fields right', { username: ['ada'], human_user_id: ['h-1815'] }, true],
    ['one field right, one wrong', { username: ['ada'], human_user_id: ['h-1'] }, false],
  ];

  it.each(cases)('%s', async (_what, where, expected) => {
    const pattern = eventPattern(['ServiceUserCreated'], where);
    expect(await matches(pattern, exampleOf('ServiceUserCreated'))).toBe(expected);
  });
});
