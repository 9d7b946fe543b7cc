import { describe, expect, it } from '@jest/globals';
import { clientOf } from '../../../handlers/app2/user-creation.ts';
import { authorizedRequest } from '../../support/api-events.ts';

describe('clientOf', () => {
  it('is the sub that the authorizer verified, not the name', () => {
    expect(clientOf(authorizedRequest({}, { sub: 'the-sub', username: 'the-name' }))).toBe('the-sub');
  });

  it.each([
    ['no sub', {}],
    ['an empty sub', { sub: '' }],
  ])('refuses a request with %s', (_what, context) => {
    expect(() => clientOf(authorizedRequest({}, context))).toThrow('UNAUTHENTICATED');
  });
});
