import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { type EventName, eventRows } from '../../contracts/events/catalogue.ts';
import {
  brokenByCatalogue,
  brokenByPattern,
  brokenByProduced,
  type Expectation,
} from '../../contracts/events/contract-kit.ts';
import { readEvent } from '../../contracts/events/subscriber.ts';
import { exampleOf } from '../../docs/generate/events.ts';

/** A subscriber that reads the detail of two events like this. */
const reading = (metadata: z.ZodRawShape, data: z.ZodRawShape = {}): Expectation => ({
  events: ['ServiceUserCreated', 'ServiceUserCreationRolledBack'],
  reads: z.object({ detail: z.object({ metadata: z.object(metadata), data: z.object(data) }) }),
});

describe('what a subscriber relies on is kept by the catalogue', () => {
  it.each<[string, Expectation]>([
    ['when it reads nothing', reading({})],
    ['when it reads texts as texts', reading({ event_id: z.string() }, { username: z.string() })],
    ['when it reads a place as a number', reading({ sequence: z.int().positive() })],
    ['when it knows the version', reading({ schema_version: z.enum(['1', '2']) })],
    ['when it reads with the rules of the catalogue', reading({ occurred_at: z.iso.datetime() })],
    ['when it reads a list', reading({ asserted: z.array(z.string()) })],
    ['when what may be null is nullable', reading({}, { on_behalf_of: z.string().nullish() })],
    [
      'when what is not sent by all is optional',
      reading({}, { failure: z.object({ step: z.string() }).optional() }),
    ],
    ['when it reads what it does not look at', reading({}, { username: z.unknown() })],
  ])('%s', (_how, expectation) => {
    expect(brokenByCatalogue(expectation)).toEqual([]);
  });

  it('when it reads the events as the catalogue itself', () => {
    for (const [name] of eventRows)
      expect(
        brokenByCatalogue({ events: [name], reads: z.object({ 'detail-type': z.literal(name) }) }),
      ).toEqual([]);
  });
});

describe('what a subscriber relies on is broken by the catalogue', () => {
  it.each<[string, Expectation, RegExp]>([
    ['a field that is not sent', reading({}, { email: z.string() }), /data\.email: is read always/],
    [
      'a field that only one sends',
      reading({}, { failure: z.object({}) }),
      /^ServiceUserCreated\.\S+failure/,
    ],
    ['null', reading({}, { on_behalf_of: z.string().optional() }), /on_behalf_of.*type "string"/],
    ['another type', reading({ event_id: z.number() }), /event_id.*type "number"/],
    ['another version', reading({ schema_version: z.literal('2') }), /schema_version: "1" can be sent/],
    [
      'another place',
      reading({ sequence: z.int().max(20) }),
      /^ServiceUserCreationRolledBack\.\S+sequence: 40/,
    ],
    ['a rule that nobody promises', reading({ event_id: z.uuid() }), /event_id.*format "uuid"/],
    ['a shorter text', reading({}, { username: z.string().max(20) }), /username.*maxLength 20/],
    ['other items', reading({ asserted: z.array(z.number()).optional() }), /asserted\[\]: "human_user_id"/],
    [
      'fields that it does not know',
      { ...reading({}), reads: z.object({ detail: z.strictObject({ metadata: z.unknown() }) }) },
      /detail\.data: is sent, and refused/,
    ],
    [
      'an event that is not there',
      { ...reading({}), events: ['ServiceUserRenamed' as EventName] }, // what a plain JavaScript test can say
      /ServiceUserRenamed: the catalogue has no such event/,
    ],
  ])('%s', (_what, expectation, complaint) => {
    expect(brokenByCatalogue(expectation)).toEqual(
      expect.arrayContaining([expect.stringMatching(complaint)]),
    );
  });
});

describe('what a subscriber relies on, held against produced events,', () => {
  const produced = eventRows.map(([name]) => exampleOf(name));

  it('is kept when it can read them all', () => {
    expect(brokenByProduced(reading({ event_id: z.string() }), produced)).toEqual([]);
  });

  it('is broken by one that it cannot read', () => {
    const picky = reading({ event_id: z.string().refine((id) => !id.endsWith('RolledBack'), 'is not mine') });

    expect(brokenByCatalogue(picky)).toEqual([]);
    expect(brokenByProduced(picky, produced)).toEqual([
      'ServiceUserCreationRolledBack.detail.metadata.event_id: is not mine',
    ]);
  });

  it('is broken when nobody produced an event that it relies on', () => {
    const others = produced.filter((event) => event['detail-type'] !== 'ServiceUserCreated');

    expect(brokenByProduced(reading({}), others)).toEqual(['ServiceUserCreated: none was produced.']);
  });

  it('is not asked of events that are none of the catalogue', () => {
    const { detail, ...event } = exampleOf('ServiceUserCreated');
    const other = { ...event, detail: { ...detail, more: 1 } };

    expect(() => readEvent(other)).toThrow();
    expect(() => brokenByProduced(reading({}), [...produced, other])).toThrow();
  });
});

describe('a pattern', () => {
  const [one, other] = [exampleOf('ServiceUserCreated'), exampleOf('ServiceUserRemoved')];
  const judge = async (_pattern: object, event: object) => event === one;

  it('is as expected when it matches what it should and nothing else', async () => {
    expect(await brokenByPattern({ pattern: {}, matches: [one], passesOver: [other] }, judge)).toEqual([]);
  });

  it('is told apart by what it misses and what it matches besides', async () => {
    expect(await brokenByPattern({ pattern: {}, matches: [other], passesOver: [one] }, judge)).toEqual([
      expect.stringMatching(/^not matched: .*ServiceUserRemoved/),
      expect.stringMatching(/^matched: .*ServiceUserCreated/),
    ]);
  });
});
