import type { APIGatewayProxyResult } from 'aws-lambda';
import type * as z from 'zod';
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
import { comeBack } from './status.ts';

/**
 * What `DELETE` does with an execution that its caller owns: the user is wanted no longer, so whatever state the
 * execution is in, it is rolled back. `202` while the user is being removed, `204` once it is absent.
 */
export async function remove<Input extends z.ZodType<Subject>>(
  workflows: Workflows<Input>,
  execution: Execution<Subject>,
  { origin, waitSeconds, clock }: { origin: Origin; waitSeconds: number; clock: Clock },
): Promise<APIGatewayProxyResult> {
  const input = rollBackInputOf(execution.parsedInput, origin);
  const before = await currentStatus(workflows, execution);
  const gone = before.status !== 'RUNNING' && before.user === 'absent';
  if (gone || input === undefined) return absent();

  const start = await startRollBack(workflows, input);
  logger.info(start === 'started' ? 'Roll-back started' : 'Roll-back repeated', {
    provisioning_id: input.provisioning_id,
  });
  const look = () => latestRollBack(workflows, input.provisioning_id);
  // One that was started now has not finished: without a wait there is nothing to see yet.
  const isAnsweredAtOnce = start === 'started' && waitSeconds <= 0;
  const rollBack = isAnsweredAtOnce
    ? undefined
    : await bestEffort(() => pollUntilFinished(look, waitSeconds, clock));
  if (rollBack !== undefined && presenceAfter(rollBack) === 'absent') return absent();
  const status: ProvisioningStatus = { ...before, user: 'being_removed' };
  return json(202, status, comeBack(status, clock.now()));
}

/** The answer to a `DELETE` that is complete. */
export const absent = (): APIGatewayProxyResult => ({
  statusCode: 204,
  headers: { ...commonHeaders },
  body: '',
});
