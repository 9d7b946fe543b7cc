import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, type SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { describeExecutionQuota } from '../../../contracts/quotas.ts';
import { RequestProblem } from '../../shared/problem.ts';
import { type RateLimiter, rateLimiter } from '../../shared/rate-limiter.ts';
import type { callerRates } from './environments.ts';

/**
 * Rate limits for DescribeExecution on behalf of the callers of App1's API. Each caller has a rate of its own, and all
 * callers together have their share of the account's quota, so that compensation and sweeps keep theirs. Requests without
 * DescribeExecution (a POST that starts a provisioning) are not limited here.
 */
export interface CallerLimits {
  /** A client whose DescribeExecution calls count for the caller. */
  stepFunctions(caller: string): Pick<SFNClient, 'send'>;
  /**
   * Counts DescribeExecution calls of another function on behalf of the caller.
   * @throws RequestProblem THROTTLED if the rate of the caller or of all callers is used up
   */
  count(caller: string, calls: number): Promise<void>;
}

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  environment: z.infer<typeof callerRates>;
  now: () => number;
}

/** Burst of a rate in seconds: an unused rate accumulates for this time. */
const CALLER_BURST_SECONDS = 10;
const BURST_SECONDS = describeExecutionQuota.bucketSize / describeExecutionQuota.perSecond;

/** Most cached limiters. Without a cached limiter, a reservation can need one more call. */
const MAX_CACHED_CALLERS = 1_000;

/** A caller that has used more than this fraction of its own burst may use only this fraction of the common burst. */
const HALF = 0.5;

export function callerLimits({ stepFunctions, dynamoDb, environment, now }: Services): CallerLimits {
  const table = { dynamoDb, tableName: environment.RATE_LIMITS_TABLE, now };
  const allCallers = rateLimiter({
    ...table,
    name: 'describes',
    perSecond: environment.DESCRIBES_PER_SECOND,
    maxDelaySeconds: BURST_SECONDS,
  });

  const limiters = new Map<string, RateLimiter>();
  const limiterOf = (caller: string): RateLimiter => {
    const cached = limiters.get(caller);
    if (cached !== undefined) return cached;
    if (limiters.size >= MAX_CACHED_CALLERS) limiters.clear();
    const limiter = rateLimiter({
      ...table,
      name: `describes of ${caller}`,
      perSecond: environment.DESCRIBES_PER_SECOND_AND_CALLER,
      maxDelaySeconds: CALLER_BURST_SECONDS,
    });
    limiters.set(caller, limiter);
    return limiter;
  };

  const admit = async (caller: string): Promise<void> => {
    const slot = await limiterOf(caller).reserve();
    if (slot === undefined) throw new RequestProblem('THROTTLED');
    const used = (slot - now()) / 1000 / CALLER_BURST_SECONDS;
    const common = await allCallers.reserve(used > HALF ? BURST_SECONDS * HALF : BURST_SECONDS);
    if (common === undefined) throw new RequestProblem('THROTTLED');
  };

  return {
    stepFunctions: (caller) =>
      // A Proxy keeps the overloads of `send`.
      new Proxy(stepFunctions, {
        get: (target, property) =>
          property === 'send'
            ? async (...call: Parameters<SFNClient['send']>) => {
                if (call[0] instanceof DescribeExecutionCommand) await admit(caller);
                return target.send(...call);
              }
            : Reflect.get(target, property),
      }),

    async count(caller, calls) {
      await Promise.all(Array.from({ length: calls }, () => admit(caller)));
    },
  };
}
