import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  type MetricTransformation,
  PutLogEventsCommand,
  PutMetricFilterCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { describe, expect, it } from '@jest/globals';
import { client } from './support/clients.ts';
import { unique } from './support/unique.ts';

const logs = client(CloudWatchLogsClient);
const cloudWatch = client(CloudWatchClient);

const event = (source: string, name: string, code?: string) => ({
  source,
  'detail-type': name,
  detail: { data: code === undefined ? {} : { failure: { code } }, attempts: [{ number: 3 }] },
});

/** Adds a filter to a new log, writes lines, and returns the sums of the metric by dimensions. */
async function counted(
  filterPattern: string,
  lines: unknown[],
  dimensions: Record<string, string>[] = [{}],
  transformation: Partial<MetricTransformation> = {},
): Promise<number[]> {
  const logGroupName = unique('log');
  const metricNamespace = unique('Test');
  await logs.send(new CreateLogGroupCommand({ logGroupName }));
  await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 's' }));
  await putFilter(logGroupName, filterPattern, { metricNamespace, ...transformation });
  await logs.send(
    new PutLogEventsCommand({
      logGroupName,
      logStreamName: 's',
      logEvents: lines.map((line) => ({
        timestamp: Date.now(),
        message: typeof line === 'string' ? line : JSON.stringify(line),
      })),
    }),
  );
  const sums = dimensions.map(async (values) => {
    const { Datapoints = [] } = await cloudWatch.send(
      new GetMetricStatisticsCommand({
        Namespace: metricNamespace,
        MetricName: 'Counted',
        Dimensions: Object.entries(values).map(([Name, Value]) => ({ Name, Value })),
        StartTime: new Date(Date.now() - 600_000),
        EndTime: new Date(Date.now() + 60_000),
        Period: 3600,
        Statistics: ['Sum'],
      }),
    );
    return Datapoints.reduce((sum, { Sum = 0 }) => sum + Sum, 0);
  });
  return Promise.all(sums);
}

async function putFilter(
  logGroupName: string,
  filterPattern: string,
  transformation: Partial<MetricTransformation> = {},
): Promise<void> {
  await logs.send(
    new PutMetricFilterCommand({
      logGroupName,
      filterName: 'f',
      filterPattern,
      metricTransformations: [
        { metricName: 'Counted', metricNamespace: 'Test', metricValue: '1', ...transformation },
      ],
    }),
  );
}

const written = [
  event('app1', 'Created'),
  event('app1', 'Failed', 'USER_NOT_FOUND'),
  event('app2', 'Failed', 'TIMED_OUT'),
  'no JSON, "source": "app1"',
];

describe('unchanged: metric filters', () => {
  it.each(['{ $.detail.attempts[0].number > 3 }', '{ $.nothing = "app1" }'])(
    'count nothing if no line matches %s',
    async (pattern) => {
      expect(await counted(pattern, written)).toEqual([0]);
    },
  );
});

describe('corrected: metric filters', () => {
  // AmazonCloudWatch/latest/logs/FilterAndPatternSyntax (matching terms in JSON log events)
  it.each([
    ['{ $.source = "app1" }', 2],
    ['{ $.detail-type = "Failed" }', 2],
    ['{ $.source = "app1" && ($.detail-type = "Created" || $.detail-type = "Failed") }', 2],
    ['{ $.source = "app1" && $.detail-type = "Created" || $.source = "app2" }', 2],
    ['{ $.detail.data.failure.code = * }', 2],
    ['{ $.detail.data.failure.code = "USER_*" }', 1],
    ['{ $.detail.attempts[0].number >= 3 }', 3],
  ])('count lines that match %s, and no line that is not JSON', async (pattern, expected) => {
    expect(await counted(pattern, written)).toEqual([expected]);
  });

  // AmazonCloudWatchLogs/latest/APIReference/API_MetricTransformation
  it('separate by dimensions, and read a value from the line', async () => {
    const lines = [
      event('app1', 'Failed', 'A'),
      event('app1', 'Failed', 'A'),
      event('app1', 'Failed', 'B'),
      event('app1', 'Failed'),
    ];
    const dimensions = { source: '$.source', code: '$.detail.data.failure.code' };

    expect(
      await counted(
        '{ $.source = "app1" }',
        lines,
        [{ source: 'app1', code: 'A' }, { source: 'app1', code: 'B' }, { source: 'app1' }],
        { dimensions, metricValue: '$.detail.attempts[0].number' },
      ),
    ).toEqual([6, 3, 0]);
  });

  // AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter
  it.each([
    ['{ $.source = "app1"', {}],
    ['{ source = "app1" }', {}],
    ['{ $.source == "app1" }', {}],
    ['{ ($.source = "app1" }', {}],
    [`{ $.source = "${'a'.repeat(1024)}" }`, {}],
    ['{ $.a = * }', { dimensions: { a: '$.a', b: '$.b', c: '$.c', d: '$.d' } }],
    ['{ $.a = * }', { dimensions: { a: '$.a' }, defaultValue: 0 }],
  ])('reject the pattern %s with %j', async (pattern, transformation) => {
    const logGroupName = unique('log');
    await logs.send(new CreateLogGroupCommand({ logGroupName }));

    await expect(putFilter(logGroupName, pattern, transformation)).rejects.toMatchObject({
      name: 'InvalidParameterException',
    });
  });
});
