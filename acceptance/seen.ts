import * as z from 'zod';
import { type ProblemCode, problem, problems } from '../contracts/problems.ts';
import { must } from './check.ts';
import type { Answer } from './system.ts';

/** What an API has answered, in words; of a body only a code, as it may be anything. */

const coded = z.object({ code: z.string() });

/** `409 IDEMPOTENCY_CONFLICT`, or `403, no problem of ours`. */
export function said({ status, text }: Answer): string {
  const { data } = coded.safeParse(parsed(text));
  if (data !== undefined) return `${status} ${data.code}`;
  return status < 400 ? String(status) : `${status}, which is no problem of ours`;
}

/** @throws NotMet unless it is this problem, as application/problem+json, with the headers of every answer */
export function seenProblem(answer: Answer, code: ProblemCode): string {
  const { status } = problems[code];
  must(answer.status === status, `the answer was ${said(answer)} instead of ${status} ${code}`);
  const type = answer.headers.get('content-type');
  must(type === 'application/problem+json', `the answer was ${said(answer)} as ${type}`);
  const told = problem.safeParse(parsed(answer.text));
  must(told.success, `the answer was ${status} without the fields of a problem`);
  must(told.data.code === code, `the answer was ${said(answer)} instead of ${code}`);
  must(answer.headers.get('cache-control') === 'no-store', 'the answer may be kept by a cache');
  return `${status} ${code}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
