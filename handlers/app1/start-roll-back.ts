import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { invokeClient, stepClient } from '../shared/aws-clients.ts';
import { cleanOutcomes } from '../shared/clean-outcomes.ts';
import { readEnvironment } from '../shared/environment.ts';
import { statusChange, statusChangeHandler } from '../shared/finished-execution.ts';
import { step } from '../shared/step.ts';
import { environments } from './lib/environments.ts';
import { provisionings } from './lib/provisioning.ts';

const environment = readEnvironment(environments['start-roll-back']);

/** Starts the roll-back of a failed provisioning whose outcome is not clean. The rule on status changes invokes it. */
export const handler = step(
  statusChange,
  statusChangeHandler(
    provisionings(stepClient(SFNClient), environment),
    cleanOutcomes({ dynamoDb: invokeClient(DynamoDBClient, 1), tableName: environment.SWEEP_TABLE }),
  ),
);
