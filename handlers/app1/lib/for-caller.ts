import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type * as z from 'zod';
import type { ApiHandler } from '../../shared/api.ts';
import type { Clock } from '../../shared/executions.ts';
import { callerLimits } from './caller-limits.ts';
import type { callerRates } from './environments.ts';
import { ownerOf } from './owner.ts';

/** What a route of App1 needs to serve each caller within its limits. */
export interface CallerServices {
  stepFunctions: Pick<SFNClient, 'send'>;
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  environment: z.infer<typeof callerRates>;
  clock: Clock;
}

/** Who sent a request, and what is done at that caller's expense. */
export interface Caller {
  owner: string;
  /** Step Functions, each of whose DescribeExecution calls counts for the caller. */
  stepFunctions: Pick<SFNClient, 'send'>;
  /**
   * Counts so many calls of DescribeExecution that another function makes for the caller.
   * @throws RequestProblem THROTTLED
   */
  count: (calls: number) => Promise<void>;
}

/** The handler of a route that knows its caller. It answers FORBIDDEN to a request that nobody has signed. */
export function forCaller(
  { stepFunctions, dynamoDb, environment, clock }: CallerServices,
  run: (event: APIGatewayProxyEvent, caller: Caller) => Promise<APIGatewayProxyResult>,
): ApiHandler {
  const limits = callerLimits({ stepFunctions, dynamoDb, environment, now: clock.now });
  return async (event) => {
    const owner = ownerOf(event);
    return run(event, {
      owner,
      stepFunctions: limits.stepFunctions(owner),
      count: (calls) => limits.count(owner, calls),
    });
  };
}
