import { GetCallerIdentityCommand, type STSClient } from '@aws-sdk/client-sts';
import * as z from 'zod';
import { CliError } from './cli-error.ts';

/** Compares the clock of this machine with AWS's. AWS rejects signatures whose time differs from its own by 5 minutes. */

/** docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html */
const MAX_OFFSET = 5 * 60_000; // milliseconds
const NOTABLE_OFFSET = 30_000;
/** A Date header has whole seconds; the mean error is half of one. */
const HALF_A_SECOND = 500;

export interface Identity {
  /** ARN of the caller. */
  arn: string;
  /** Milliseconds by which the clock of this machine is ahead of AWS's; `undefined` when no response had a Date header. */
  clockOffset: number | undefined;
}

const responseWithHeaders = z.object({ headers: z.record(z.string(), z.string()) });

/**
 * Reads the identity of the caller and compares the clocks. When AWS rejects the time of a signature, the SDK signs
 * again with AWS's time, so this call can succeed although requests that are signed without the SDK fail.
 * docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 * @throws CliError CLOCK_WRONG when it fails and the clock is off
 */
export async function identityOf(client: STSClient, now: () => number): Promise<Identity> {
  let clockOffset: number | undefined;
  client.middlewareStack.add(
    (next) => async (args) => {
      const sent = now();
      const result = await next(args);
      const { headers = {} } = responseWithHeaders.safeParse(result.response).data ?? {};
      clockOffset = clockOffsetTo(headers['date'], (sent + now()) / 2) ?? clockOffset;
      return result;
    },
    // Next to the connection, so that it also receives error responses.
    { step: 'deserialize', priority: 'low', name: 'compareClocks' },
  );
  try {
    const { Arn = '' } = await client.send(new GetCallerIdentityCommand({}));
    return { arn: Arn, clockOffset };
  } catch (error) {
    throw clockError(clockOffset) ?? error;
  }
}

/** Milliseconds by which `now` is ahead of a `Date` header (RFC 9110, section 6.6.1). */
export function clockOffsetTo(date: string | null | undefined, now: number): number | undefined {
  const written = Date.parse(date ?? '');
  return Number.isNaN(written) ? undefined : now - (written + HALF_A_SECOND);
}

export type ClockState = 'accurate' | 'off' | 'rejected';

export function clockState(offset: number): ClockState {
  if (Math.abs(offset) > MAX_OFFSET) return 'rejected';
  return Math.abs(offset) > NOTABLE_OFFSET ? 'off' : 'accurate';
}

export const CLOCK_REMEDY =
  'Set it by the network: `sudo timedatectl set-ntp true` on Linux, `sudo sntp -sS time.apple.com` on macOS.';

/** `7 minutes ahead of AWS's`. */
export function formatClockOffset(offset: number): string {
  const seconds = Math.round(Math.abs(offset) / 1000);
  const amount = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`;
  return `${amount} ${offset < 0 ? 'behind' : 'ahead of'} AWS's`;
}

/** The error when the clock is the reason why AWS rejects a signature, else `undefined`. */
export function clockError(offset: number | undefined): CliError | undefined {
  if (offset === undefined || clockState(offset) !== 'rejected') return undefined;
  return new CliError(
    'unreachable',
    'CLOCK_WRONG',
    `AWS rejects the signature: the clock of this machine is ${formatClockOffset(offset)}.`,
    CLOCK_REMEDY,
  );
}
