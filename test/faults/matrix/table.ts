import { type Call, calls, sharedCalls } from './calls.ts';
import { type Fault, faults, type Repetition, repetitions } from './faults.ts';
import { flowOf, UNDONE_AT_APP2 } from './flows.ts';
import type { Outcome, Told } from './outcome.ts';

/**
 * The failure matrix: for each call, each fault and each repetition what has to come of it. The test runs every row,
 * docs/failures.md shows them.
 */
export interface Row {
  name: string;
  call: Call;
  fault: Fault;
  repetition: Repetition;
  outcome: Outcome;
}

/** What has to come of a fault. */
export function outcomeOf(call: Call, fault: Fault, repetition: Repetition): Outcome {
  const passes = fault !== 'permanent error' && repetition !== 'for ever';
  const { base } = flowOf(call.flow);
  switch (call.caller) {
    case 'best effort':
      return base;
    case 'api': {
      if (passes && repetition === 'once') return base;
      const refused = fault === 'permanent error' ? 'INTERNAL_ERROR' : 'SERVICE_UNAVAILABLE';
      return { ...base, refused, afterwards: !passes };
    }
    case 'step':
      return passes || call.settledBy?.includes(fault) ? base : failed(call, fault);
    case 'app2 api':
      return passes ? base : { ...BAD, app1: { step: 'RequestUserCreation', code: 'TARGET_UNAVAILABLE' } };
    case 'authorizer':
      return passes ? base : { ...base, waits: 'RequestUserCreation' };
    case 'watch':
      // App1, which waits for App2, cancels there what App2 itself has not rolled back.
      return passes || call.service === 'app2' || call.settledBy?.includes(fault)
        ? base
        : { ...base, afterwards: true };
    case 'undo':
      if (passes || call.settledBy?.includes(fault)) return base;
      if (isOutageInCompensation(call, fault)) return { ...base, waits: 'CancelUserCreation' };
      return {
        ...rollBackFailed(call, base),
        afterwards: call.inLineOnly !== true,
        // What cannot be stopped may come to its own end before the sweep.
        ...(call.flow === 'cancel' && !isAnnouncement(call) ? { or: flowOf('deprovision').base } : {}),
      };
  }
}

const BAD = { status: 'FAILED', user: 'absent', afterwards: false } as const;

/** Whether App1's compensation takes it for an outage of the target: of its API, or of what a function behind it needs. */
const isOutageInCompensation = ({ by, http }: Call, fault: Fault): boolean =>
  by === 'cancel-user-creation' || (http === true && fault !== 'permanent error');

/** Whether App1's step takes it for an outage of the target. */
export const isOutage = ({ http, target, caller }: Call, fault: Fault): boolean => {
  if (caller === 'app2 api') return true;
  if (fault === 'permanent error') return false;
  return http === true || target === 'sign-in' || (target === 'key' && fault !== 'throttled');
};

const isAnnouncement = ({ to }: Call): boolean => to === 'events:PutEvents';

function failed(call: Call, fault: Fault): Outcome {
  const told = { step: call.by, code: codeOf(call, fault) };
  return call.service === 'app1' ? { ...BAD, app1: told } : { ...BAD, app1: UNDONE_AT_APP2, app2: told };
}

function codeOf(call: Call, fault: Fault): string {
  if (isAnnouncement(call)) return 'EVENT_NOT_PUBLISHED';
  if (isOutage(call, fault)) return 'TARGET_UNAVAILABLE';
  if (call.http) return 'APP2_REQUEST_REFUSED';
  if (fault === 'permanent error') return 'INTERNAL_ERROR';
  return fault === 'throttled' ? 'SERVICE_THROTTLED' : 'SERVICE_UNAVAILABLE';
}

/** The service whose in-line undo gave up says so for good; what is not announced is undone all the same. */
function rollBackFailed(call: Call, base: Outcome): Outcome {
  if (isAnnouncement(call) || base.status !== 'FAILED') return base;
  return call.service === 'app1' || call.flow === 'unreached'
    ? { ...base, app1: tellsRollBackFailed(base.app1?.step) }
    : { ...base, app2: tellsRollBackFailed(base.app2?.step) };
}

const tellsRollBackFailed = (step = ''): Told => ({ step, code: 'ROLL_BACK_FAILED' });

const names = <Key extends string>(record: Record<Key, unknown>): Key[] => Object.keys(record) as Key[];

/**
 * Combinations that are no rows: an outage that is waited out for two hours, with attempts that take all of their time,
 * takes longer than all other rows together. That it outlasts such answers is shown once and twice.
 */
const isNoRow = (call: Call, fault: Fault, repetition: Repetition): boolean =>
  repetition === 'for ever' &&
  (call.caller === 'step' || call.caller === 'app2 api') &&
  isOutage(call, fault) &&
  (fault === 'answer late' || fault === 'effect late');

const rowsOf = (of: readonly Call[]): Row[] =>
  of.flatMap((call) =>
    names(faults).flatMap((fault) =>
      names(repetitions)
        // What is refused for good is not repeated.
        .filter((repetition) => fault !== 'permanent error' || repetition === 'for ever')
        .filter((repetition) => !isNoRow(call, fault, repetition))
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
 * Rows of the calls that are made for many provisionings. No effect of these that is late would be seen: most have none,
 * and a task that SendTaskSuccess finds ended stays as it is.
 */
export const sharedTable: readonly Row[] = rowsOf(sharedCalls).filter(
  ({ fault, repetition }) => fault !== 'effect late' && repetition !== 'twice',
);
