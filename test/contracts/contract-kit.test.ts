import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { type EventName, eventRows } from '../../contracts/events/catalogue.ts';
import {
  checkAgainstCatalogue,
  checkAgainstProduced,
  checkPattern,
  type Expectation,
} from '../../contracts/events/contract-kit.ts';
import { readEvent } from '../../contracts/events/subscriber.ts';
import { exampleOf } from '../../docs/generate/events.ts';

/** A subscriber that reads the given fields of two events. */
const reading = (metadata: z.ZodRawShape, data: z.ZodRawShape = {}): Expectation => ({
  events: ['ServiceUserCreated', 'ServiceUserCreationRolledBack'],
  reads: z.object({ detail: z.object({ metadata: z.object(metadata), data: z.object(data) }) }),
});

describe('checkAgainstCatalogue', () => {
  it.each<[string, Expectation]>([
    ['no field', reading({})],
    ['texts', reading({ event_id: z.string() }, { username: z.string() })],
    ['a number', reading({ sequence: z.int().positive() })],
    ['one of several versions', reading({ schema_version: z.enum(['1', '2']) })],
    ['a text in the format of the catalogue', reading({ occurred_at: z.iso.datetime() })],
    ['a list', reading({ asserted: z.array(z.string()) })],
    ['a nullable field', reading({}, { on_behalf_of: z.string().nullish() })],
    [
      'an optional field that only one event has',
      reading({}, { failure: z.object({ step: z.string() }).optional() }),
    ],
    ['a field without a constraint', reading({}, { username: z.unknown() })],
  ])('accepts a subscriber that reads %s', (_fields, expectation) => {
    expect(checkAgainstCatalogue(expectation)).toEqual([]);
  });

  it('accepts a subscriber that reads the detail-type of each event', () => {
    for (const [name] of eventRows)
      expect(
        checkAgainstCatalogue({ events: [name], reads: z.object({ 'detail-type': z.literal(name) }) }),
      ).toEqual([]);
  });

  it('accepts a fixed source only from a subscriber that names the service', () => {
    const expectation = {
      events: ['ServiceUserCreated'],
      reads: z.object({ source: z.literal('payments.service-users') }),
    } as const;

    expect(checkAgainstCatalogue({ ...expectation, service: 'payments' })).toEqual([]);
    expect(checkAgainstCatalogue({ ...expectation, service: 'orders' })).toEqual([
      expect.stringContaining('"orders.service-users" can be sent'),
    ]);
    expect(checkAgainstCatalogue(expectation)).not.toEqual([]);
  });

  it.each<[string, Expectation, RegExp]>([
    [
      'a field that no event has',
      reading({}, { email: z.string() }),
      /data\.email: the schema requires the field/,
    ],
    [
      'a field that only one event has',
      reading({}, { failure: z.object({}) }),
      /^ServiceUserCreated\.\S+failure/,
    ],
    [
      'a nullable field as a text',
      reading({}, { on_behalf_of: z.string().optional() }),
      /on_behalf_of.*type "string"/,
    ],
    ['another type', reading({ event_id: z.number() }), /event_id.*type "number"/],
    ['another version', reading({ schema_version: z.literal('2') }), /schema_version: "1" can be sent/],
    [
      'a smaller sequence',
      reading({ sequence: z.int().max(20) }),
      /^ServiceUserCreationRolledBack\.\S+sequence: 40/,
    ],
    ['a format that the catalogue lacks', reading({ event_id: z.uuid() }), /event_id.*format "uuid"/],
    ['a shorter text', reading({}, { username: z.string().max(20) }), /username.*maxLength 20/],
    ['other items', reading({ asserted: z.array(z.number()).optional() }), /asserted\[\]: "human_user_id"/],
    [
      'a closed set of fields',
      { ...reading({}), reads: z.object({ detail: z.strictObject({ metadata: z.unknown() }) }) },
      /detail\.data: is sent, but the schema refuses/,
    ],
    [
      'an event that does not exist',
      { ...reading({}), events: ['ServiceUserRenamed' as EventName] }, // possible in a test in JavaScript
      /ServiceUserRenamed: the catalogue has no such event/,
    ],
  ])('reports a subscriber that reads %s', (_fields, expectation, violation) => {
    expect(checkAgainstCatalogue(expectation)).toEqual(
      expect.arrayContaining([expect.stringMatching(violation)]),
    );
  });
});

describe('checkAgainstProduced', () => {
  const produced = eventRows.map(([name]) => exampleOf(name));

  it('accepts a subscriber that can read every recorded event', () => {
    expect(checkAgainstProduced(reading({ event_id: z.string() }), produced)).toEqual([]);
  });

  it('reports a recorded event that the subscriber cannot read', () => {
    const picky = reading({ event_id: z.string().refine((id) => !id.endsWith('RolledBack'), 'is not mine') });

    expect(checkAgainstCatalogue(picky)).toEqual([]);
    expect(checkAgainstProduced(picky, produced)).toEqual([
      'ServiceUserCreationRolledBack.detail.metadata.event_id: is not mine',
    ]);
  });

  it('reports an event without a recording', () => {
    const others = produced.filter((event) => event['detail-type'] !== 'ServiceUserCreated');

    expect(checkAgainstProduced(reading({}), others)).toEqual([
      'ServiceUserCreated: no such event was recorded.',
    ]);
  });

  it('throws on a recorded event that does not match the catalogue', () => {
    const { detail, ...event } = exampleOf('ServiceUserCreated');
    const other = { ...event, detail: { ...detail, more: 1 } };

    expect(() => readEvent(other)).toThrow();
    expect(() => checkAgainstProduced(reading({}), [...produced, other])).toThrow();
  });
});

describe('checkPattern', () => {
  const [matched, other] = [exampleOf('ServiceUserCreated'), exampleOf('ServiceUserRemoved')];
  const testEventPattern = async (_pattern: object, event: object) => event === matched;

  it('accepts a pattern that matches exactly the expected events', async () => {
    const expectation = { pattern: {}, matches: [matched], ignores: [other] };

    expect(await checkPattern(expectation, testEventPattern)).toEqual([]);
  });

  it('reports events that the pattern misses and events that it should ignore', async () => {
    const expectation = { pattern: {}, matches: [other], ignores: [matched] };

    expect(await checkPattern(expectation, testEventPattern)).toEqual([
      expect.stringMatching(/^not matched: .*ServiceUserRemoved/),
      expect.stringMatching(/^matched: .*ServiceUserCreated/),
    ]);
  });
});
