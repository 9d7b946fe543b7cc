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
  currentProgress,
  latestRollBack,
  type ProvisioningSubject,
  presenceAfterRollBack,
  rollBackInputOf,
  startRollBack,
  type Workflows,
} from './roll-backs.ts';
import { retryAfter, withGone, withUser } from './status.ts';

/**
 * Cancels an execution for its owner (`DELETE`), in any state: starts its roll-back.
 * @returns `202` while the user is being removed, `204` when it is absent, `200` when a target is gone
 * @throws Error for an execution that can have no user; the errors of Step Functions
 */
export async function cancelExecution<Input extends z.ZodType<ProvisioningSubject>>(
  workflows: Workflows<Input>,
  execution: Execution<ProvisioningSubject>,
  { origin, ...wait }: Wait & { origin: Origin },
): Promise<APIGatewayProxyResult> {
  const { status, presence } = await currentProgress(workflows, execution);
  if (status.status !== 'RUNNING' && presence === 'absent') return removedResponse(workflows, status);
  const input = rollBackInputOf(execution, origin);
  if (input === undefined) throw new Error('The execution is a cancellation, which has no user.');
  return rollBack(workflows, input, status, wait);
}

interface Wait {
  waitSeconds: number;
  clock: Clock;
}

/** Starts a roll-back unless one exists, and returns its progress: `202` with the status, or as `removedResponse`. */
export async function rollBack<Input extends z.ZodType<ProvisioningSubject>>(
  workflows: Workflows<Input>,
  input: RollBackInput,
  status: ProvisioningStatus,
  { waitSeconds, clock }: Wait,
): Promise<APIGatewayProxyResult> {
  const start = await startRollBack(workflows, input);
  logger.info(start === 'started' ? 'Roll-back started' : 'Roll-back exists', {
    provisioning_id: input.provisioning_id,
  });
  const poll = () => latestRollBack(workflows, input);
  // A roll-back that was started just now has not finished, so without a wait no poll is needed.
  const respondsImmediately = start === 'started' && waitSeconds <= 0;
  const latest = respondsImmediately
    ? undefined
    : await bestEffort(() => pollUntilFinished(poll, waitSeconds, clock));
  if (latest !== undefined && presenceAfterRollBack(latest) === 'absent')
    return removedResponse(workflows, withUser(status, 'absent'));
  const body = withUser(status, 'being_removed');
  return json(202, body, retryAfter(body, clock.now()));
}

/** The response after a completed roll-back: `204`, or `200` with the status if a target is gone, whose pool is not checked. */
function removedResponse(
  { gone = [] }: Pick<Workflows<z.ZodType<ProvisioningSubject>>, 'gone'>,
  status: ProvisioningStatus,
): APIGatewayProxyResult {
  const reported = withGone(status, gone);
  return reported.user === 'absent' ? absentResponse() : json(200, reported);
}

/** The `204` of a `DELETE` whose user is absent. */
export const absentResponse = (): APIGatewayProxyResult => ({
  statusCode: 204,
  headers: { ...commonHeaders },
  body: '',
});
