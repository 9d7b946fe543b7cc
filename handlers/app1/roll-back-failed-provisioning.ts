import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { invokeClient, stepClient } from '../shared/aws-clients.ts';
import { cleanOutcomes } from '../shared/clean-outcomes.ts';
import { rollBackEnded, statusChange } from '../shared/ended-execution.ts';
import { readEnvironment } from '../shared/environment.ts';
import { step } from '../shared/step.ts';
import { environments } from './environments.ts';
import { provisionings } from './provisioning.ts';

const environment = readEnvironment(environments['roll-back-failed-provisioning']);

/** Rolls back a provisioning that ended without having undone what it did. */
export const handler = step(
  statusChange,
  rollBackEnded(
    provisionings(stepClient(SFNClient), environment),
    cleanOutcomes({ dynamoDb: invokeClient(DynamoDBClient, 1), tableName: environment.SWEEP_TABLE }),
  ),
);
