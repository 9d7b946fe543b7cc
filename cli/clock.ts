import { GetCallerIdentityCommand, type STSClient } from '@aws-sdk/client-sts';
import * as z from 'zod';
import { CliError } from './cli-error.ts';

/** The clock of this machine beside AWS's, which refuses signatures of another time than its own. */

/** docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html */
const REFUSED = 5 * 60_000; // milliseconds
const NOTICEABLE = 30_000;
/** A header says whole seconds. */
const HALF_A_SECOND = 500;

export interface Identity {
  /** Who asks. */
  arn: string;
  /** By how many milliseconds the clock of this machine is ahead of AWS's; `undefined` when no answer said its time. */
  ahead: number | undefined;
}

const answer = z.object({ headers: z.record(z.string(), z.string()) });

/**
 * Who asks, and how the clocks compare. The SDK signs again by AWS's clock when its own was refused, so that it may
 * succeed although everything that signs without it fails.
 * docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 * @throws CliError CLOCK_WRONG when it fails and the clock is off
 */
export async function identityOf(client: STSClient, now: () => number): Promise<Identity> {
  let ahead: number | undefined;
  client.middlewareStack.add(
    (next) => async (args) => {
      const sent = now();
      const result = await next(args);
      const { headers = {} } = answer.safeParse(result.response).data ?? {};
      ahead = aheadOf(headers['date'], (sent + now()) / 2) ?? ahead;
      return result;
    },
    // Next to the connection, where answers that are errors are seen, too.
    { step: 'deserialize', priority: 'low', name: 'compareClocks' },
  );
  try {
    const { Arn = '' } = await client.send(new GetCallerIdentityCommand({}));
    return { arn: Arn, ahead };
  } catch (error) {
    throw clockProblem(ahead) ?? error;
  }
}

/** By how much a clock that says `now` is ahead of the one that wrote this `Date` header (RFC 9110, section 6.6.1). */
export function aheadOf(date: string | null | undefined, now: number): number | undefined {
  const written = Date.parse(date ?? '');
  return Number.isNaN(written) ? undefined : now - (written + HALF_A_SECOND);
}

export type ClockState = 'right' | 'off' | 'refused';

export function clockState(ahead: number): ClockState {
  if (Math.abs(ahead) > REFUSED) return 'refused';
  return Math.abs(ahead) > NOTICEABLE ? 'off' : 'right';
}

export const SET_THE_CLOCK =
  'Have it set by the network: `sudo timedatectl set-ntp true` on Linux, `sudo sntp -sS time.apple.com` on macOS.';

/** `7 minutes ahead of AWS's`. */
export function clockInWords(ahead: number): string {
  const seconds = Math.round(Math.abs(ahead) / 1000);
  const amount = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`;
  return `${amount} ${ahead < 0 ? 'behind' : 'ahead of'} AWS's`;
}

/** What to say of a refusal when the clock explains it. */
export function clockProblem(ahead: number | undefined): CliError | undefined {
  if (ahead === undefined || clockState(ahead) !== 'refused') return undefined;
  return new CliError(
    'unreachable',
    'CLOCK_WRONG',
    `AWS refuses the signature: the clock of this machine is ${clockInWords(ahead)}.`,
    SET_THE_CLOCK,
  );
}
