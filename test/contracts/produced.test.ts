import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { type EventName, eventRows } from '../../contracts/events/catalogue.ts';
import { brokenByProduced } from '../../contracts/events/contract-kit.ts';
import { readEvent } from '../../contracts/events/subscriber.ts';
import { app1Facts, app2Facts } from '../../examples/access-register/expectations.ts';

/** What a deployed system has produced (test/e2e/tools/example.test.ts records it), and what subscribers rely on. */

const folder = join(import.meta.dirname, '..', '..', 'contracts', 'events', 'produced');
const produced = (name: string): unknown[] =>
  z
    .array(z.unknown())
    .min(1)
    .parse(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')));
const names = eventRows.map(([name]) => name);

describe('the recordings of produced events', () => {
  it('are of every event of the catalogue, and of nothing else', () => {
    expect(readdirSync(folder).sort()).toEqual(names.map((name) => `${name}.json`).sort());
  });

  it.each(names)('of %s are read as the catalogue has it', (name: EventName) => {
    for (const event of produced(name)) expect(readEvent(event)).toMatchObject({ 'detail-type': name });
  });
});

describe('what the access register relies on', () => {
  it.each([
    ['App1', app1Facts],
    ['App2', app2Facts],
  ])('is kept by what %s has produced', (_service, expectation) => {
    expect(brokenByProduced(expectation, names.flatMap(produced))).toEqual([]);
  });
});
