import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type EventName, eventDetail, eventRows, events } from '../../contracts/events/catalogue.ts';
import { endsSequence, startsSequence } from '../../contracts/events/sequences.ts';
import {
  exampleOf,
  generatedFromEvents,
  hashOf,
  jsonSchemaOf,
  publishedFile,
} from '../../docs/generate/events.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

describe('the catalogue of events', () => {
  it.each(Object.entries(generatedFromEvents()))('is the source of %s', (file, content) => {
    expect(read(file)).toBe(content);
  });

  it.each(eventRows)('has the published schema for the version of %s', (name, { version }) => {
    const published: Record<string, string> = JSON.parse(read(publishedFile));

    expect(published[`${name}@${version}`]).toBe(hashOf(jsonSchemaOf(name)));
  });

  it.each(eventRows)('has an example of %s that its schema accepts', (name) => {
    const { detail } = exampleOf(name);

    expect(eventDetail(name).safeParse(detail)).toMatchObject({ success: true });
    expect(eventDetail(name).safeParse({ ...detail, more: 1 }).success).toBe(false);
  });

  it.each(eventRows)('has a %s of less than 4 KB with the longest names', (name) => {
    const { detail } = exampleOf(name);
    const longest = {
      username: '𝒳'.repeat(128),
      human_user_id: '𝒳'.repeat(128),
      on_behalf_of: 'x'.repeat(255),
    };
    const own = Object.keys(detail.data).filter((field) => field in longest);
    const largest = {
      ...detail,
      data: {
        ...detail.data,
        ...Object.fromEntries(Object.entries(longest).filter(([field]) => own.includes(field))),
      },
    };

    expect(Buffer.byteLength(JSON.stringify(largest))).toBeLessThan(4_096);
  });

  it.each(eventRows)(
    'lists as followers of %s only events of the same service with a higher sequence',
    (name, row) => {
      for (const next of row.followed_by) {
        const follower = events[next as EventName]; // checked by the next line
        expect(follower).toBeDefined();
        expect([follower.publisher, follower.sequence > row.sequence]).toEqual([row.publisher, true]);
      }
      if (row.about === 'provisioning' && !startsSequence(name))
        expect(eventRows.some(([, { followed_by }]) => followed_by.includes(name))).toBe(true);
    },
  );

  it.each(eventRows)(
    'ends an event sequence with %s only if the state of the user is known',
    (name, { user, followed_by }) => {
      if (user === 'unknown') expect(followed_by.length).toBeGreaterThan(0);
      if (followed_by.length === 0 && user !== 'unchanged') expect(endsSequence(name)).toBe(true);
    },
  );
});
