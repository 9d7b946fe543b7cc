import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { announced } from '../../contracts/announcement.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { alsoAbout } from '../shared/logger.ts';
import { step } from '../shared/step.ts';
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
    alsoAbout({ provisioning_id: detail.provisioning_id });
    await awaited.settle(detail.provisioning_id, endOf(detail));
  };

const environment = readEnvironment(environments['resume-provisioning']);

/** As a step, so that no text of an error of AWS, which may quote a task's token, gets into the log. */
export const handler = step(
  z.unknown(),
  resumeProvisioning(
    awaitedCreations({
      dynamoDb: apiClient(DynamoDBClient),
      kms: apiClient(KMSClient),
      stepFunctions: apiClient(SFNClient),
      tableName: environment.AWAITED_TABLE,
      keyArn: environment.INTAKE_KEY_ARN,
      now: Date.now,
    }),
  ),
);
