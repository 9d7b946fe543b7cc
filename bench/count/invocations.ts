import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import type { Outputs } from '../../cli/outputs.ts';

/** One invocation of a function by its REPORT line: duration in milliseconds, memory in MB. */
export interface Invocation {
  functionName: string;
  duration: number;
  memory: number;
}

/** The invocations in the logs of a system, and the size of all its log events. */
export interface Logged {
  invocations: Invocation[];
  /** Size that CloudWatch Logs charges. docs.aws.amazon.com/AmazonCloudWatch/latest/logs/WhatIsCloudWatchLogs.html */
  bytes: number;
}

/** Bytes that CloudWatch Logs adds to each event. */
const EVENT_OVERHEAD = 26;

const REPORT = /^REPORT RequestId: \S+\tDuration: ([\d.]+) ms\t.*Memory Size: (\d+) MB/;
const FUNCTION_LOG = /^\/aws\/lambda\//;

/** Reads these log groups since a time. docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html */
export async function loggedSince(
  outputs: Outputs,
  logGroups: readonly string[],
  since: Date,
): Promise<Logged> {
  const { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey } = outputs;
  const logs = new CloudWatchLogsClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  const logged: Logged = { invocations: [], bytes: 0 };
  for (const logGroupName of logGroups)
    for await (const { events = [] } of paginateFilterLogEvents(
      { client: logs },
      { logGroupName, startTime: since.getTime() },
    ))
      for (const { message = '' } of events) {
        logged.bytes += Buffer.byteLength(message) + EVENT_OVERHEAD;
        const [, duration, memory] = REPORT.exec(message) ?? [];
        if (duration !== undefined && FUNCTION_LOG.test(logGroupName))
          logged.invocations.push({
            functionName: logGroupName.replace(FUNCTION_LOG, ''),
            duration: Number(duration),
            memory: Number(memory),
          });
      }
  return logged;
}
