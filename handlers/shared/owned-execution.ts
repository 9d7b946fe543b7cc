import type { APIGatewayProxyEvent } from 'aws-lambda';
import { provisioningId } from '../../contracts/fields.ts';
import { preferredWait } from '../../contracts/headers.ts';
import type { FieldError } from '../../contracts/problems.ts';
import { include } from '../../contracts/status.ts';
import { readValue } from './api.ts';
import { bestEffort, type Clock, type Execution, pollUntilFinished } from './executions.ts';
import { listHeader, type WithHeaders } from './headers.ts';
import { RequestProblem } from './problem.ts';

interface Question<Input> {
  owner: string;
  look: (provisioningId: string) => Promise<Execution<Input> | undefined>;
  clock: Clock;
}

interface Answer<Input> {
  execution: Execution<Input>;
  headers: Record<string, string>;
  /** Whether the timeline is asked for, too. */
  withTimeline: boolean;
}

/**
 * The execution that `GET …/{provisioning_id}` asks for, once it has ended or the preferred wait is over, and the
 * headers that say so.
 * @throws RequestProblem NOT_FOUND, the same for an id that is none, an unknown one and another owner's;
 * INVALID_REQUEST when it is asked to include what there is not
 */
export async function ownedExecution<Input extends { owner: string }>(
  event: WithHeaders & Pick<APIGatewayProxyEvent, 'pathParameters' | 'multiValueQueryStringParameters'>,
  { owner, look, clock }: Question<Input>,
): Promise<Answer<Input>> {
  const errors: FieldError[] = [];
  const asked = event.multiValueQueryStringParameters?.['include'] ?? [];
  const included = asked.map((value) => readValue(include, value, 'query include', errors));
  if (errors.length > 0) throw new RequestProblem('INVALID_REQUEST', errors);
  const id = provisioningId.safeParse(event.pathParameters?.['provisioning_id']);
  if (!id.success) throw new RequestProblem('NOT_FOUND');
  const first = await look(id.data);
  if (first === undefined || first.parsedInput.owner !== owner) throw new RequestProblem('NOT_FOUND');
  const wait = preferredWait(listHeader(event, 'Prefer'));
  const waits = first.status === 'RUNNING' && wait > 0;
  const execution = waits
    ? ((await bestEffort(() => pollUntilFinished(() => look(id.data), wait, clock))) ?? first)
    : first;
  return {
    execution,
    headers: wait > 0 ? { 'Preference-Applied': `wait=${wait}` } : {},
    withTimeline: included.includes('timeline'),
  };
}
