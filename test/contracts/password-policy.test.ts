import { describe, expect, it } from '@jest/globals';
import { brokenRules, meetsPolicy } from '../../contracts/password-policy.ts';
import { POLICY } from '../support/password-policy.ts';

describe('meetsPolicy', () => {
  it.each([
    ['all classes and the minimum length', 'Abcdefghij1!'],
    ['a space inside instead of a symbol', 'Abcdefgh ij1'],
    ['the maximum length', `Aa1!${'x'.repeat(252)}`],
  ])('accepts a password with %s', (_description, password) => {
    expect(meetsPolicy(password, POLICY)).toBe(true);
  });

  it.each([
    ['11 characters', 'Abcdefghi1!'],
    ['257 characters', `Aa1!${'x'.repeat(253)}`],
    ['no lower case', 'ABCDEFGHIJ1!'],
    ['no upper case', 'abcdefghij1!'],
    ['no digit', 'Abcdefghijk!'],
    ['no symbol', 'Abcdefghij12'],
    ['a space at the start', ' Abcdefghij1!'],
    ['a space at the end', 'Abcdefghij1! '],
    ['a line feed inside', 'Abcdef\nghij1!'],
    ['half a surrogate pair', 'Abcdefghij1!\ud83d'],
    ['U+FFFD', 'Abcdefghij1!\ufffd'],
    ['11 characters, one of them of two UTF-16 units', 'Abcdefghi1\u{1F511}!'.replace('i', '')],
    ['lower case beyond a to z only', 'ABCDEFGHIJ1!\u00e9'],
    ['upper case beyond A to Z only', 'abcdefghij1!\u00c9'],
    ['digits beyond 0 to 9 only', 'Abcdefghijk!\u0661'],
    ['symbols that are not in the list', 'Abcdefghij1\u20ac\u00a7'],
  ])('refuses a password with %s', (_description, password) => {
    expect(meetsPolicy(password, POLICY)).toBe(false);
  });

  it('lists every broken rule without the value', () => {
    const broken = brokenRules('\u5bc6', POLICY);

    expect(broken).toEqual([
      'must have at least 12 characters',
      expect.stringMatching(/^must have a lower-case letter/),
      expect.stringMatching(/^must have an upper-case letter/),
      expect.stringMatching(/^must have a digit/),
      expect.stringMatching(/^must have a symbol/),
    ]);
    expect(broken.join()).not.toContain('\u5bc6');
  });

  it('applies only the rules of the policy', () => {
    const lax = {
      minimum_length: 6,
      require_lowercase: false,
      require_uppercase: false,
      require_numbers: false,
      require_symbols: false,
    };

    for (const password of ['------', '111111', 'AAAAAA', 'aaaaaa'])
      expect(meetsPolicy(password, lax)).toBe(true);
  });

  it.each([...'^$*.[]{}()?"!@#%&/\\,><\':;|_~`=+-'])('counts %s as a symbol, as Cognito does', (symbol) => {
    expect(meetsPolicy(`Abcdefghij1${symbol}`, POLICY)).toBe(true);
  });
});
