import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  GetQueryResultsCommand,
  PutLogEventsCommand,
  StartQueryCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { client } from './support/clients.ts';
import { eventually } from './support/eventually.ts';
import { unique } from './support/unique.ts';

const logs = client(CloudWatchLogsClient);
const logGroupName = unique('log');
const lines = [
  '{"step":"A","service":"app1-a"}',
  '{"step":"B","service":"app2-b","of":{"step":"C"}}',
  'step B',
];

beforeAll(async () => {
  await logs.send(new CreateLogGroupCommand({ logGroupName }));
  await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 's' }));
  const now = Date.now();
  await logs.send(
    new PutLogEventsCommand({
      logGroupName,
      logStreamName: 's',
      logEvents: lines.map((message, n) => ({ timestamp: now + n, message })),
    }),
  );
});

/** The numbers of the lines that a filter finds. */
async function found(filter: string): Promise<number[]> {
  const seconds = Math.floor(Date.now() / 1000);
  const { queryId } = await logs.send(
    new StartQueryCommand({
      logGroupName,
      startTime: seconds - 600,
      endTime: seconds + 60,
      queryString: `fields @message | ${filter} | sort @timestamp asc`,
    }),
  );
  const { results = [] } = await eventually(async () => {
    const answer = await logs.send(new GetQueryResultsCommand({ queryId }));
    expect(answer.status).toBe('Complete');
    return answer;
  });
  return results.map((fields) =>
    lines.indexOf(fields.find(({ field }) => field === '@message')?.value ?? ''),
  );
}

describe('unchanged: CloudWatch Logs Insights', () => {
  // AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Filter
  it('finds lines by their text', async () => {
    expect(await found('filter @message like /step.*B/')).toEqual([1, 2]);
  });
});

describe('corrected: CloudWatch Logs Insights', () => {
  // AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields
  it.each([
    ["filter step = 'B'", [1]],
    ['filter step = "A"', [0]],
    ['filter service like /^app2/', [1]],
    ["filter of.step = 'C'", [1]],
    ["filter nothing = 'B'", []],
    ["filter @message like /app/ | filter step = 'A'", [0]],
  ])('finds JSON lines by %s', async (filter, expected) => {
    expect(await found(filter)).toEqual(expected);
  });
});
