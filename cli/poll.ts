import { MAX_WAIT_SECONDS } from '../contracts/headers.ts';
import { getProvisioning, requestRemoval } from './app1-api.ts';
import { CliError } from './cli-error.ts';
import { explain } from './explain.ts';
import { formatUser, formatWait, isFinished, type Propose, watchCommand } from './format.ts';
import type { Provisioning } from './json-output.ts';
import type { Session } from './session.ts';

/** Polls App1 until a provisioning has finished, with exponential backoff. */

const FIRST_PAUSE = 500; // milliseconds
const MAX_PAUSE = 4_000;

/** Failed polls in a row before the command fails. The provisioning continues. */
const MAX_FAILED_POLLS = 5;

type PollContext = Pick<Session, 'connection' | 'clock' | 'progress' | 'interrupted' | 'propose'>;

/**
 * Polls until the provisioning has finished and no roll-back of it is running. A new provisioning may not be found by
 * the first polls.
 * @throws CliError PENDING after `timeout` milliseconds; the error of App1 when it rejects the request
 */
export async function pollUntilFinished(
  session: PollContext,
  id: string,
  timeout: number,
  { isNew = false } = {},
): Promise<Provisioning> {
  return pollUntil(
    { session, id, timeout, transientCodes: isNew ? [...TRANSIENT_CODES, 'NOT_FOUND'] : TRANSIENT_CODES },
    async (wait) => {
      const provisioning = await getProvisioning(session, id, { wait });
      return isFinished(provisioning) ? { done: provisioning } : { progress: formatPhase(provisioning) };
    },
  );
}

/** Requests the removal of the user and polls until it is removed. @throws CliError as `pollUntilFinished` */
export async function removeUser(session: PollContext, id: string, timeout: number): Promise<undefined> {
  await pollUntil({ session, id, timeout, transientCodes: TRANSIENT_CODES }, async (wait) => {
    const provisioning = await requestRemoval(session, id, { wait });
    return provisioning === undefined || isFinished(provisioning)
      ? { done: 'removed' }
      : { progress: 'being removed' };
  });
}

const formatPhase = (provisioning: Provisioning): string => {
  const { status, waiting_for } = provisioning;
  const phase = status === 'RUNNING' ? 'running' : `${status}, user ${formatUser(provisioning)}`;
  return waiting_for === undefined ? phase : `${phase}, waits for ${formatWait(waiting_for)}`;
};

/** Calls App1 once. App1 responds when the provisioning has finished, or after `wait` seconds. */
type Poll<Found> = (wait: number) => Promise<{ done: Found } | { progress: string }>;

interface PollOptions {
  session: PollContext;
  id: string;
  timeout: number;
  /** Error codes after which the poll is repeated. */
  transientCodes: readonly string[];
}

async function pollUntil<Found>(
  { session: { clock, progress, interrupted, propose }, id, timeout, transientCodes }: PollOptions,
  poll: Poll<Found>,
): Promise<Found> {
  const startedAt = clock.now();
  let failedPolls = 0;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, MAX_PAUSE)) {
    const remainingSeconds = Math.ceil((startedAt + timeout - clock.now()) / 1000);
    const result = await poll(Math.min(Math.max(remainingSeconds, 0), MAX_WAIT_SECONDS)).then(
      (response) => {
        failedPolls = 0;
        return response;
      },
      (error: unknown) => {
        failedPolls += 1;
        if (failedPolls > MAX_FAILED_POLLS || !transientCodes.includes(explain(error).code)) throw error;
        return { progress: 'no response, polling again' };
      },
    );
    if ('done' in result) return result.done;
    const elapsed = clock.now() - startedAt;
    if (elapsed >= timeout) throw pendingError(id, result.progress, timeout, propose);
    if (interrupted.aborted) throw interrupted.reason;
    progress.update(`${id} ${result.progress}`, `(${Math.round(elapsed / 1000)} s)`);
    await clock.sleep(Math.min(pause, timeout - elapsed));
  }
}

const TRANSIENT_CODES = ['SERVICE_UNAVAILABLE', 'THROTTLED', 'INTERNAL_ERROR', 'NOT_REACHABLE'];

const pendingError = (id: string, phase: string, timeout: number, propose: Propose) =>
  new CliError(
    'pending',
    'PENDING',
    `${id} has not finished after ${Math.round(timeout / 1000)} s (${phase}). It continues.`,
    `Poll again: ${watchCommand(id, propose)}`,
  );
