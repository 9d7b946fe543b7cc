import { describe, expect, it } from '@jest/globals';
import { meetsPolicy } from '../../../handlers/app2/password-policy.ts';

const strict = {
  minimum_length: 12,
  require_lowercase: true,
  require_uppercase: true,
  require_numbers: true,
  require_symbols: true,
};

describe('meetsPolicy', () => {
  it.each([
    ['all classes, shortest', 'Abcdefghij1!'],
    ['a space inside counts as a symbol', 'Abcdefgh ij1'],
    ['longest', `Aa1!${'x'.repeat(252)}`],
  ])('takes a password with %s', (_why, password) => {
    expect(meetsPolicy(password, strict)).toBe(true);
  });

  it.each([
    ['too short', 'Abcdefghi1!'],
    ['too long', `Aa1!${'x'.repeat(253)}`],
    ['no lower case', 'ABCDEFGHIJ1!'],
    ['no upper case', 'abcdefghij1!'],
    ['no digit', 'Abcdefghijk!'],
    ['no symbol', 'Abcdefghij12'],
    ['a space at its start', ' Abcdefghij1!'],
    ['a space at its end', 'Abcdefghij1! '],
  ])('refuses a password with %s', (_why, password) => {
    expect(meetsPolicy(password, strict)).toBe(false);
  });

  it('asks only for what the policy asks for', () => {
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
    expect(meetsPolicy(`Abcdefghij1${symbol}`, strict)).toBe(true);
  });
});
