import type { FaultEffect } from '../../../local/harness/faults/rules.ts';

/** Faults of a call, with their meaning. */
export const faults = {
  throttled: 'the service rejects the call because of its rate',
  'server error': 'the service responds with a 5xx',
  'connection reset': 'the connection breaks before the call arrives',
  'response lost': 'the call takes effect, then the connection breaks',
  'response late': 'the call takes effect, and the response arrives after the time limit',
  'late effect': 'the call reaches the service after the time limit, and takes effect then',
  'permanent error': 'the service rejects the call with an error that no retry removes',
} as const;
export type Fault = keyof typeof faults;

export const repetitions = { once: 1, twice: 2, always: undefined } as const;
export type Repetition = keyof typeof repetitions;

/** Delays beyond the time limit of a call to AWS, and of a request to App2, in milliseconds. */
const BEYOND_TIME_LIMIT = { aws: 3_500, app2: 15_500 };

/** Error code by which a service throttles, where it is not ThrottlingException. */
const THROTTLED: Record<string, string> = { 'cognito-idp': 'TooManyRequestsException' };

/** The effect by which the fault proxy produces a fault of a call. */
export function effectOf(fault: Fault, { http, to }: { http?: true; to: string }): FaultEffect {
  const delay = http ? BEYOND_TIME_LIMIT.app2 : BEYOND_TIME_LIMIT.aws;
  switch (fault) {
    case 'throttled':
      return {
        error: { code: THROTTLED[to.split(':')[0] ?? ''] ?? 'ThrottlingException', status: http ? 429 : 400 },
      };
    case 'server error':
      return { error: { code: 'InternalErrorException', status: 500 } };
    case 'connection reset':
      return { reset: true };
    case 'response lost':
      return { response: { abort_bytes: 0 } };
    case 'response late':
      return { response: { hold_ms: delay } };
    case 'late effect':
      return { latency: delay };
    case 'permanent error':
      return { error: { code: 'AccessDeniedException', status: 400 } };
  }
}
