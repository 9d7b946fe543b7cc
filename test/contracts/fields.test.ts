import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type * as z from 'zod';
import { createServiceUserRequest } from '../../contracts/app1-api.ts';
import { createUserRequest, sampleRequest } from '../../contracts/app2-api.ts';
import {
  ciphertext,
  humanUserId,
  NOT_WELL_FORMED,
  password,
  provisioningId,
  username,
} from '../../contracts/fields.ts';

const accepts = (schema: z.ZodType, value: unknown) => schema.safeParse(value).success;

describe('username', () => {
  it.each([
    'a',
    '7',
    'alice@example.org',
    'a.b_c@d+e-f',
    'a..b',
    'a'.repeat(128),
    '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01-2',
  ])('accepts %j', (value) => {
    expect(username.parse(value)).toBe(value);
  });

  it.each([
    '',
    'al ice',
    ' alice',
    'alice ',
    'al\tice',
    'alice\n',
    'al\u0000ice',
    'al\u007fice',
    'al\u00adice',
    'al\u200bice',
    'al\u202eice',
    '\ufeffalice',
    'al\ud800ice',
    'al\ufffdice',
    'a'.repeat(129),
    '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01',
    '0B54A0A5-91D2-4F21-9A5D-6A1C2F7F7D01',
    '.',
    '..',
    '.alice',
    '_alice',
    '@alice',
    '+alice',
    '-alice',
    '--help',
    'al/ice',
    'al\\ice',
    'al%2fice',
    'alice?x',
    'alice#x',
    'al;ice',
    'al:ice',
    'al"ice',
    "al'ice",
    'al$(ice)',
    'al*ice',
    'al|ice',
    'al=ice',
    'al,ice',
    'al~ice',
    'zoë', // composed
    'zoe\u0308', // decomposed
    'аlice', // Cyrillic а
    'İ', // two code points in lower case
    'ſ', // s in upper case is its own
    '\u212a', // Kelvin sign, k in lower case
    '名',
    '😀',
    '１', // full-width digit
  ])('refuses %j', (value) => {
    expect(accepts(username, value)).toBe(false);
  });

  it('is converted to lower case', () => {
    expect(username.parse('Ada.Lovelace@Example.ORG')).toBe('ada.lovelace@example.org');
  });

  /** Any text, often of the characters that a name may have. */
  const anything = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'abzABZ019._@+-/% \u0301é'), maxLength: 140 }),
    fc.string({ unit: 'binary', maxLength: 140 }),
    fc.uuid(),
  );

  it('is unchanged by a URL path, by Unicode normalization and by a second parse', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const name = username.safeParse(value).data;
        if (name === undefined) return;
        expect(name).toMatch(/^[a-z0-9][a-z0-9._@+-]{0,127}$/);
        expect(new URL(`https://a.example/users/${name}/changes`).pathname).toBe(`/users/${name}/changes`);
        expect(name.normalize('NFC')).toBe(name);
        expect(name.normalize('NFKD')).toBe(name);
        expect(username.parse(name)).toBe(name);
        expect(username.parse(name.toUpperCase())).toBe(name);
      }),
    );
  });

  it('accepts exactly the values of its documented pattern', () => {
    const documented = /^[a-z0-9][a-z0-9._@+-]{0,127}$/i;
    const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

    fc.assert(
      fc.property(anything, (value) => {
        expect(accepts(username, value)).toBe(documented.test(value) && !UUID.test(value));
      }),
    );
  });
});

describe('password', () => {
  it.each([
    ['one character', 'x'],
    ['a space inside', 'with a space'],
    ['256 characters', 'x'.repeat(256)],
    ['letters beyond ASCII', 'P\u00e4ssw\u00f6rd-\u5bc6-1'],
    ['whole pairs of surrogates', '\u{1F511}\u{1F511}'],
    ['128 pairs of surrogates', '\u{1F511}'.repeat(128)],
    ['a combining mark', 'e\u0301'],
    ['a no-break space inside', 'a\u00a0b'],
  ])('accepts %s unchanged', (_description, value) => {
    expect(password.parse(value)).toBe(value);
  });

  it.each([
    ['an empty text', '', 'must not be empty'],
    ['257 characters', 'x'.repeat(257), 'must not be longer than 256 characters'],
    ['more than 256 UTF-16 units', '\u{1F511}'.repeat(129), 'must not be longer than 256 characters'],
    ['the first half of a pair', 'a\ud83db', NOT_WELL_FORMED],
    ['the second half of a pair', 'a\udd11b', NOT_WELL_FORMED],
    ['halves in the wrong order', 'a\udd11\ud83db', NOT_WELL_FORMED],
    ['a half at the end', 'ab\ud83d', NOT_WELL_FORMED],
    ['U+FFFD', 'a\ufffdb', NOT_WELL_FORMED],
    ['a line feed', 'a\nb', 'must not contain control characters or line terminators'],
    ['a carriage return', 'a\rb', 'must not contain control characters or line terminators'],
    ['a tab', 'a\tb', 'must not contain control characters or line terminators'],
    ['NUL', 'a\u0000b', 'must not contain control characters or line terminators'],
    ['an escape', 'a\u001bb', 'must not contain control characters or line terminators'],
    ['DEL', 'a\u007fb', 'must not contain control characters or line terminators'],
    ['next line (C1)', 'a\u0085b', 'must not contain control characters or line terminators'],
    ['the last C1', 'a\u009fb', 'must not contain control characters or line terminators'],
    ['a line separator', 'a\u2028b', 'must not contain control characters or line terminators'],
    ['a paragraph separator', 'a\u2029b', 'must not contain control characters or line terminators'],
    ['a space at the start', ' ab', 'must not start or end with a space'],
    ['a space at the end', 'ab ', 'must not start or end with a space'],
    ['a space only', ' ', 'must not start or end with a space'],
    ['a no-break space at the end', 'ab\u00a0', 'must not start or end with a space'],
    ['a byte order mark at the start', '\ufeffab', 'must not start or end with a space'],
  ])('refuses %s with the broken rule', (_description, value, rule) => {
    expect(password.safeParse(value).error?.issues.map(({ message }) => message)).toContain(rule);
  });

  it('accepts only texts that UTF-8 and JSON preserve', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }), (value) => {
        if (!accepts(password, value)) return;
        expect(Buffer.from(value, 'utf8').toString('utf8')).toBe(value);
        expect(JSON.parse(JSON.stringify(value))).toBe(value);
        // Cognito's pattern in Java's syntax.
        expect(value).toMatch(/^[^ \t\n\v\f\r]+([^\n\r\u0085\u2028\u2029]*[^ \t\n\v\f\r]+)?$/);
      }),
    );
  });
});

describe('humanUserId', () => {
  it.each([
    '',
    'h 42',
    'h\u00a042',
    'h\n42',
    'h\u000042',
    'h\ud80042',
    'h\ufffd42',
    'h\u200b42',
    'h'.repeat(129),
  ])('refuses %j', (value) => {
    expect(accepts(humanUserId, value)).toBe(false);
  });
});

describe('provisioningId', () => {
  it('is a UUID, converted to lower case', () => {
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

describe('an error message', () => {
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
  ])('of the field %s does not contain the value', (_name, schema) => {
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
  ])('of %s does not contain a value', (_name, schema) => {
    for (const value of wrong) {
      const issues = schema.safeParse(value).error?.issues.map(({ message }) => message) ?? [];
      expect(JSON.stringify(issues)).not.toMatch(/canary|9f3b|93\.3/);
    }
  });
});
