import { describe, expect, it } from '@jest/globals';
import { describeAnswer, expectProblem } from '../../acceptance/responses.ts';
import { problemBody } from '../../contracts/problems.ts';

/** What counts as a problem, and how another answer is told. */

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
  status,
  headers: new Headers({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...headers,
  }),
  text: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('expectProblem', () => {
  it('takes the problem that is expected', () => {
    expect(expectProblem(answer(403, problemBody('FORBIDDEN')), 'FORBIDDEN')).toBe('403 FORBIDDEN');
  });

  it.each([
    ['another status', answer(500, problemBody('INTERNAL_ERROR')), '500 INTERNAL_ERROR instead of 403'],
    ["API Gateway's own words", answer(403, { message: 'Forbidden' }), 'without the fields of a problem'],
    ['no JSON', answer(403, '<html>'), 'without the fields of a problem'],
    ['another problem', answer(403, { ...problemBody('FORBIDDEN'), code: 'NOT_FOUND' }), 'NOT_FOUND'],
    [
      'another content type',
      answer(403, problemBody('FORBIDDEN'), { 'content-type': 'application/json' }),
      'as application/json',
    ],
    ['what caches keep', answer(403, problemBody('FORBIDDEN'), { 'cache-control': 'max-age=60' }), 'cache'],
  ])('does not take %s', (_what, given, message) => {
    expect(() => expectProblem(given, 'FORBIDDEN')).toThrow(message);
  });
});

describe('describeAnswer', () => {
  it('repeats a code and nothing else of a body', () => {
    expect(describeAnswer(answer(200, { password: 'secret' }))).toBe('200');
    expect(describeAnswer(answer(502, { message: 'secret' }))).toBe('502, which is no problem of ours');
    expect(describeAnswer(answer(409, problemBody('IDEMPOTENCY_CONFLICT')))).toBe('409 IDEMPOTENCY_CONFLICT');
  });
});
