import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import type * as z from 'zod';
import { type EventName, eventDetail, sourceOf } from '../../../contracts/events/catalogue.ts';
import { StepError } from '../../shared/errors.ts';
import { traceHeader } from '../../shared/trace-header.ts';

/**
 * Checks an audit event with its schema and publishes it. For events that no workflow publishes.
 * docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 * @throws ZodError if the event does not match its schema
 * @throws ServiceUnavailable if PutEvents reports a failed entry, in a response with HTTP 200
 */
export async function publish<Name extends EventName>(
  eventBridge: Pick<EventBridgeClient, 'send'>,
  { service, busName }: { service: string; busName: string },
  name: Name,
  detail: z.input<ReturnType<typeof eventDetail<Name>>>,
): Promise<void> {
  await putEvent(eventBridge, {
    EventBusName: busName,
    Source: sourceOf(service),
    DetailType: name,
    Detail: JSON.stringify(eventDetail(name).parse(detail)),
  });
}

/** Publishes an event. @throws ServiceUnavailable if PutEvents reports a failed entry, and the errors of the call */
export async function putEvent(
  eventBridge: Pick<EventBridgeClient, 'send'>,
  event: PutEventsRequestEntry,
): Promise<void> {
  const trace = traceHeader();
  const { FailedEntryCount = 0, Entries: [entry] = [] } = await eventBridge.send(
    new PutEventsCommand({ Entries: [{ ...event, ...(trace === undefined ? {} : { TraceHeader: trace }) }] }),
  );
  if (FailedEntryCount > 0)
    throw new StepError(
      'ServiceUnavailable',
      `${event.DetailType} was not published: ${entry?.ErrorCode ?? 'no error code'}.`,
    );
}
