import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import * as z from 'zod';
import { hasErrorName } from '../handlers/shared/errors.ts';
import { busLog } from '../infra/names.ts';
import { CliError } from './cli-error.ts';
import type { Connection } from './connect.ts';
import type { Propose } from './format.ts';
import type { EventLine } from './json-output.ts';

/** Reads the audit events that EventBridge has written to the log group of a bus. */

const logLine = z.object({
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

/** An event, and the id that CloudWatch Logs gave its line. */
export interface LoggedEvent {
  id: string;
  event: EventLine;
}

/**
 * The events that a bus has received since a time (milliseconds since the epoch), of one provisioning or of all.
 * docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 */
export async function readBusLog(
  { connection, propose }: { connection: Pick<Connection, 'client'>; propose: Propose },
  busName: string,
  { since, provisioningId }: { since: number; provisioningId?: string | undefined },
): Promise<LoggedEvent[]> {
  const found: LoggedEvent[] = [];
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
        const event = parseEvent(message);
        if (event === undefined) continue;
        if (provisioningId === undefined || event.provisioning_id === provisioningId)
          found.push({ id: eventId, event });
      }
  } catch (error) {
    if (!hasErrorName(error, 'ResourceNotFoundException')) throw error;
    throw new CliError(
      'unreachable',
      'NO_LOG',
      `There is no log group ${busLog(busName)}: the events of this bus are not recorded.`,
      `Deploy the stack again, then run ${propose({ command: 'doctor' })}.`,
    );
  }
  return found;
}

/** Parses a line of the log; `undefined` when it is not an audit event. */
function parseEvent(message: string): EventLine | undefined {
  let line: unknown;
  try {
    line = JSON.parse(message);
  } catch {
    return undefined;
  }
  const known = logLine.safeParse(line);
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
