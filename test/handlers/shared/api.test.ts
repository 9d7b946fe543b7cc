import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { MAX_BODY_BYTES } from '../../../contracts/problems.ts';
import { api, json, readBody } from '../../../handlers/shared/api.ts';
import { header } from '../../../handlers/shared/header.ts';
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
  it('passes the answer of the route on, not to be cached or sniffed', async () => {
    const answer = await api(async () => json(200, { a: 1 }, { 'X-More': '1' }))(signedRequest({}));

    expect(answer).toEqual({
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

  it('answers a problem of the request as it is', async () => {
    const errors = [{ pointer: '/a', detail: 'is missing' }];

    const answer = await failing(new RequestProblem('INVALID_REQUEST', errors));

    expect(expectProblem(answer, 'INVALID_REQUEST').errors).toEqual(errors);
  });

  it.each([
    ['a bug', new TypeError(PASSWORD), 'INTERNAL_ERROR'],
    ['a denied call', sdkError('AccessDeniedException', { message: PASSWORD }), 'INTERNAL_ERROR'],
    ['a busy service', sdkError('ThrottlingException', { message: PASSWORD }), 'SERVICE_UNAVAILABLE'],
    ['a service that is down', sdkError('Fault', { status: 503, message: PASSWORD }), 'SERVICE_UNAVAILABLE'],
  ] as const)('answers %s without its text, and logs only its name', async (_what, error, code) => {
    const answer = await failing(error);

    expectProblem(answer, code);
    expect(log()).toContain('Request failed');
    expectNoLeak(PASSWORD, answer, log());
  });

  it('says when to come back only where coming back helps', async () => {
    expect((await failing(sdkError('ThrottlingException'))).headers).toHaveProperty('Retry-After', '1');
    expect((await failing(new TypeError())).headers).not.toHaveProperty('Retry-After');
  });
});

describe('header', () => {
  it('is found whatever the case of its name', () => {
    expect(header({ headers: { 'iDEMPOTENCY-kEY': 'k' } }, 'Idempotency-Key')).toBe('k');
    expect(header({ headers: {} }, 'Idempotency-Key')).toBeUndefined();
  });
});

describe('readBody', () => {
  const schema = z.strictObject({ a: z.string() });
  const read = (body: unknown, headers: Record<string, string> = {}) =>
    readBody(signedRequest({ body, headers }), schema);

  it.each(['application/json', 'Application/JSON', 'application/json; charset=utf-8'])('takes %s', (type) => {
    expect(read({ a: 'x' }, { 'Content-Type': type })).toEqual({ a: 'x' });
  });

  it('takes a body that API Gateway has encoded', () => {
    const event = { ...signedRequest({ body: btoa('{"a":"x"}') }), isBase64Encoded: true };

    expect(readBody(event, schema)).toEqual({ a: 'x' });
  });

  it('does not quote a body that is no JSON', async () => {
    const answer = await api(async () => json(200, read(`{"a":"${PASSWORD}`)))(signedRequest({}));

    expect(expectProblem(answer, 'INVALID_REQUEST').errors).toEqual([
      { pointer: '', detail: 'must be JSON' },
    ]);
    expectNoLeak(PASSWORD, answer, log());
  });

  it('measures the body in bytes: the largest is taken, one byte more is not', () => {
    const frame = '{"a":""}'.length;
    expect(read({ a: `${'é'.repeat((MAX_BODY_BYTES - frame) / 2)}` })).toHaveProperty('a');
    expect(() => read({ a: `${'é'.repeat((MAX_BODY_BYTES - frame) / 2)}x` })).toThrow('PAYLOAD_TOO_LARGE');
  });
});
