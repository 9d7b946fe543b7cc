import type { UserCreationInput } from '../../contracts/executions.ts';
import { prefersAsync } from '../../contracts/headers.ts';
import type { Clock } from '../shared/executions.ts';
import { RequestProblem } from '../shared/problem.ts';
import type { Turns } from './turns.ts';

/** When a creation that is asked for begins, and how its client learns of the end. */

export interface Admissions {
  /** Turns to begin a creation. */
  beginning: Turns;
  /** Turns to wait for the end of one by looking at it; looks have a quota, too. */
  waiting: Turns;
  clock: Clock;
}

/** What of the execution's input is decided here. */
export type Admission = Pick<UserCreationInput, 'not_before' | 'awaited'>;

/** A turn that is not further away is one at once: so many together are no burst. Milliseconds. */
const AT_ONCE = 500;

/**
 * Takes a turn. A client that hears of ends (`respond-async`) is left at that when the turn has not come, or when the
 * ends of so many are waited for that looking would use up the quota of DescribeExecution.
 * @throws RequestProblem QUEUE_FULL
 */
export async function admit(
  { beginning, waiting, clock }: Admissions,
  prefer: string | undefined,
): Promise<Admission> {
  const turn = await beginning.take();
  if (turn === undefined) throw new RequestProblem('QUEUE_FULL');
  const queued = turn - clock.now() > AT_ONCE;
  const awaited = prefersAsync(prefer) && (queued || (await waiting.take()) === undefined);
  return {
    ...(queued ? { not_before: new Date(turn).toISOString() } : {}),
    ...(awaited ? { awaited } : {}),
  };
}

/** How far away the turn of a creation is, in milliseconds; 0 when it has come. */
export const untilTurn = ({ not_before }: Admission, now: number): number =>
  not_before === undefined ? 0 : Math.max(0, Date.parse(not_before) - now);
