import type { APIGatewayProxyEvent } from 'aws-lambda';
import { provisioningId } from '../../contracts/fields.ts';
import { preferredWait } from '../../contracts/headers.ts';
import type { FieldError } from '../../contracts/problems.ts';
import { include } from '../../contracts/status.ts';
import { readValue } from './api.ts';
import { bestEffort, type Clock, type Execution, pollUntilFinished } from './executions.ts';
import { listHeader, type WithHeaders } from './headers.ts';
import { RequestProblem } from './problem.ts';

interface Services<Input> {
  /** The verified owner of the request. */
  owner: string;
  /** Describes the execution of a provisioning. */
  describe: (provisioningId: string) => Promise<Execution<Input> | undefined>;
  clock: Clock;
}

interface OwnedExecution<Input> {
  execution: Execution<Input>;
  headers: Record<string, string>;
  /** Whether the request has `?include=timeline`. */
  withTimeline: boolean;
}

/**
 * The execution of `GET …/{provisioning_id}`, after it has finished or the preferred wait is over, and the response
 * headers for the wait.
 * @throws RequestProblem NOT_FOUND for an invalid id, an unknown id and an id of another owner alike; INVALID_REQUEST for
 * an unknown value of `include`
 */
export async function ownedExecution<Input extends { owner: string }>(
  event: WithHeaders & Pick<APIGatewayProxyEvent, 'pathParameters' | 'multiValueQueryStringParameters'>,
  { owner, describe, clock }: Services<Input>,
): Promise<OwnedExecution<Input>> {
  const errors: FieldError[] = [];
  const values = event.multiValueQueryStringParameters?.['include'] ?? [];
  const included = values.map((value) => readValue(include, value, 'query include', errors));
  if (errors.length > 0) throw new RequestProblem('INVALID_REQUEST', errors);
  const id = provisioningId.safeParse(event.pathParameters?.['provisioning_id']);
  if (!id.success) throw new RequestProblem('NOT_FOUND');
  const first = await describe(id.data);
  if (first === undefined || first.parsedInput.owner !== owner) throw new RequestProblem('NOT_FOUND');
  const wait = preferredWait(listHeader(event, 'Prefer'));
  const mustWait = first.status === 'RUNNING' && wait > 0;
  const execution = mustWait
    ? ((await bestEffort(() => pollUntilFinished(() => describe(id.data), wait, clock))) ?? first)
    : first;
  return {
    execution,
    headers: wait > 0 ? { 'Preference-Applied': `wait=${wait}` } : {},
    withTimeline: included.includes('timeline'),
  };
}
