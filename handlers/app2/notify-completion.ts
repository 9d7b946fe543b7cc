import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import * as z from 'zod';
import { userCreationInput } from '../../contracts/executions.ts';
import {
  completionNotification,
  type notificationDetail,
  notificationSource,
} from '../../contracts/notification.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { addLogContext, logger } from '../shared/logger.ts';
import { step } from '../shared/step.ts';
import { putEvent } from './lib/audit-events.ts';
import { environments } from './lib/environments.ts';

interface Services {
  eventBridge: Pick<EventBridgeClient, 'send'>;
  environment: z.infer<(typeof environments)['notify-completion']>;
}

/** A finished execution. docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
const finishedExecution = z.object({
  detail: z.object({
    input: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(userCreationInput.pick({ provisioning_id: true, trace_id: true })),
  }),
});

/**
 * Notifies the client that a creation has finished. The status change of the execution triggers it, not an audit event: a
 * creation is compensated if the publication of `ServiceUserCreated` was not confirmed. The notification contains no
 * outcome: the client reads the status.
 */
export const notifyCompletion =
  ({ eventBridge, environment }: Services) =>
  async (event: unknown): Promise<void> => {
    const { provisioning_id, trace_id } = finishedExecution.parse(event).detail.input;
    addLogContext({ provisioning_id, trace_id });
    const detail: z.infer<typeof notificationDetail> = { provisioning_id };
    await putEvent(eventBridge, {
      EventBusName: environment.EVENT_BUS_NAME,
      Source: notificationSource(environment.SERVICE),
      DetailType: completionNotification.detailType,
      Detail: JSON.stringify(detail),
    });
    logger.info('Client notified', { provisioning_id });
  };

export const handler = step(
  z.unknown(),
  notifyCompletion({
    eventBridge: apiClient(EventBridgeClient),
    environment: readEnvironment(environments['notify-completion']),
  }),
);
