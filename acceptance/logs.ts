import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import type { ServiceKind } from '../contracts/services.ts';
import type { DeployedSystem } from './system.ts';

/**
 * The JSON lines of a log since the start of the run that contain a text. Lines of the Lambda runtime are not JSON.
 * docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 */
export async function logLines(
  system: DeployedSystem,
  service: ServiceKind,
  logGroupName: string,
  text: string,
): Promise<string[]> {
  const lines: string[] = [];
  const pages = paginateFilterLogEvents(
    { client: system[service].connection.client(CloudWatchLogsClient) },
    {
      logGroupName,
      startTime: system.startedAt,
      filterPattern: `"${text}"`,
    },
  );
  for await (const { events = [] } of pages)
    lines.push(...events.map(({ message = '' }) => message).filter((message) => message.startsWith('{')));
  return lines;
}

export const functionLog = (functionName: string): string => `/aws/lambda/${functionName}`;
