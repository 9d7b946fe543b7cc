import { describe, expect, it } from '@jest/globals';
import { ownerOf } from '../../../../handlers/app1/lib/owner.ts';
import { signedRequest } from '../../../support/api-events.ts';

const owner = (caller: string | null, accountId: string | null = '444455556666') =>
  ownerOf(signedRequest({}, { caller, accountId }));

describe('ownerOf', () => {
  it('returns the same owner for another session of the same role', () => {
    expect(owner('AROAROLE:monday')).toBe('444455556666/AROAROLE');
    expect(owner('AROAROLE:tuesday')).toBe(owner('AROAROLE:monday'));
  });

  it('returns another owner for another role, user or account', () => {
    const owners = [
      owner('AROAROLE:s'),
      owner('AROAOTHER:s'),
      owner('AIDAUSER'),
      owner('AIDAUSER', '777788889999'),
    ];

    expect(new Set(owners).size).toBe(4);
  });

  it.each([
    ['no caller', null, '444455556666'],
    ['an empty caller', '', '444455556666'],
    ['no account', 'AIDAUSER', null],
  ])('refuses a request with %s', (_what, caller, account) => {
    expect(() => owner(caller, account)).toThrow('FORBIDDEN');
  });
});
