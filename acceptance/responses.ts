import * as z from 'zod';
import { type ProblemCode, problem, problems } from '../contracts/problems.ts';
import type { ApiResponse } from './system.ts';
import { assert } from './verdict.ts';

/** Describes responses of the APIs. Of a body it repeats only the problem code, because a body can contain anything. */

const problemCode = z.object({ code: z.string() });

/** `409 IDEMPOTENCY_CONFLICT`, or `403, which is not a problem of this system`. */
export function describeResponse({ status, text }: ApiResponse): string {
  const { data } = problemCode.safeParse(parseJson(text));
  if (data !== undefined) return `${status} ${data.code}`;
  return status < 400 ? String(status) : `${status}, which is not a problem of this system`;
}

/** @throws CheckFailed unless the response is this problem, as application/problem+json, with the headers of every response */
export function expectProblem(response: ApiResponse, code: ProblemCode): string {
  const { status } = problems[code];
  assert(
    response.status === status,
    `the response was ${describeResponse(response)} instead of ${status} ${code}`,
  );
  const type = response.headers.get('content-type');
  assert(type === 'application/problem+json', `the response was ${describeResponse(response)} as ${type}`);
  const body = problem.safeParse(parseJson(response.text));
  assert(body.success, `the response was ${status} without the fields of a problem`);
  assert(body.data.code === code, `the response was ${describeResponse(response)} instead of ${code}`);
  assert(response.headers.get('cache-control') === 'no-store', 'a cache may store the response');
  return `${status} ${code}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
