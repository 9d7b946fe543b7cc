import { expect } from '@jest/globals';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { type Problem, type ProblemCode, problem, problems } from '../../contracts/problems.ts';

/** Expects a response to be the problem `code` in the form of RFC 9457 and the contract; returns its body. */
export function expectProblem(answer: APIGatewayProxyResult, code: ProblemCode): Problem {
  const body = problem.parse(JSON.parse(answer.body));
  expect(body.code).toBe(code);
  expect(answer.statusCode).toBe(problems[code].status);
  expect(answer.headers).toMatchObject({
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
  });
  return body;
}
