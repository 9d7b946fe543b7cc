import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import type { Service } from '../contracts/services.ts';
import type { DeployedSystem } from './system.ts';

/**
 * The lines of a log since the run began in which a text stands, in JSON; what Lambda writes itself is none.
 * docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 */
export async function logLines(
  system: DeployedSystem,
  service: Service,
  logGroupName: string,
  text: string,
): Promise<string[]> {
  const lines: string[] = [];
  const pages = paginateFilterLogEvents(
    { client: system[service].connection.client(CloudWatchLogsClient) },
    {
      logGroupName,
      startTime: system.begun,
      filterPattern: `"${text}"`,
    },
  );
  for await (const { events = [] } of pages)
    lines.push(...events.map(({ message = '' }) => message).filter((message) => message.startsWith('{')));
  return lines;
}

export const functionLog = (functionName: string): string => `/aws/lambda/${functionName}`;
