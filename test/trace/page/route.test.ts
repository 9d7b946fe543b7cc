import { describe, expect, it } from '@jest/globals';
import { readRoute, writeRoute } from '../../../trace/page/route.ts';
import { createReader } from '../../../trace/reader.ts';
import { services } from '../support/fake-aws.ts';
import { usernamesFor } from '../support/filters.ts';
import { ids, NOW, scene } from '../support/scene.ts';

describe('the route', () => {
  it('contains the whole state of the page', () => {
    const route = {
      id: ids.carol,
      step: `CreateServiceUser/${ids.carol}/14`,
      hours: 24,
      show: 'failed',
      code: 'PASSWORD_REJECTED',
      target: 'payments',
      text: 'ca & ro',
    } as const;
    expect(readRoute(writeRoute(route))).toEqual(route);
  });

  it('is short for the default state', () => {
    expect(writeRoute(readRoute(''))).toBe('#/');
    expect(writeRoute({ ...readRoute(''), id: ids.bob })).toBe(`#/provisionings/${ids.bob}`);
  });

  it('falls back to the default state for invalid values', () => {
    expect(readRoute('#/?hours=-1&show=nonsense')).toEqual(readRoute(''));
  });
});

describe('filtered', () => {
  const reader = createReader(
    scene(),
    { environment: 'a test', services, callsPerSecond: Number.POSITIVE_INFINITY },
    () => NOW,
  );

  it.each([
    ['running', ['frida']],
    ['succeeded', ['anna']],
    ['failed', ['carol', 'bob', 'dave']],
    ['rolled_back', ['dave', 'erin']],
    ['left_behind', ['dave']],
  ] as const)('returns provisionings that are %s', async (show, names) => {
    expect(await usernamesFor(reader, { show })).toEqual(names);
  });

  it('matches a code, and a part of a name or an id', async () => {
    expect(await usernamesFor(reader, { code: 'PASSWORD_REJECTED' })).toEqual(['bob']);
    expect(await usernamesFor(reader, { text: 'AR' })).toEqual(['carol']);
    expect(await usernamesFor(reader, { text: ids.dave.slice(4) })).toEqual(['dave']);
  });
});
