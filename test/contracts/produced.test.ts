import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { type EventName, eventRows } from '../../contracts/events/catalogue.ts';
import { checkAgainstProduced } from '../../contracts/events/contract-kit.ts';
import { readEvent } from '../../contracts/events/subscriber.ts';
import { app1Expectation, app2Expectation } from '../../examples/access-register/expectations.ts';

/** Recorded events of a deployed system (test/e2e/tools/example.test.ts records them), read by the subscribers. */

const folder = join(import.meta.dirname, '..', '..', 'contracts', 'events', 'produced');
const produced = (name: string): unknown[] =>
  z
    .array(z.unknown())
    .min(1)
    .parse(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')));
const names = eventRows.map(([name]) => name);

describe('the recorded events', () => {
  it('contain each event of the catalogue and no other', () => {
    expect(readdirSync(folder).sort()).toEqual(names.map((name) => `${name}.json`).sort());
  });

  it.each(names)('of %s match the catalogue', (name: EventName) => {
    for (const event of produced(name)) expect(readEvent(event)).toMatchObject({ 'detail-type': name });
  });
});

describe('the access register', () => {
  it.each([
    ['App1', app1Expectation],
    ['App2', app2Expectation],
  ])('can read the recorded events of %s', (_service, expectation) => {
    expect(checkAgainstProduced(expectation, names.flatMap(produced))).toEqual([]);
  });
});
