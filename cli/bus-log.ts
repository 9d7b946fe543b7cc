import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import * as z from 'zod';
import { hasErrorName } from '../handlers/shared/errors.ts';
import { busLog } from '../infra/names.ts';
import type { EventLine } from './answers.ts';
import { CliError } from './cli-error.ts';
import type { Connection } from './connect.ts';
import type { Propose } from './format.ts';

/** The audit events as the log of a bus received them. */

const logged = z.object({
  'detail-type': z.string(),
  source: z.string(),
  detail: z.object({
    metadata: z.looseObject({
      event_id: z.string(),
      provisioning_id: z.string(),
      sequence: z.int(),
      occurred_at: z.string(),
      actor: z.string().optional(),
    }),
    data: z.record(z.string(), z.unknown()),
  }),
});

/** An event, and the id that CloudWatch gave its line. */
export interface Logged {
  id: string;
  event: EventLine;
}

/**
 * What came to a bus since a time (milliseconds since the epoch), of one provisioning or of all.
 * docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 */
export async function eventsOn(
  { connection, propose }: { connection: Pick<Connection, 'client'>; propose: Propose },
  busName: string,
  { since, provisioningId }: { since: number; provisioningId?: string | undefined },
): Promise<Logged[]> {
  const found: Logged[] = [];
  const pages = paginateFilterLogEvents(
    { client: connection.client(CloudWatchLogsClient) },
    {
      logGroupName: busLog(busName),
      startTime: since,
      ...(provisioningId === undefined ? {} : { filterPattern: `"${provisioningId}"` }),
    },
  );
  try {
    for await (const { events = [] } of pages)
      for (const { eventId = '', message = '' } of events) {
        const event = read(message);
        if (event === undefined) continue;
        if (provisioningId === undefined || event.provisioning_id === provisioningId)
          found.push({ id: eventId, event });
      }
  } catch (error) {
    if (!hasErrorName(error, 'ResourceNotFoundException')) throw error;
    throw new CliError(
      'unreachable',
      'NO_LOG',
      `There is no log group ${busLog(busName)}: nothing records the events of this bus.`,
      `Deploy the stack again, and see ${propose({ command: 'doctor' })}.`,
    );
  }
  return found;
}

/** A line of the log; `undefined` for one that is no audit event. */
function read(message: string): EventLine | undefined {
  let line: unknown;
  try {
    line = JSON.parse(message);
  } catch {
    return undefined;
  }
  const known = logged.safeParse(line);
  if (!known.success) return undefined;
  const { source, detail, 'detail-type': name } = known.data;
  const { event_id, provisioning_id, sequence, occurred_at, actor } = detail.metadata;
  return {
    occurred_at,
    source,
    name,
    provisioning_id,
    event_id,
    sequence,
    ...(actor === undefined ? {} : { actor }),
    data: detail.data,
  };
}
