import { OUTAGE_PAUSES, outagePause, timeLimits } from '../../../contracts/time-limits.ts';
import { golden, tasks } from '../../support/golden.ts';
import type { StepError } from './outcome.ts';

/**
 * Outages of App2's API, by their length. The pauses between attempts are fixed, so a length is a number of failed
 * attempts. A case injects this number, however long the pauses take on the local AWS.
 */
export interface Outage {
  /** Length as docs/failures.md shows it. */
  length: string;
  seconds: number;
  outcome: { status: 'SUCCEEDED' | 'FAILED'; user: 'present' | 'absent'; app1?: StepError };
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;

export const outages: readonly Outage[] = [
  { length: '10 minutes', seconds: 10 * MINUTE, outcome: { status: 'SUCCEEDED', user: 'present' } },
  { length: '1 hour', seconds: HOUR, outcome: { status: 'SUCCEEDED', user: 'present' } },
  {
    length: 'a day',
    seconds: 24 * HOUR,
    outcome: {
      status: 'FAILED',
      user: 'absent',
      app1: { step: 'RequestUserCreation', code: 'TARGET_UNAVAILABLE' },
    },
  },
];

/** Start times of all attempts that a step's retry policy for outages allows, in seconds after the first attempt. */
function attemptStarts(step: 'RequestUserCreation' | 'CancelUserCreation'): number[] {
  const [, task] = tasks(golden('ProvisionServiceUser')).find(([name]) => name === step) ?? [];
  const retrier = task?.Retry.find(({ ErrorEquals }) => ErrorEquals.includes('TargetUnavailable'));
  const starts = [0];
  for (let n = 1; n <= (retrier?.MaxAttempts ?? 0); n += 1)
    starts.push((starts.at(-1) ?? 0) + outagePause(n));
  return starts;
}

/** The failed attempts of both steps during an outage. The duration of an attempt counts as zero. */
export function attemptsDuring({ seconds }: Pick<Outage, 'seconds'>): {
  /** Failed attempts of RequestUserCreation; all that its policy allows when the outage lasts longer. */
  request: number;
  /** Failed attempts of CancelUserCreation; 0 when there is no compensation. */
  cancel: number;
  /** Time from the start of the outage to the first attempt that succeeds, in seconds. */
  continuesAfter: number;
} {
  const forward = attemptStarts('RequestUserCreation');
  const request = forward.filter((start) => start < seconds).length;
  const next = forward[request];
  if (next !== undefined) return { request, cancel: 0, continuesAfter: next };
  const last = forward.at(-1) ?? 0;
  const backward = attemptStarts('CancelUserCreation').map((start) => last + start);
  const cancel = backward.filter((start) => start < seconds).length;
  return { request, cancel, continuesAfter: backward[cancel] ?? Number.POSITIVE_INFINITY };
}

/** Section of docs/failures.md. */
export const outagesDocument = (): string[] => [
  '## While App2 is unavailable',
  '',
  `App1 retries the step that needs App2, with pauses that double from ${OUTAGE_PAUSES.intervalSeconds} s to ${OUTAGE_PAUSES.maxDelaySeconds / MINUTE} minutes: for`,
  `${timeLimits.outage / HOUR} hours in a step that can be compensated, for ${timeLimits.outageInCompensation / HOUR} hours in a compensation. The same holds for App2's sign-in, its`,
  'secret and its key. Meanwhile the status contains `waiting_for`. A caller can stop the wait by a DELETE: before',
  'RequestUserCreation, the provisioning is cancelled at once; after it, when App2 is available again.',
  '',
  '| App2 is unavailable for | Failed attempts | Outcome | App1 continues after |',
  '|---|---|---|---|',
  ...outages.map((outage) => {
    const { request, cancel, continuesAfter } = attemptsDuring(outage);
    const { status, user, app1 } = outage.outcome;
    const attempts = cancel === 0 ? `${request}` : `${request}, and ${cancel} of the compensation`;
    const outcome =
      app1 === undefined
        ? `${status}, ${user}`
        : `${status}, ${user}: \`${app1.code}\` in ${app1.step}; compensated and published when App2 is available again`;
    const after =
      continuesAfter < 2 * HOUR
        ? `${(continuesAfter / MINUTE).toFixed(1)} minutes`
        : `${(continuesAfter / HOUR).toFixed(1)} hours`;
    return `| ${outage.length} | ${attempts} | ${outcome} | ${after} |`;
  }),
  '',
];
