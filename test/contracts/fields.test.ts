import { describe, expect, it } from '@jest/globals';
import type * as z from 'zod';
import { createServiceUserRequest } from '../../contracts/app1-api.ts';
import { createUserRequest, sampleRequest } from '../../contracts/app2-api.ts';
import { ciphertext, humanUserId, password, provisioningId, username } from '../../contracts/fields.ts';

const accepts = (schema: z.ZodType, value: unknown) => schema.safeParse(value).success;

describe('username', () => {
  it.each(['a', 'alice@example.org', 'Ünïcode-名', '😀', 'a'.repeat(128)])('takes %j', (value) => {
    expect(accepts(username, value)).toBe(true);
  });

  it.each([
    '',
    'al ice',
    'al\tice',
    'al\u0000ice',
    'a'.repeat(129),
    '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01',
    '0B54A0A5-91D2-4F21-9A5D-6A1C2F7F7D01',
  ])('refuses %j', (value) => {
    expect(accepts(username, value)).toBe(false);
  });
});

describe('password', () => {
  it('takes what Cognito could take, a space included', () => {
    for (const value of ['x', 'with a space', 'x'.repeat(256)]) expect(accepts(password, value)).toBe(true);
    for (const value of ['', 'x'.repeat(257)]) expect(accepts(password, value)).toBe(false);
  });
});

describe('provisioningId', () => {
  it('is a UUID, one and the same in either case', () => {
    expect(provisioningId.parse('0B54A0A5-91D2-4F21-9A5D-6A1C2F7F7D01')).toBe(
      '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01',
    );
    expect(accepts(provisioningId, 'not-a-uuid')).toBe(false);
  });
});

describe('ciphertext', () => {
  it('is base64', () => {
    for (const value of ['AQIDBA==', 'abc+/9']) expect(accepts(ciphertext, value)).toBe(true);
    for (const value of ['', 'with space', 'a===', '{}', 'x'.repeat(12_001)])
      expect(accepts(ciphertext, value)).toBe(false);
  });
});

describe('no message repeats the value that it is about', () => {
  const canary = 'canary 9f3b';
  const wrong = [
    canary,
    canary.repeat(2_000),
    { canary },
    [canary],
    93.3,
    true,
    null,
    undefined,
    '\u0000canary',
  ];

  it.each([
    ['username', username],
    ['password', password],
    ['human_user_id', humanUserId],
    ['provisioning_id', provisioningId],
    ['ciphertext', ciphertext],
  ])('%s', (_name, schema) => {
    const messages = wrong.flatMap(
      (value) => schema.safeParse(value).error?.issues.map(({ message }) => message) ?? [],
    );

    expect(messages.length).toBeGreaterThan(3);
    for (const message of messages) {
      expect(message).toMatch(/^(must|is missing)/);
      expect(message).not.toMatch(/canary|9f3b|93\.3/);
    }
  });

  it.each([
    ['POST /create-service-user', createServiceUserRequest],
    ['POST /admin/create-user', createUserRequest],
    ['POST /sample', sampleRequest],
  ])('%s', (_name, schema) => {
    for (const value of wrong) {
      const issues = schema.safeParse(value).error?.issues.map(({ message }) => message) ?? [];
      expect(JSON.stringify(issues)).not.toMatch(/canary|9f3b|93\.3/);
    }
  });
});
