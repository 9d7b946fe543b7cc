import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { SFNClient } from '@aws-sdk/client-sfn';
import { announced } from '../../contracts/announcement.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { type AwaitedCreations, awaitedCreations, endOf } from './awaited-creations.ts';
import { environments } from './environments.ts';

/**
 * Resumes the provisioning that waits for what App2 announces. One that does not wait yet, or no more, finds it when it
 * comes, or has done without.
 */
export const resumeProvisioning =
  (awaited: Pick<AwaitedCreations, 'settle'>) =>
  async (event: unknown): Promise<void> => {
    const { detail } = announced.parse(event);
    await awaited.settle(detail.provisioning_id, endOf(detail));
  };

const environment = readEnvironment(environments['resume-provisioning']);

export const handler = resumeProvisioning(
  awaitedCreations({
    dynamoDb: apiClient(DynamoDBClient),
    kms: apiClient(KMSClient),
    stepFunctions: apiClient(SFNClient),
    tableName: environment.AWAITED_TABLE,
    keyArn: environment.INTAKE_KEY_ARN,
    now: Date.now,
  }),
);
