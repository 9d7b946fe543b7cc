import * as z from 'zod';
import { type ProblemCode, problem, problems } from '../contracts/problems.ts';
import type { Answer } from './system.ts';
import { assert } from './verdict.ts';

/** What an API has answered, in words; of a body only a code, as it may be anything. */

const coded = z.object({ code: z.string() });

/** `409 IDEMPOTENCY_CONFLICT`, or `403, no problem of ours`. */
export function describeAnswer({ status, text }: Answer): string {
  const { data } = coded.safeParse(parsed(text));
  if (data !== undefined) return `${status} ${data.code}`;
  return status < 400 ? String(status) : `${status}, which is no problem of ours`;
}

/** @throws CheckFailed unless it is this problem, as application/problem+json, with the headers of every answer */
export function expectProblem(answer: Answer, code: ProblemCode): string {
  const { status } = problems[code];
  assert(answer.status === status, `the answer was ${describeAnswer(answer)} instead of ${status} ${code}`);
  const type = answer.headers.get('content-type');
  assert(type === 'application/problem+json', `the answer was ${describeAnswer(answer)} as ${type}`);
  const told = problem.safeParse(parsed(answer.text));
  assert(told.success, `the answer was ${status} without the fields of a problem`);
  assert(told.data.code === code, `the answer was ${describeAnswer(answer)} instead of ${code}`);
  assert(answer.headers.get('cache-control') === 'no-store', 'the answer may be kept by a cache');
  return `${status} ${code}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
