import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { invokeClient, stepClient } from '../shared/aws-clients.ts';
import { cleanOutcomes } from '../shared/clean-outcomes.ts';
import { rollBackEnded, statusChange } from '../shared/ended-execution.ts';
import { readEnvironment } from '../shared/environment.ts';
import { step } from '../shared/step.ts';
import { environments } from './environments.ts';
import { creations } from './user-creation.ts';

const environment = readEnvironment(environments['roll-back-failed-creation']);

/** Rolls back a creation that ended without having undone what it did. */
export const handler = step(
  statusChange,
  rollBackEnded(
    creations(stepClient(SFNClient), environment),
    cleanOutcomes({ dynamoDb: invokeClient(DynamoDBClient, 1), tableName: environment.SWEEP_TABLE }),
  ),
);
