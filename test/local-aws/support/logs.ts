import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { client } from './clients.ts';
import { present } from './present.ts';

const logs = client(CloudWatchLogsClient);

/** The log lines of each invocation without the platform's, in order of their starts. */
export async function invocationLogs(functionArn: string): Promise<string[][]> {
  const invocations: string[][] = [];
  for (const line of await logLines(functionArn)) {
    if (line.startsWith('START RequestId: ')) invocations.push([]);
    else if (!/^(END|REPORT) RequestId: /.test(line)) present(invocations.at(-1)).push(line);
  }
  return invocations;
}

async function logLines(functionArn: string): Promise<string[]> {
  const { events = [] } = await logs.send(
    new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${functionArn.split(':').at(-1)}` }),
  );
  return events.map(({ message }) => present(message));
}
