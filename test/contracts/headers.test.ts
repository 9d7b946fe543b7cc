import { describe, expect, it } from '@jest/globals';
import { idempotencyKey, preferredWait } from '../../contracts/headers.ts';

describe('preferredWait', () => {
  it.each([
    [undefined, 0],
    ['', 0],
    ['wait=10', 10],
    ['Wait = 10', 10],
    ['wait="10"', 10],
    ['respond-async, wait=10', 10],
    ['respond-async;wait=10', 10],
    ['wait=10, respond-async', 10],
    ['wait=0', 0],
    ['wait=20', 20],
    ['wait=21', 20],
    ['wait=999999999', 20],
    ['wait=-1', 0],
    ['wait=1.5', 0],
    ['wait=ten', 0],
    ['wait', 0],
    ['await=10', 0],
    ['waiting=10', 0],
  ])('reads %j as %i seconds', (prefer, seconds) => {
    expect(preferredWait(prefer)).toBe(seconds);
  });
});

describe('idempotencyKey', () => {
  it.each(['k', '~!@#$%^&*()', 'k'.repeat(255)])('accepts %j', (key) => {
    expect(idempotencyKey.safeParse(key).success).toBe(true);
  });

  it.each(['', ' ', 'a b', 'ä', 'a\n', 'a\u0000', 'k'.repeat(256)])('refuses %j', (key) => {
    expect(idempotencyKey.safeParse(key).success).toBe(false);
  });
});
