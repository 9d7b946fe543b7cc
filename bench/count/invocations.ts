import { type CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';

/** One run of a function, as its log reports it: time in milliseconds, memory in MB. */
export interface Invocation {
  functionName: string;
  duration: number;
  memory: number;
}

const REPORT = /^REPORT RequestId: \S+\tDuration: ([\d.]+) ms\t.*Memory Size: (\d+) MB/;

/**
 * What ran since a moment, from the functions' own logs.
 * docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
 */
export async function invocationsSince(
  logs: CloudWatchLogsClient,
  logGroups: readonly string[],
  since: Date,
): Promise<Invocation[]> {
  const all = await Promise.all(
    logGroups.map(async (logGroupName) => {
      const { events = [] } = await logs.send(
        new FilterLogEventsCommand({
          logGroupName,
          startTime: since.getTime(),
          filterPattern: '"REPORT RequestId"',
        }),
      );
      return events.flatMap(({ message = '' }) => {
        const [, duration, memory] = REPORT.exec(message) ?? [];
        if (duration === undefined) return [];
        return [
          {
            functionName: logGroupName.replace('/aws/lambda/', ''),
            duration: Number(duration),
            memory: Number(memory),
          },
        ];
      });
    }),
  );
  return all.flat();
}
