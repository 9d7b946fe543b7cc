import { type Call, calls, sharedCalls } from './calls.ts';
import { type Fault, faults, type Repetition, repetitions } from './faults.ts';
import { COMPENSATED_AT_APP2, flowOf } from './flows.ts';
import type { Outcome, StepError } from './outcome.ts';

/**
 * The failure matrix: the expected outcome for each call, fault and repetition. The test runs every row, and
 * docs/failures.md lists them.
 */
export interface Row {
  name: string;
  call: Call;
  fault: Fault;
  repetition: Repetition;
  outcome: Outcome;
}

/** Expected outcome of a fault in a call. */
export function outcomeOf(call: Call, fault: Fault, repetition: Repetition): Outcome {
  const passes = fault !== 'permanent error' && repetition !== 'always';
  const { baseline } = flowOf(call.flow);
  switch (call.caller) {
    case 'best effort':
      return baseline;
    case 'api': {
      if (passes && repetition === 'once') return baseline;
      const refused = fault === 'permanent error' ? 'INTERNAL_ERROR' : 'SERVICE_UNAVAILABLE';
      return { ...baseline, refused, requiresFaultEnd: !passes };
    }
    case 'step':
      return passes || call.effectiveDespite?.includes(fault) ? baseline : failed(call, fault);
    case 'app2 api':
      return passes
        ? baseline
        : { ...FAILED, app1: { step: 'RequestUserCreation', code: 'TARGET_UNAVAILABLE' } };
    case 'authorizer':
      return passes ? baseline : { ...baseline, retryingState: 'RequestUserCreation' };
    case 'event rule':
      // App1 waits for App2, and cancels there a creation that App2 itself has not rolled back.
      return passes || call.service === 'app2' || call.effectiveDespite?.includes(fault)
        ? baseline
        : { ...baseline, requiresFaultEnd: true };
    case 'compensation':
      if (passes || call.effectiveDespite?.includes(fault)) return baseline;
      if (isOutageInCompensation(call, fault)) return { ...baseline, retryingState: 'CancelUserCreation' };
      return {
        ...failedRollBack(call, baseline),
        requiresFaultEnd: call.notInRollBack !== true,
        // An execution that cannot be stopped may finish before the sweep.
        ...(call.flow === 'cancel' && !isPublication(call)
          ? { alternative: flowOf('deprovision').baseline }
          : {}),
      };
  }
}

const FAILED = { status: 'FAILED', user: 'absent', requiresFaultEnd: false } as const;

/** Whether App1's compensation handles the fault as an outage of the target, whose API or whose functions fail. */
const isOutageInCompensation = ({ by, http }: Call, fault: Fault): boolean =>
  by === 'cancel-user-creation' || (http === true && fault !== 'permanent error');

/** Whether App1's step handles the fault as an outage of the target. */
export const isOutage = ({ http, target, caller }: Call, fault: Fault): boolean => {
  if (caller === 'app2 api') return true;
  if (fault === 'permanent error') return false;
  return http === true || target === 'sign-in' || (target === 'key' && fault !== 'throttled');
};

const isPublication = ({ to }: Call): boolean => to === 'events:PutEvents';

function failed(call: Call, fault: Fault): Outcome {
  const error = { step: call.by, code: codeOf(call, fault) };
  return call.service === 'app1'
    ? { ...FAILED, app1: error }
    : { ...FAILED, app1: COMPENSATED_AT_APP2, app2: error };
}

function codeOf(call: Call, fault: Fault): string {
  if (isPublication(call)) return 'EVENT_NOT_PUBLISHED';
  if (isOutage(call, fault)) return 'TARGET_UNAVAILABLE';
  if (call.http) return 'TARGET_REQUEST_REFUSED';
  if (fault === 'permanent error') return 'INTERNAL_ERROR';
  return fault === 'throttled' ? 'SERVICE_THROTTLED' : 'SERVICE_UNAVAILABLE';
}

/**
 * The service whose compensation failed reports ROLL_BACK_FAILED, also after a roll-back has completed it. A compensation
 * that could not publish its event is complete nevertheless.
 */
function failedRollBack(call: Call, baseline: Outcome): Outcome {
  if (isPublication(call) || baseline.status !== 'FAILED') return baseline;
  return call.service === 'app1' || call.flow === 'compensation before App2'
    ? { ...baseline, app1: rollBackFailedIn(baseline.app1?.step) }
    : { ...baseline, app2: rollBackFailedIn(baseline.app2?.step) };
}

const rollBackFailedIn = (step = ''): StepError => ({ step, code: 'ROLL_BACK_FAILED' });

const names = <Key extends string>(record: Record<Key, unknown>): Key[] => Object.keys(record) as Key[];

/**
 * Whether a combination has no row: two hours of retries during an outage, with attempts that use their whole time limit,
 * take longer than all other rows together. The rows "once" and "twice" cover such attempts.
 */
const isExcluded = (call: Call, fault: Fault, repetition: Repetition): boolean =>
  repetition === 'always' &&
  (call.caller === 'step' || call.caller === 'app2 api') &&
  isOutage(call, fault) &&
  (fault === 'response late' || fault === 'late effect');

const rowsOf = (selection: readonly Call[]): Row[] =>
  selection.flatMap((call) =>
    names(faults).flatMap((fault) =>
      names(repetitions)
        // A permanent error is not retried, so its repetitions are one row.
        .filter((repetition) => fault !== 'permanent error' || repetition === 'always')
        .filter((repetition) => !isExcluded(call, fault, repetition))
        .map((repetition) => ({
          name: `${call.by} ${call.to}: ${fault}, ${repetition} (${call.flow})`,
          call,
          fault,
          repetition,
          outcome: outcomeOf(call, fault, repetition),
        })),
    ),
  );

export const table: readonly Row[] = rowsOf(calls);

/**
 * Rows of the calls that serve many provisionings. A late effect of these cannot be observed: most calls only read, and
 * SendTaskSuccess does not change a task that has finished.
 */
export const sharedTable: readonly Row[] = rowsOf(sharedCalls).filter(
  ({ fault, repetition }) => fault !== 'late effect' && repetition !== 'twice',
);
