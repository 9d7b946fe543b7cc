import { pascalCase } from '../../contracts/services.ts';
import type { Execution, LeftBehind, Step, Summary } from '../model.ts';

/** The name of a service on the page: that of its stack. */
export const serviceLabel = pascalCase;

/** The texts and colours of states. A tone is never the only label: a text and an icon go with it. */
export type Tone = 'idle' | 'run' | 'good' | 'bad' | 'compensation' | 'warn';

export interface StateLabel {
  tone: Tone;
  text: string;
}

const EXECUTION_LABELS = {
  RUNNING: { tone: 'run', text: 'running' },
  SUCCEEDED: { tone: 'good', text: 'succeeded' },
  FAILED: { tone: 'bad', text: 'failed' },
  ABORTED: { tone: 'bad', text: 'stopped' },
  TIMED_OUT: { tone: 'bad', text: 'timed out' },
  PENDING_REDRIVE: { tone: 'run', text: 'pending redrive' },
} as const satisfies Record<Execution['status'], StateLabel>;

export const executionLabel = ({ status }: Pick<Execution, 'status'>): StateLabel => EXECUTION_LABELS[status];

/** The state of a provisioning, including a later removal. */
export function summaryLabel(summary: Summary): StateLabel {
  if (summary.left_behind === 'user') return { tone: 'warn', text: 'left behind' };
  if (summary.left_behind === 'event') return { tone: 'warn', text: 'not published' };
  if (summary.status === 'SUCCEEDED' && summary.user === 'absent')
    return { tone: 'compensation', text: 'removed' };
  if (summary.running && summary.status !== 'RUNNING') return { tone: 'compensation', text: 'rolling back' };
  return executionLabel(summary);
}

export function stepLabel({ status, compensation, type, attempts }: Step): StateLabel {
  switch (status) {
    case 'running':
      return { tone: 'run', text: attempts.length > 1 ? `running, attempt ${attempts.length}` : 'running' };
    case 'retrying':
      return { tone: 'warn', text: `waits for attempt ${attempts.length + 1}` };
    case 'succeeded':
      if (type === 'Succeed') return { tone: 'good', text: 'reached' };
      return compensation ? { tone: 'compensation', text: 'compensated' } : { tone: 'good', text: 'done' };
    case 'caught':
      return { tone: 'bad', text: 'failed' };
    case 'failed':
      return { tone: 'bad', text: type === 'Fail' ? 'failed here' : 'failed' };
    case 'stopped':
      return { tone: 'warn', text: 'stopped' };
  }
}

export const leftBehindTexts: Record<LeftBehind, string> = {
  nothing: 'nothing left behind',
  user: 'a user may be left',
  event: 'its outcome event was not published',
  unknown: 'not read yet',
};

const userTexts = {
  unknown: 'not known yet',
  present: 'user exists',
  absent: 'no user left',
  being_removed: 'user is being removed',
} as const;

/** Whether the user exists, as far as it is known. */
export function userText({ user, left_behind, running }: Summary): string {
  if (left_behind === 'user') return 'a user may be left';
  if (user === undefined) return 'not read yet';
  return running && user === 'absent' ? userTexts.unknown : userTexts[user];
}

/** What running executions wait for: the latest step, which has failed and is retried. */
export function waitText(executions: readonly Execution[], now: string): string | undefined {
  const waiting = executions.flatMap(({ status, steps }) => {
    const step = steps.at(-1);
    const failed = step?.attempts.find(({ status: of }) => of === 'failed' || of === 'timed_out');
    const isRetried = step?.status === 'retrying' || step?.status === 'running';
    return status === 'RUNNING' && isRetried && failed !== undefined
      ? [`${step.name}, since ${timeText(failed.started_at, now)}: ${failed.error ?? 'no response'}`]
      : [];
  });
  return waiting.length === 0 ? undefined : waiting.join('; ');
}

/** The number of retries of a step as a short text; empty without a retry. */
export function retriesText({ attempts }: Pick<Step, 'attempts'>): string {
  const retries = attempts.length - 1;
  if (retries < 1) return '';
  return retries === 1 ? '1 retry' : `${retries} retries`;
}

/** A duration for people. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1_000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The duration from a start to an end, or until now. */
export const durationText = (from: string, to: string | undefined, now: string): string =>
  duration(Date.parse(to ?? now) - Date.parse(from));

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

export const clockTime = (time: string | number): string => clock.format(new Date(time));

/** Time of day; with the date when it is not that of `now`. */
export function timeText(time: string, now: string): string {
  const [date, today] = [new Date(time), new Date(now)];
  const same = date.toDateString() === today.toDateString();
  return same ? clockTime(time) : `${day.format(date)}, ${clockTime(time)}`;
}

/** A number with its noun. */
export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;
