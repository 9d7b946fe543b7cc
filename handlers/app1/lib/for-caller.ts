import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type * as z from 'zod';
import type { ApiHandler } from '../../shared/api.ts';
import type { Clock } from '../../shared/executions.ts';
import { callerLimits } from './caller-limits.ts';
import type { callerRates } from './environments.ts';
import { ownerOf } from './owner.ts';

/** Services of a route that limits the rate of each caller. */
export interface CallerServices {
  stepFunctions: Pick<SFNClient, 'send'>;
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  environment: z.infer<typeof callerRates>;
  clock: Clock;
}

/** The verified caller of a request, and a client whose calls count for it. */
export interface Caller {
  owner: string;
  /** A client whose DescribeExecution calls count for the caller. */
  stepFunctions: Pick<SFNClient, 'send'>;
  /**
   * Counts DescribeExecution calls of another function on behalf of the caller.
   * @throws RequestProblem THROTTLED
   */
  count: (calls: number) => Promise<void>;
}

/** Creates the handler of a route with its verified caller. It refuses an unsigned request with FORBIDDEN. */
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
