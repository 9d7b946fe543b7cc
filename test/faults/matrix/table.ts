import { type Call, calls, sharedCalls } from './calls.ts';
import { type Fault, faults, type Repetition, repetitions } from './faults.ts';
import { flowOf, UNDONE_AT_APP2 } from './flows.ts';

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

/** Step and code of an error, as a status tells it. */
export interface Told {
  step: string;
  code: string;
}

export interface Outcome {
  status: 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  user: 'present' | 'absent';
  /** Why it failed, as App1's and as App2's callers read it. */
  app1?: Told;
  app2?: Told;
  /** Code of the problem that the caller's request is answered with first. */
  refused?: 'SERVICE_UNAVAILABLE' | 'INTERNAL_ERROR';
  /** Whether the end is reached only when the fault is over: the caller repeats the request, or the sweep finds it. */
  afterwards: boolean;
  /** What else may come of it, when that is a matter of time. */
  or?: Outcome;
}

/** What has to come of a fault. */
export function outcomeOf(call: Call, fault: Fault, repetition: Repetition): Outcome {
  const passes = fault !== 'permanent error' && repetition !== 'for ever';
  const { base } = flowOf(call.flow);
  switch (call.caller) {
    case 'api': {
      if (passes && repetition === 'once') return base;
      const refused = fault === 'permanent error' ? 'INTERNAL_ERROR' : 'SERVICE_UNAVAILABLE';
      return { ...base, refused, afterwards: !passes };
    }
    case 'step':
      return passes ? base : failed(call, fault);
    case 'app2 api':
      return passes ? base : { ...BAD, app1: { step: 'RequestUserCreation', code: 'APP2_UNAVAILABLE' } };
    case 'authorizer':
      return passes ? base : { ...BAD, app1: tellsRollBackFailed('RequestUserCreation'), afterwards: true };
    case 'watch':
      // App1, which waits for App2, cancels there what App2 itself has not rolled back.
      return passes || call.service === 'app2' || call.settledBy?.includes(fault)
        ? base
        : { ...base, afterwards: true };
    case 'undo':
      if (passes || call.settledBy?.includes(fault)) return base;
      return {
        ...rollBackFailed(call, base),
        afterwards: call.inLineOnly !== true,
        // What cannot be stopped may come to its own end before the sweep.
        ...(call.flow === 'cancel' && !isAnnouncement(call) ? { or: flowOf('deprovision').base } : {}),
      };
  }
}

const BAD = { status: 'FAILED', user: 'absent', afterwards: false } as const;

const isAnnouncement = ({ to }: Call): boolean => to === 'events:PutEvents';

function failed(call: Call, fault: Fault): Outcome {
  const told = { step: call.by, code: codeOf(call, fault) };
  return call.service === 'app1' ? { ...BAD, app1: told } : { ...BAD, app1: UNDONE_AT_APP2, app2: told };
}

function codeOf(call: Call, fault: Fault): string {
  if (isAnnouncement(call)) return 'EVENT_NOT_PUBLISHED';
  if (call.http) return fault === 'permanent error' ? 'APP2_REQUEST_REFUSED' : 'APP2_UNAVAILABLE';
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
 * Combinations that are no rows. An undo that waits for an answer of App2 twenty times for fifteen seconds, in both
 * machines, takes longer than all others together; that it outlasts such an answer is shown once and twice. And whether
 * the twenty attempts to start a roll-back, whose answers are lost, outlast the roll-back that the first one started is
 * a matter of chance; the random walks come by there.
 */
const isNoRow = ({ http, caller, by, to }: Call, fault: Fault, repetition: Repetition): boolean =>
  repetition === 'for ever' &&
  ((http === true && caller === 'undo' && (fault === 'answer late' || fault === 'effect late')) ||
    // The same twenty times, behind App2's API.
    (caller === 'authorizer' && fault === 'answer late') ||
    (`${by} ${to}` === 'cancel-user-creation states:StartExecution' && fault === 'answer lost'));

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

/** Rows of the calls that are made once for many provisionings; these calls have no effect that could be late. */
export const sharedTable: readonly Row[] = rowsOf(sharedCalls).filter(
  ({ fault, repetition }) => fault !== 'effect late' && repetition !== 'twice',
);
