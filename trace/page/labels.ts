import { pascalCase } from '../../contracts/services.ts';
import type { Execution, Failure, LeftBehind, Step, Summary } from '../model.ts';

/** The name of a service on the page: that of its stack. */
export const serviceLabel = pascalCase;

/** `App1 at Payments`; only the service without a target. */
export const atTargetLabel = (service: string, target: string | undefined): string =>
  target === undefined ? serviceLabel(service) : `${serviceLabel(service)} at ${serviceLabel(target)}`;

/** Whether the page has a pane for each target. */
export const hasPanes = ({ targets = [] }: Pick<Summary, 'targets'>): boolean => targets.length > 1;

/** The name of a step, with its target if the provisioning has several: `Authenticate at Payments`. */
export const stepName = ({ name, target }: Pick<Step, 'name' | 'target'>): string =>
  target === undefined ? name : `${name} at ${serviceLabel(target)}`;

/** The step of a failure, with its target if the provisioning has several. */
export const failedStep = ({ step, target }: Failure, summary: Pick<Summary, 'targets'>): string =>
  stepName({ name: step, ...(hasPanes(summary) && target !== undefined ? { target } : {}) });

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

/** Whether the user exists, as far as it is known; what may be left, at which targets. */
export function userText(summary: Summary): string {
  const { user, left_behind, running } = summary;
  if (left_behind === 'user') return `a user may be left${leftAtText(summary)}`;
  if (user === undefined) return 'not read yet';
  return running && user === 'absent' ? userTexts.unknown : userTexts[user];
}

/** ` at Payments, Orders`: where a user may be left; empty with one target. */
export function leftAtText(summary: Pick<Summary, 'targets'>): string {
  const { targets = [] } = summary;
  const left = targets.filter(({ user }) => user !== 'absent' && user !== 'gone');
  return hasPanes(summary) && left.length > 0
    ? ` at ${left.map(({ target }) => serviceLabel(target)).join(', ')}`
    : '';
}

/** The user at one target. `summary` is that of the provisioning. */
export function userAtTargetText(summary: Summary, target: string): string {
  const { targets = [], left_behind, running } = summary;
  const user = targets.find((at) => at.target === target)?.user;
  if (user === undefined) return 'not read yet';
  if (user === 'gone') return 'not checked: the target is gone';
  if (left_behind === 'user' && user !== 'absent') return 'a user may be left';
  return running && user === 'absent' ? userTexts.unknown : userTexts[user];
}

/** What running executions wait for: the latest step, or that of each iteration, which has failed and is retried. */
export function waitText(executions: readonly Execution[], now: string): string | undefined {
  const waiting = executions.flatMap(({ status, steps }) =>
    status === 'RUNNING'
      ? steps.flatMap((step) => {
          const failed = step.attempts.find(({ status: of }) => of === 'failed' || of === 'timed_out');
          const isRetried = step.status === 'retrying' || step.status === 'running';
          return isRetried && failed !== undefined
            ? [
                `${stepName(step)}, since ${timeText(failed.started_at, now)}: ${failed.error ?? 'no response'}`,
              ]
            : [];
        })
      : [],
  );
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
