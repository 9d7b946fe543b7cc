import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { anyCreationInput } from '../../contracts/executions.ts';
import { invokeClient, stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { step } from '../shared/step.ts';
import { type StoppedExecution, stopExecution, stopExecutionInput } from '../shared/stop-execution.ts';
import { type CreationLimiter, creationLimiter, RATE_LIMITS_SECONDS } from './lib/creation-limiter.ts';
import { environments } from './lib/environments.ts';

interface Services {
  stop: (input: z.infer<typeof stopExecutionInput>) => Promise<StoppedExecution>;
  limiter: Pick<CreationLimiter, 'release'>;
}

/** First step of `RollBackServiceUser`: stops the creation, and releases its reserved start if it is in the future. */
export const stopUserCreation =
  ({ stop, limiter }: Services) =>
  async (input: z.infer<typeof stopExecutionInput>): Promise<StoppedExecution> => {
    const stopped = await stop(input);
    if (!stopped.had_succeeded) await limiter.release(input.creation_id);
    return stopped;
  };

const environment = readEnvironment(environments['stop-user-creation']);

export const handler = step(
  stopExecutionInput,
  stopUserCreation({
    stop: stopExecution({
      stepFunctions: stepClient(SFNClient),
      stateMachineArn: environment.STATE_MACHINE_ARN,
      inputSchema: anyCreationInput,
      now: Date.now,
    }),
    limiter: creationLimiter({
      dynamoDb: invokeClient(DynamoDBClient, RATE_LIMITS_SECONDS),
      environment,
      now: Date.now,
    }),
  }),
);
