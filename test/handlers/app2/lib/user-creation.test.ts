import { describe, expect, it } from '@jest/globals';
import { ownerOf } from '../../../../handlers/app2/lib/user-creation.ts';
import { authorizedRequest } from '../../../support/api-events.ts';

describe('ownerOf', () => {
  it('returns the owner from the context of the authorizer', () => {
    expect(ownerOf(authorizedRequest({}, { owner: 'the-owner', username: 'the-name' }))).toBe('the-owner');
  });

  it.each([
    ['no owner', {}],
    ['an empty owner', { owner: '' }],
  ])('refuses a request with %s', (_what, context) => {
    expect(() => ownerOf(authorizedRequest({}, context))).toThrow('UNAUTHENTICATED');
  });
});
