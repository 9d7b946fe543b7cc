import type { APIGatewayProxyResult } from 'aws-lambda';
import type * as z from 'zod';
import type { RollBackInput } from '../../contracts/executions.ts';
import { commonHeaders } from '../../contracts/headers.ts';
import type { Origin } from '../../contracts/origin.ts';
import type { ProvisioningStatus } from '../../contracts/status.ts';
import { json } from './api.ts';
import { bestEffort, type Clock, type Execution, pollUntilFinished } from './executions.ts';
import { logger } from './logger.ts';
import {
  currentStatus,
  latestRollBack,
  presenceAfter,
  rollBackInputOf,
  type Subject,
  startRollBack,
  type Workflows,
} from './roll-backs.ts';
import { retryAfter } from './status.ts';

/**
 * What `DELETE` does with an execution that its caller owns: the user is wanted no longer, so whatever state the
 * execution is in, it is rolled back. `202` while the user is being removed, `204` once absent.
 */
export async function remove<Input extends z.ZodType<Subject>>(
  workflows: Workflows<Input>,
  execution: Execution<Subject>,
  { origin, ...waiting }: Waiting & { origin: Origin },
): Promise<APIGatewayProxyResult> {
  const before = await currentStatus(workflows, execution);
  const gone = before.status !== 'RUNNING' && before.user === 'absent';
  const input = rollBackInputOf(execution, origin);
  if (gone) return absent();
  if (input === undefined) throw new Error('A cancellation made nothing, and tells nothing of a user.');
  return rollBack(workflows, input, before, waiting);
}

interface Waiting {
  waitSeconds: number;
  clock: Clock;
}

/** Starts a roll-back, unless there is one, and answers how far it has come: `202` with the status, or `204`. */
export async function rollBack<Input extends z.ZodType<Subject>>(
  workflows: Workflows<Input>,
  input: RollBackInput,
  status: ProvisioningStatus,
  { waitSeconds, clock }: Waiting,
): Promise<APIGatewayProxyResult> {
  const start = await startRollBack(workflows, input);
  logger.info(start === 'started' ? 'Roll-back started' : 'Roll-back repeated', {
    provisioning_id: input.provisioning_id,
  });
  const look = () => latestRollBack(workflows, input);
  // One that was started now has not finished: without a wait there is nothing to see yet.
  const isAnsweredAtOnce = start === 'started' && waitSeconds <= 0;
  const latest = isAnsweredAtOnce
    ? undefined
    : await bestEffort(() => pollUntilFinished(look, waitSeconds, clock));
  if (latest !== undefined && presenceAfter(latest) === 'absent') return absent();
  const body: ProvisioningStatus = { ...status, user: 'being_removed' };
  return json(202, body, retryAfter(body, clock.now()));
}

/** The answer to a `DELETE` that is complete. */
export const absent = (): APIGatewayProxyResult => ({
  statusCode: 204,
  headers: { ...commonHeaders },
  body: '',
});
