import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type Backend,
  backendByFlag,
  backendByHeader,
  rolloutBucket,
} from '../../../../handlers/app1/migration/backend.ts';
import type { Flag } from '../../../../handlers/app1/migration/migration-flag.ts';
import { CALLER, CALLERS_OWNER, signedRequest } from '../../../support/api-events.ts';

const SESSION = 'arn:aws:sts::444455556666:assumed-role/orders/session-1';
const USER = 'arn:aws:iam::444455556666:user/people/ada';

const request = (header?: string, userArn = SESSION) =>
  signedRequest({ headers: header === undefined ? {} : { 'X-Use-Cognito': header } }, { ...CALLER, userArn });
const flag = (over: Partial<Flag> = {}): Flag => ({ enabled: true, percentage: 0, allow_list: [], ...over });

const twice = (...values: string[]) => signedRequest({ headers: { 'X-Use-Cognito': values } }, { ...CALLER });

describe('backendByHeader', () => {
  it('refuses two different headers, and accepts the same one twice', () => {
    expect(() => backendByHeader(twice('true', 'false'))).toThrow('INVALID_REQUEST');
    expect(backendByHeader(twice('true', 'true'))).toBe('workflow');
  });

  it.each<[string | undefined, Backend]>([
    [undefined, 'legacy'],
    ['true', 'workflow'],
    [' TRUE ', 'workflow'],
    ['false', 'legacy'],
    ['yes', 'legacy'],
    ['', 'legacy'],
  ])('routes %p to %s', (header, backend) => {
    expect(backendByHeader(request(header))).toBe(backend);
  });
});

describe('backendByFlag', () => {
  it.each<[string, Flag | undefined, string | undefined, string, Backend]>([
    ['no flag', undefined, 'true', SESSION, 'legacy'],
    ['a flag that is off', flag({ enabled: false, percentage: 100 }), 'true', SESSION, 'legacy'],
    ['0 %', flag(), undefined, SESSION, 'legacy'],
    ['0 % and the header of a caller that is not listed', flag(), 'true', SESSION, 'legacy'],
    ['100 %', flag({ percentage: 100 }), undefined, SESSION, 'workflow'],
    [
      '100 % and the header of a caller that is not listed',
      flag({ percentage: 100 }),
      'false',
      SESSION,
      'workflow',
    ],
    ['a listed owner', flag({ allow_list: [CALLERS_OWNER] }), undefined, SESSION, 'workflow'],
    [
      'a listed role',
      flag({ allow_list: ['arn:aws:iam::444455556666:role/orders'] }),
      undefined,
      SESSION,
      'workflow',
    ],
    [
      'a role that is listed with its path',
      flag({ allow_list: ['arn:aws:iam::444455556666:role/a/b/orders'] }),
      undefined,
      SESSION,
      'workflow',
    ],
    ['a listed user', flag({ allow_list: [USER] }), undefined, USER, 'workflow'],
    [
      'a listed role of another account with the same name',
      flag({ allow_list: ['arn:aws:iam::111122223333:role/orders'] }),
      undefined,
      SESSION,
      'legacy',
    ],
    [
      'a listed user with the name of the role',
      flag({ allow_list: ['arn:aws:iam::444455556666:user/orders'] }),
      undefined,
      SESSION,
      'legacy',
    ],
    [
      'a listed caller with the header `false`',
      flag({ allow_list: [CALLERS_OWNER], percentage: 100 }),
      'false',
      SESSION,
      'legacy',
    ],
    ['an empty entry of the list', flag({ allow_list: [''] }), undefined, SESSION, 'legacy'],
  ])('decides for %s', (_what, set, header, userArn, backend) => {
    expect(backendByFlag(request(header, userArn), 'ada', set)).toBe(backend);
  });

  const username = fc.string({ minLength: 1, maxLength: 128 });
  const percentage = fc.double({ min: 0, max: 100, noNaN: true });
  const goes = (name: string, share: number) => backendByFlag(request(), name, flag({ percentage: share }));

  it('routes a name always to the same backend', () => {
    fc.assert(
      fc.property(username, percentage, (name, share) => {
        const [first, again] = [goes(name, share), goes(name, share)];
        return first === again;
      }),
    );
  });

  it('routes a name to the same backend in upper and lower case', () => {
    const ascii = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/);
    fc.assert(
      fc.property(ascii, percentage, (name, share) => {
        const backends = [name, name.toUpperCase(), name.toLowerCase()].map((one) => goes(one, share));
        return new Set(backends).size === 1;
      }),
    );
  });

  it('routes no name back to the legacy endpoint when the percentage is raised', () => {
    fc.assert(
      fc.property(username, percentage, percentage, (name, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)];
        return goes(name, low) === 'legacy' || goes(name, high) === 'workflow';
      }),
    );
  });

  it('routes no name at 0 % and every name at 100 %', () => {
    fc.assert(fc.property(username, (name) => goes(name, 0) === 'legacy' && goes(name, 100) === 'workflow'));
  });

  it.each([1, 10, 50, 90])('routes about %i %% of the names at that percentage', (share) => {
    const names = Array.from({ length: 20_000 }, (_, n) => `service-user-${n}`);
    const part = (names.filter((name) => rolloutBucket(name) < share).length / names.length) * 100;

    expect(Math.abs(part - share)).toBeLessThan(1.5);
  });
});
