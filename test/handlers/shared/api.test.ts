import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { NOT_WELL_FORMED } from '../../../contracts/fields.ts';
import { MAX_BODY_BYTES } from '../../../contracts/problems.ts';
import { api, json, readBody } from '../../../handlers/shared/api.ts';
import { header } from '../../../handlers/shared/headers.ts';
import { RequestProblem } from '../../../handlers/shared/problem.ts';
import { signedRequest } from '../../support/api-events.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { expectProblem } from '../../support/problems.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { PASSWORD } from '../../support/subject.ts';

const log = watchLog();
const failing = (error: unknown) =>
  api(async () => {
    throw error;
  })(signedRequest({}));

describe('api', () => {
  it('returns the response of the route with the common headers', async () => {
    const response = await api(async () => json(200, { a: 1 }, { 'X-More': '1' }))(signedRequest({}));

    expect(response).toEqual({
      statusCode: 200,
      headers: {
        'Content-Type': 'application/json',
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
        'Strict-Transport-Security': expect.any(String),
        'X-More': '1',
      },
      body: '{"a":1}',
    });
  });

  it('returns the problem of a RequestProblem', async () => {
    const errors = [{ pointer: '/a', detail: 'is missing' }];

    const response = await failing(new RequestProblem('INVALID_REQUEST', errors));

    expect(expectProblem(response, 'INVALID_REQUEST').errors).toEqual(errors);
  });

  it.each([
    ['a bug', new TypeError(PASSWORD), 'INTERNAL_ERROR'],
    ['a denied call', sdkError('AccessDeniedException', { message: PASSWORD }), 'INTERNAL_ERROR'],
    ['a busy service', sdkError('ThrottlingException', { message: PASSWORD }), 'SERVICE_UNAVAILABLE'],
    ['a service that is down', sdkError('Fault', { status: 503, message: PASSWORD }), 'SERVICE_UNAVAILABLE'],
  ] as const)(
    'returns a problem for %s without its message, and logs only its name',
    async (_what, error, code) => {
      const response = await failing(error);

      expectProblem(response, code);
      expect(log()).toContain('Request failed');
      expectNoLeak(PASSWORD, response, log());
    },
  );

  it('returns Retry-After only for problems that a retry can resolve', async () => {
    expect((await failing(sdkError('ThrottlingException'))).headers).toHaveProperty('Retry-After', '1');
    expect((await failing(new TypeError())).headers).not.toHaveProperty('Retry-After');
  });
});

describe('header', () => {
  it('is found by a case-insensitive name', () => {
    expect(header({ headers: { 'iDEMPOTENCY-kEY': 'k' } }, 'Idempotency-Key')).toBe('k');
    expect(header({ headers: {} }, 'Idempotency-Key')).toBeUndefined();
  });
});

describe('readBody', () => {
  const schema = z.strictObject({ a: z.string() });
  const read = (body: unknown, headers: Record<string, string> = {}) =>
    readBody(signedRequest({ body, headers }), schema);

  it.each(['application/json', 'Application/JSON', 'application/json; charset=utf-8'])(
    'accepts %s',
    (type) => {
      expect(read({ a: 'x' }, { 'Content-Type': type })).toEqual({ a: 'x' });
    },
  );

  it('accepts a body that API Gateway has encoded in base64', () => {
    const event = { ...signedRequest({ body: btoa('{"a":"x"}') }), isBase64Encoded: true };

    expect(readBody(event, schema)).toEqual({ a: 'x' });
  });

  it('does not quote a body that is not JSON', async () => {
    const response = await api(async () => json(200, read(`{"a":"${PASSWORD}`)))(signedRequest({}));

    expect(expectProblem(response, 'INVALID_REQUEST').errors).toEqual([
      { pointer: '', detail: 'must be JSON' },
    ]);
    expectNoLeak(PASSWORD, response, log());
  });

  const faults = (run: () => unknown) => {
    try {
      run();
      return [];
    } catch (error) {
      return error instanceof RequestProblem ? (error.errors ?? []) : [];
    }
  };

  it.each([
    ['Latin-1', Buffer.from('{"a":"\u00e9"}', 'latin1')],
    ['UTF-16', Buffer.from('{"a":"x"}', 'utf16le').swap16().subarray(1)],
    ['a surrogate', Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x7d])],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['a cut-off character', Buffer.from('{"a":"\u00e9').subarray(0, -1)],
  ])('refuses bytes that are %s instead of UTF-8', (_what, bytes) => {
    const event = { ...signedRequest({ body: bytes.toString('base64') }), isBase64Encoded: true };

    expect(faults(() => readBody(event, schema))).toEqual([
      { pointer: '', detail: expect.stringMatching(/well-formed UTF-8|JSON/) },
    ]);
  });

  const open = z.object({ a: z.unknown() });
  it.each([
    ['U+FFFD in the text', '{"a":"x\ufffd"}', ['/a']],
    ['U+FFFD in an escape', '{"a":"x\\ufffd"}', ['/a']],
    ['half a pair in the text', '{"a":"x\ud83d"}', ['/a']],
    ['half a pair in an escape', '{"a":"\\ud83d"}', ['/a']],
    ['halves in the wrong order', '{"a":"\\udd11\\ud83d"}', ['/a']],
    ['one deep inside', '{"a":{"b":[1,"\\ud83d"]}}', ['/a/b/1']],
    ['one in the name of a field, which is not repeated', '{"a":{"\\ud83d":1}}', ['/a']],
    ['one below a name that could be a password', '{"a":{"Passw0rd-1!":"\\ud83d"}}', ['/a']],
    ['several', '{"a":["\\ud83d","x","\ufffd"]}', ['/a/0', '/a/2']],
  ])('refuses %s with the pointer of the field', (_what, body, pointers) => {
    const reported = faults(() => readBody(signedRequest({ body }), open));

    expect(reported.map(({ pointer }) => pointer)).toEqual(pointers);
    for (const { detail } of reported) expect(detail).toBe(NOT_WELL_FORMED);
  });

  it('accepts surrogate pairs, in the text and in escapes', () => {
    expect(readBody(signedRequest({ body: '{"a":"\u{1F511}\\ud83d\\udd11"}' }), open)).toEqual({
      a: '\u{1F511}\u{1F511}',
    });
  });

  it('handles a body with the deepest possible nesting', () => {
    const deep = `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`;

    expect(readBody(signedRequest({ body: deep }), open)).toHaveProperty('a');
  });

  it('measures the body in bytes', () => {
    const frame = '{"a":""}'.length;

    expect(read({ a: `${'é'.repeat((MAX_BODY_BYTES - frame) / 2)}` })).toHaveProperty('a');
    expect(() => read({ a: `${'é'.repeat((MAX_BODY_BYTES - frame) / 2)}x` })).toThrow('PAYLOAD_TOO_LARGE');
  });
});
