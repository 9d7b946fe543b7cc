import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, type SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { describeExecutionQuota } from '../../../contracts/quotas.ts';
import { RequestProblem } from '../../shared/problem.ts';
import { type RateLimiter, rateLimiter } from '../../shared/rate-limiter.ts';
import type { callerRates } from './environments.ts';

/**
 * How many executions the callers of App1's API have described. Each caller has a rate of its own, and all together have
 * their share of the account's quota, so that compensation and sweeps always have theirs. Requests that describe nothing
 * (a POST that starts a provisioning) are not limited here.
 */
export interface CallerLimits {
  /** Step Functions, each of whose DescribeExecution calls counts for the caller. */
  stepFunctions(caller: string): Pick<SFNClient, 'send'>;
  /**
   * Counts so many calls that another function makes for the caller.
   * @throws RequestProblem THROTTLED when the caller has used up its rate, or all callers theirs
   */
  count(caller: string, calls: number): Promise<void>;
}

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  environment: z.infer<typeof callerRates>;
  now: () => number;
}

/** For how many seconds a rate can be saved up: so many calls at once are no excess. */
const CALLER_BURST_SECONDS = 10;
const BURST_SECONDS = describeExecutionQuota.bucketSize / describeExecutionQuota.perSecond;

/** Of how many callers a warm function remembers the limit; forgetting one costs a call. */
const REMEMBERED_CALLERS = 1_000;

/** Who has used up more than this part of its own burst leaves this part of the common one to the others. */
const HALF = 0.5;

export function callerLimits({ stepFunctions, dynamoDb, environment, now }: Services): CallerLimits {
  const table = { dynamoDb, tableName: environment.RATE_LIMITS_TABLE, now };
  const together = rateLimiter({
    ...table,
    name: 'describes',
    perSecond: environment.DESCRIBES_PER_SECOND,
    maxDelaySeconds: BURST_SECONDS,
  });

  /** What a warm function knows of the limits of its callers. */
  const ownLimits = new Map<string, RateLimiter>();
  const ownLimitOf = (caller: string): RateLimiter => {
    const known = ownLimits.get(caller);
    if (known !== undefined) return known;
    if (ownLimits.size >= REMEMBERED_CALLERS) ownLimits.clear();
    const limit = rateLimiter({
      ...table,
      name: `describes of ${caller}`,
      perSecond: environment.DESCRIBES_PER_SECOND_AND_CALLER,
      maxDelaySeconds: CALLER_BURST_SECONDS,
    });
    ownLimits.set(caller, limit);
    return limit;
  };

  const admit = async (caller: string): Promise<void> => {
    const slot = await ownLimitOf(caller).reserve();
    if (slot === undefined) throw new RequestProblem('THROTTLED');
    const used = (slot - now()) / 1000 / CALLER_BURST_SECONDS;
    const common = await together.reserve(used > HALF ? BURST_SECONDS * HALF : BURST_SECONDS);
    if (common === undefined) throw new RequestProblem('THROTTLED');
  };

  return {
    stepFunctions: (caller) =>
      // Each of the overloads of `send` is passed on as it is.
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
