import type { Provisioning } from './answers.ts';
import { askStatus, LONGEST_WAIT, requestRemoval } from './app1-api.ts';
import { CliError } from './cli-error.ts';
import { explain } from './explain.ts';
import { isOver, type Propose, waitText, watchOf } from './format.ts';
import type { Session } from './session.ts';

/** Waiting for the end of a provisioning, without asking App1 more often than it likes. */

const FIRST_PAUSE = 500; // milliseconds
const LONGEST_PAUSE = 4_000;

/** How often in a row App1 may give no answer. What was asked for goes on all the same. */
const PATIENCE = 5;

type Waiting = Pick<Session, 'connection' | 'clock' | 'progress' | 'interrupted' | 'propose'>;

/**
 * The state of a provisioning once it is over and nothing of it is under way.
 * @throws CliError PENDING when that takes longer than `timeout` milliseconds; the one of App1 when it refuses
 */
export async function settled(
  session: Waiting,
  id: string,
  timeout: number,
  { isNew = false } = {},
): Promise<Provisioning> {
  return again(
    { session, id, timeout, passing: isNew ? [...PASSING, 'NOT_FOUND'] : PASSING },
    async (wait) => {
      const now = await askStatus(session, id, { wait });
      return isOver(now) ? { found: now } : { meanwhile: phaseOf(now) };
    },
  );
}

/** Has the user removed, and waits until it is gone. */
export async function removed(session: Waiting, id: string, timeout: number): Promise<undefined> {
  await again({ session, id, timeout, passing: PASSING }, async (wait) =>
    (await requestRemoval(session, id, { wait })) === undefined
      ? { found: 'absent' }
      : { meanwhile: 'being removed' },
  );
}

const phaseOf = ({ status, user, waiting_for }: Provisioning): string => {
  const phase = status === 'RUNNING' ? 'running' : `${status}, user ${user.replace('_', ' ')}`;
  return waiting_for === undefined ? phase : `${phase}, waits for ${waitText(waiting_for)}`;
};

/** Looks, with App1 waiting for the end for so many seconds before it answers. */
type Look<Found> = (wait: number) => Promise<{ found: Found } | { meanwhile: string }>;

interface Patience {
  session: Waiting;
  id: string;
  timeout: number;
  /** Codes of answers after which it is worth asking again; one just accepted may not be found at once. */
  passing: readonly string[];
}

async function again<Found>(
  { session: { clock, progress, interrupted, propose }, id, timeout, passing }: Patience,
  look: Look<Found>,
): Promise<Found> {
  const begun = clock.now();
  let unanswered = 0;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    const left = Math.ceil((begun + timeout - clock.now()) / 1000);
    const looked = await look(Math.min(Math.max(left, 0), LONGEST_WAIT)).then(
      (answer) => {
        unanswered = 0;
        return answer;
      },
      (error: unknown) => {
        unanswered += 1;
        if (unanswered > PATIENCE || !passing.includes(explain(error).code)) throw error;
        return { meanwhile: 'no answer, asking again' };
      },
    );
    if ('found' in looked) return looked.found;
    const passed = clock.now() - begun;
    if (passed >= timeout) throw pending(id, looked.meanwhile, timeout, propose);
    if (interrupted.aborted) throw interrupted.reason;
    progress.say(`${id} ${looked.meanwhile}`, `(${Math.round(passed / 1000)} s)`);
    await clock.sleep(Math.min(pause, timeout - passed));
  }
}

const PASSING = ['SERVICE_UNAVAILABLE', 'THROTTLED', 'INTERNAL_ERROR', 'NOT_REACHABLE', 'BUSY'];

const pending = (id: string, phase: string, timeout: number, propose: Propose) =>
  new CliError(
    'pending',
    'PENDING',
    `${id} is not over after ${Math.round(timeout / 1000)} s (${phase}). It goes on.`,
    `Ask again: ${watchOf(id, propose)}`,
  );
