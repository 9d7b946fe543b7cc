import { describe, expect, it } from '@jest/globals';
import { describeResponse, expectProblem } from '../../acceptance/responses.ts';
import { problemBody } from '../../contracts/problems.ts';

const response = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
  status,
  headers: new Headers({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...headers,
  }),
  text: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('expectProblem', () => {
  it('accepts the expected problem', () => {
    expect(expectProblem(response(403, problemBody('FORBIDDEN')), 'FORBIDDEN')).toBe('403 FORBIDDEN');
  });

  it.each([
    ['another status', response(500, problemBody('INTERNAL_ERROR')), '500 INTERNAL_ERROR instead of 403'],
    ["API Gateway's own body", response(403, { message: 'Forbidden' }), 'without the fields of a problem'],
    ['no JSON', response(403, '<html>'), 'without the fields of a problem'],
    ['another problem', response(403, { ...problemBody('FORBIDDEN'), code: 'NOT_FOUND' }), 'NOT_FOUND'],
    [
      'another content type',
      response(403, problemBody('FORBIDDEN'), { 'content-type': 'application/json' }),
      'as application/json',
    ],
    [
      'a cacheable response',
      response(403, problemBody('FORBIDDEN'), { 'cache-control': 'max-age=60' }),
      'cache',
    ],
  ])('rejects %s', (_what, given, message) => {
    expect(() => expectProblem(given, 'FORBIDDEN')).toThrow(message);
  });
});

describe('describeResponse', () => {
  it('repeats only the code of a body', () => {
    expect(describeResponse(response(200, { password: 'secret' }))).toBe('200');
    expect(describeResponse(response(502, { message: 'secret' }))).toBe(
      '502, which is not a problem of this system',
    );
    expect(describeResponse(response(409, problemBody('IDEMPOTENCY_CONFLICT')))).toBe(
      '409 IDEMPOTENCY_CONFLICT',
    );
  });
});
