import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import * as z from 'zod';
import { announcement } from '../../contracts/announcement.ts';
import { cleanEnds } from '../../contracts/ends.ts';
import { userCreationInput } from '../../contracts/executions.ts';
import { executionStatus } from '../../contracts/status.ts';
import { putEvent } from '../shared/audit-events.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { alsoAbout, logger } from '../shared/logger.ts';
import { statusOf } from '../shared/status.ts';
import { step } from '../shared/step.ts';
import { environments } from './environments.ts';

interface Services {
  eventBridge: Pick<EventBridgeClient, 'send'>;
  environment: z.infer<(typeof environments)['announce-settled']>;
}

/** The end of an execution. docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
const ended = z.object({
  detail: z.object({
    executionArn: z.string(),
    stateMachineArn: z.string(),
    status: executionStatus,
    startDate: z.number().transform((at) => new Date(at)),
    stopDate: z.number().transform((at) => new Date(at)),
    input: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(userCreationInput),
    error: z.string().nullish(),
    cause: z.string().nullish(),
  }),
});

/**
 * Tells a client that waits for it how a creation has ended. It is called for the end of the execution, and not for an
 * audit event: a creation whose `ServiceUserCreated` was published, but not confirmed, is undone.
 */
export const announceSettled =
  ({ eventBridge, environment }: Services) =>
  async (event: unknown): Promise<void> => {
    const { input, error, cause, ...execution } = ended.parse(event).detail;
    alsoAbout({ provisioning_id: input.provisioning_id, trace_id: input.trace_id });
    const told = { error: error ?? undefined, cause: cause ?? undefined };
    const status = statusOf({ ...execution, ...told, parsedInput: input }, cleanEnds.app2);
    await putEvent(eventBridge, {
      EventBusName: environment.EVENT_BUS_NAME,
      Source: announcement.source,
      DetailType: announcement.detailType,
      Detail: JSON.stringify(status),
    });
    logger.info('End announced', { provisioning_id: input.provisioning_id, status: status.status });
  };

export const handler = step(
  z.unknown(),
  announceSettled({
    eventBridge: apiClient(EventBridgeClient),
    environment: readEnvironment(environments['announce-settled']),
  }),
);
