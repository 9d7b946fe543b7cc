import type { FaultEffect } from '../../../local/harness/faults/rules.ts';

/** What can happen to a call. */
export const faults = {
  throttled: 'the service says that it is asked too often',
  'server error': 'the service fails with a 5xx',
  'connection reset': 'the connection breaks before the call arrives',
  'answer lost': 'the call takes effect, then the connection breaks',
  'answer late': 'the call takes effect, its answer comes after the time limit',
  'effect late': 'the time limit is over before the call arrives',
  'permanent error': 'the service refuses for good',
} as const;
export type Fault = keyof typeof faults;

export const repetitions = { once: 1, twice: 2, 'for ever': undefined } as const;
export type Repetition = keyof typeof repetitions;

/** Longer than a call of AWS, or a request to App2, is waited for; in milliseconds. */
const TOO_LONG = { aws: 3_500, app2: 15_500 };

/** How a call of AWS says "too often", by service. */
const THROTTLED: Record<string, string> = { 'cognito-idp': 'TooManyRequestsException' };

/** What the fault proxy does to the call. */
export function effectOf(fault: Fault, { http, to }: { http?: true; to: string }): FaultEffect {
  const tooLong = http ? TOO_LONG.app2 : TOO_LONG.aws;
  switch (fault) {
    case 'throttled':
      return {
        error: { code: THROTTLED[to.split(':')[0] ?? ''] ?? 'ThrottlingException', status: http ? 429 : 400 },
      };
    case 'server error':
      return { error: { code: 'InternalErrorException', status: 500 } };
    case 'connection reset':
      return { reset: true };
    case 'answer lost':
      return { response: { abort_bytes: 0 } };
    case 'answer late':
      return { response: { hold_ms: tooLong } };
    case 'effect late':
      return { latency: tooLong };
    case 'permanent error':
      return { error: { code: 'AccessDeniedException', status: 400 } };
  }
}
