import { OUTAGE_PAUSES, outagePause, timeLimits } from '../../../contracts/time-limits.ts';
import { golden, tasks } from '../../support/golden.ts';
import type { Told } from './outcome.ts';

/**
 * Outages of App2's API, by their length. Pauses are fixed, so a length is a number of attempts that fail: that is what a
 * case injects, whatever time its pauses take on the local AWS.
 */
export interface Outage {
  /** How long it lasts, for readers. */
  length: string;
  seconds: number;
  /** What comes of it. */
  end: { status: 'SUCCEEDED' | 'FAILED'; user: 'present' | 'absent'; app1?: Told };
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;

export const outages: readonly Outage[] = [
  { length: '10 minutes', seconds: 10 * MINUTE, end: { status: 'SUCCEEDED', user: 'present' } },
  { length: '1 hour', seconds: HOUR, end: { status: 'SUCCEEDED', user: 'present' } },
  {
    length: 'a day',
    seconds: 24 * HOUR,
    end: {
      status: 'FAILED',
      user: 'absent',
      app1: { step: 'RequestUserCreation', code: 'TARGET_UNAVAILABLE' },
    },
  },
];

/** When attempts of a step begin that waits an outage out, in seconds after the first: so many as its policy allows. */
function attemptsOfStep(step: 'RequestUserCreation' | 'CancelUserCreation'): number[] {
  const [, task] = tasks(golden('ProvisionServiceUser')).find(([name]) => name === step) ?? [];
  const retrier = task?.Retry.find(({ ErrorEquals }) => ErrorEquals.includes('TargetUnavailable'));
  const begins = [0];
  for (let n = 1; n <= (retrier?.MaxAttempts ?? 0); n += 1)
    begins.push((begins.at(-1) ?? 0) + outagePause(n));
  return begins;
}

/** What an outage makes of the attempts of both steps; an attempt itself takes no time here. */
export function attemptsIn({ seconds }: Pick<Outage, 'seconds'>): {
  /** Attempts of RequestUserCreation that fail; all of them when it gives up. */
  request: number;
  /** Attempts of CancelUserCreation that fail; none when it did not come to that. */
  cancel: number;
  /** When it goes on after the begin of the outage, in seconds. */
  goesOnAfter: number;
} {
  const forward = attemptsOfStep('RequestUserCreation');
  const request = forward.filter((begin) => begin < seconds).length;
  const next = forward[request];
  if (next !== undefined) return { request, cancel: 0, goesOnAfter: next };
  const given = forward.at(-1) ?? 0;
  const backward = attemptsOfStep('CancelUserCreation').map((begin) => given + begin);
  const cancel = backward.filter((begin) => begin < seconds).length;
  return { request, cancel, goesOnAfter: backward[cancel] ?? Number.POSITIVE_INFINITY };
}

/** Section of docs/failures.md. */
export const outagesDocument = (): string[] => [
  '## While App2 cannot be reached',
  '',
  `App1 waits in the step that needs App2, with pauses that double from ${OUTAGE_PAUSES.intervalSeconds} s to ${OUTAGE_PAUSES.maxDelaySeconds / MINUTE} minutes: for`,
  `${timeLimits.outage / HOUR} hours in a step that can be compensated, for ${timeLimits.outageInCompensation / HOUR} hours in a compensation. The same holds for App2's sign-in, its`,
  'secret and its key. Meanwhile the status has `waiting_for`. Who does not want to wait sends a DELETE: what has not',
  'reached RequestUserCreation is cancelled at once, everything else when App2 is back.',
  '',
  '| App2 cannot be reached for | attempts that fail | what comes of it | it goes on after |',
  '|---|---|---|---|',
  ...outages.map((outage) => {
    const { request, cancel, goesOnAfter } = attemptsIn(outage);
    const { status, user, app1 } = outage.end;
    const attempts = cancel === 0 ? `${request}` : `${request}, and ${cancel} of the compensation`;
    const end =
      app1 === undefined
        ? `${status}, ${user}, by itself`
        : `${status}, ${user}: \`${app1.code}\` in ${app1.step}, compensated and published when App2 is back`;
    const after =
      goesOnAfter < 2 * HOUR
        ? `${(goesOnAfter / MINUTE).toFixed(1)} minutes`
        : `${(goesOnAfter / HOUR).toFixed(1)} hours`;
    return `| ${outage.length} | ${attempts} | ${end} | ${after} |`;
  }),
  '',
];
