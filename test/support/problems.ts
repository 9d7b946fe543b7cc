import { expect } from '@jest/globals';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { type Problem, type ProblemCode, problem, problems } from '../../contracts/problems.ts';

/** Expects a response to be the problem `code` in the form of RFC 9457 and the contract; returns its body. */
export function expectProblem(response: APIGatewayProxyResult, code: ProblemCode): Problem {
  const body = problem.parse(JSON.parse(response.body));
  expect(body.code).toBe(code);
  expect(response.statusCode).toBe(problems[code].status);
  expect(response.headers).toMatchObject({
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
  });
  return body;
}
