import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { invokeClient, stepClient } from '../shared/aws-clients.ts';
import { cleanOutcomes } from '../shared/clean-outcomes.ts';
import { readEnvironment } from '../shared/environment.ts';
import { rollBackEnded, statusChange } from '../shared/finished-execution.ts';
import { step } from '../shared/step.ts';
import { environments } from './lib/environments.ts';
import { provisionings } from './lib/provisioning.ts';

const environment = readEnvironment(environments['start-roll-back']);

/** Rolls back a provisioning that ended without having undone what it did. */
export const handler = step(
  statusChange,
  rollBackEnded(
    provisionings(stepClient(SFNClient), environment),
    cleanOutcomes({ dynamoDb: invokeClient(DynamoDBClient, 1), tableName: environment.SWEEP_TABLE }),
  ),
);
