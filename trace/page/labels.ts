import type { Service } from '../../contracts/services.ts';
import type { Execution, LeftBehind, Step, Summary } from '../model.ts';

/** What the page calls the services. */
export const serviceNames = { app1: 'App1', app2: 'App2' } as const satisfies Record<Service, string>;

/** How states are called and coloured, in one place. A tone is never the only sign: a word and an icon go with it. */
export type Tone = 'idle' | 'run' | 'good' | 'bad' | 'undo' | 'warn';

export interface Sign {
  tone: Tone;
  word: string;
}

const signs = {
  RUNNING: { tone: 'run', word: 'running' },
  SUCCEEDED: { tone: 'good', word: 'succeeded' },
  FAILED: { tone: 'bad', word: 'failed' },
  ABORTED: { tone: 'bad', word: 'stopped' },
  TIMED_OUT: { tone: 'bad', word: 'timed out' },
  PENDING_REDRIVE: { tone: 'run', word: 'starts again' },
} as const satisfies Record<Execution['status'], Sign>;

export const executionSign = ({ status }: Pick<Execution, 'status'>): Sign => signs[status];

/** A provisioning's state in one word, with what happened to it later. */
export function summarySign(summary: Summary): Sign {
  if (summary.left === 'user') return { tone: 'warn', word: 'left behind' };
  if (summary.left === 'announcement') return { tone: 'warn', word: 'not announced' };
  if (summary.status === 'SUCCEEDED' && summary.user === 'absent') return { tone: 'undo', word: 'removed' };
  if (summary.running && summary.status !== 'RUNNING') return { tone: 'undo', word: 'rolling back' };
  return executionSign(summary);
}

export function stepSign({ status, undo, type, attempts }: Step): Sign {
  switch (status) {
    case 'running':
      return { tone: 'run', word: attempts.length > 1 ? `running, attempt ${attempts.length}` : 'running' };
    case 'retrying':
      return { tone: 'warn', word: `waits for attempt ${attempts.length + 1}` };
    case 'succeeded':
      if (type === 'Succeed') return { tone: 'good', word: 'reached' };
      return undo ? { tone: 'undo', word: 'undo done' } : { tone: 'good', word: 'done' };
    case 'caught':
      return { tone: 'bad', word: 'failed' };
    case 'failed':
      return { tone: 'bad', word: type === 'Fail' ? 'ended here' : 'failed' };
    case 'stopped':
      return { tone: 'warn', word: 'stopped' };
  }
}

export const leftWords: Record<LeftBehind, string> = {
  nothing: 'nothing left behind',
  user: 'a user may be left',
  announcement: 'its end was not announced',
  unknown: 'not read yet',
};

const userWords = {
  unknown: 'not settled yet',
  present: 'user is there',
  absent: 'no user left',
  being_removed: 'user is being removed',
} as const;

/** Whether the user is there, as far as that is settled. */
export function userText({ user, left, running }: Summary): string {
  if (left === 'user') return 'a user may be left';
  if (user === undefined) return 'not read yet';
  return running && user === 'absent' ? userWords.unknown : userWords[user];
}

/** What an execution waits for that is under way: its latest step, which has failed and is tried again. */
export function waitText(executions: readonly Execution[], now: string): string | undefined {
  const waiting = executions.flatMap(({ status, steps }) => {
    const step = steps.at(-1);
    const failed = step?.attempts.find(({ status: of }) => of === 'failed' || of === 'timed_out');
    const goesOn = step?.status === 'retrying' || step?.status === 'running';
    return status === 'RUNNING' && goesOn && failed !== undefined
      ? [`${step.name}, since ${timeOf(failed.started_at, now)}: ${failed.error ?? 'no answer'}`]
      : [];
  });
  return waiting.length === 0 ? undefined : waiting.join('; ');
}

/** Retries of a step, as a short text; empty when there was none. */
export function retriesOf({ attempts }: Pick<Step, 'attempts'>): string {
  const retries = attempts.length - 1;
  if (retries < 1) return '';
  return retries === 1 ? '1 retry' : `${retries} retries`;
}

/** A length of time for people. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1_000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** From a begin to an end, or until now. */
export const lasted = (from: string, to: string | undefined, now: string): string =>
  duration(Date.parse(to ?? now) - Date.parse(from));

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

export const clockTime = (time: string | number): string => clock.format(new Date(time));

/** Time of day; with the day when it is not that of `now`. */
export function timeOf(time: string, now: string): string {
  const [date, today] = [new Date(time), new Date(now)];
  const same = date.toDateString() === today.toDateString();
  return same ? clockTime(time) : `${day.format(date)}, ${clockTime(time)}`;
}

/** A number of things. */
export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;
