import { describe, expect, it } from '@jest/globals';
import { secretFinder, tokensIn } from '../support/secret-finder.ts';

const secret = 'q7"Zk\\v+9%Xw2&Lm5/Rt';
const find = secretFinder({ password: secret });
const base16 = (text: string): string => Buffer.from(text).toString('hex');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Forms in which a text can contain a secret or a part of it. */
const forms: [string, string][] = [
  ['as it is', secret],
  ['a piece of it', secret.slice(5, 13)],
  ['reversed', [...secret].reverse().join('')],
  ['in base64', base64(secret)],
  ['in base64 after one character', base64(`"${secret}"`)],
  ['in base64 after two characters', base64(`: ${secret}}`)],
  ['in base64 for addresses', Buffer.from(secret).toString('base64url')],
  ['a piece of it in base64', base64(`abcd${secret.slice(3, 11)}efg`)],
  ['in hex', Buffer.from(secret).toString('hex')],
  ['in upper-case hex', Buffer.from(secret).toString('hex').toUpperCase()],
  ['URL-encoded', encodeURIComponent(secret)],
  ['URL-encoded in every mark', secret.replace(/\W/g, (mark) => `%${base16(mark)}`)],
  ['in JSON', JSON.stringify({ secret })],
  ['in JSON in JSON', JSON.stringify(JSON.stringify({ secret }))],
];

describe('the secret finder', () => {
  it.each(forms)('finds a secret %s', (_, text) => {
    expect(find('a log', `something before ${text} and after`)).toContainEqual(
      expect.objectContaining({ secret: 'password', location: 'a log' }),
    );
  });

  it.each([
    ['seven characters of it', secret.slice(0, 7)],
    ['another secret', 'q7"Zk\\vX9%Xw2&LX5/Rt'],
    ['its length', `[${secret.length} characters]`],
  ])('does not mistake %s for a secret', (_, text) => {
    expect(find('a log', text)).toEqual([]);
  });

  it('recognises tokens', () => {
    const header = Buffer.from('{"alg":"RS256"}').toString('base64url');

    expect(tokensIn(`Bearer ${header}.payload.signature`)).toHaveLength(1);
    expect(tokensIn(`cut off: ${header.slice(0, 19)}`)).toHaveLength(1);
    expect(tokensIn('eyJ is the start of a token')).toEqual([]);
    expect(tokensIn('AQCEeyJZLvLvbr7EPq9xZ0mT4wYkRvN1')).toEqual([]);
  });
});
