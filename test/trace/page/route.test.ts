import { describe, expect, it } from '@jest/globals';
import { filtered } from '../../../trace/page/filter.ts';
import { readRoute, writeRoute } from '../../../trace/page/route.ts';
import { readerOf } from '../../../trace/reader.ts';
import { services } from '../support/fake-aws.ts';
import { ids, NOW, scene } from '../support/scene.ts';

describe('the address', () => {
  it('says everything that is shown', () => {
    const route = {
      id: ids.carol,
      step: `CreateServiceUser/${ids.carol}/14`,
      hours: 24,
      show: 'failed',
      code: 'PASSWORD_REJECTED',
      text: 'ca & ro',
    } as const;
    expect(readRoute(writeRoute(route))).toEqual(route);
  });

  it('is short for what is shown first', () => {
    expect(writeRoute(readRoute(''))).toBe('#/');
    expect(writeRoute({ ...readRoute(''), id: ids.bob })).toBe(`#/provisionings/${ids.bob}`);
  });

  it('that somebody has typed wrongly shows the usual', () => {
    expect(readRoute('#/?hours=-1&show=nonsense')).toEqual(readRoute(''));
  });
});

describe('the filters', () => {
  const reader = readerOf(
    scene(),
    { where: 'a test', services, lookUpsPerSecond: Number.POSITIVE_INFINITY },
    () => NOW,
  );
  const named = async (over: Partial<Parameters<typeof filtered>[1]>) =>
    filtered((await reader.list(1)).provisionings, { show: 'all', code: '', text: '', ...over }).map(
      ({ username }) => username,
    );

  it.each([
    ['running', ['frida']],
    ['succeeded', ['anna']],
    ['failed', ['carol', 'bob', 'dave']],
    ['rolledback', ['dave', 'erin']],
    ['left', ['dave']],
  ] as const)('let through what is %s', async (show, names) => {
    expect(await named({ show })).toEqual(names);
  });

  it('let through a code, and a part of a name or an id', async () => {
    expect(await named({ code: 'PASSWORD_REJECTED' })).toEqual(['bob']);
    expect(await named({ text: 'AR' })).toEqual(['carol']);
    expect(await named({ text: ids.dave.slice(4) })).toEqual(['dave']);
  });
});
