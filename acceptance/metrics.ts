import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import type { ServiceKind } from '../contracts/services.ts';
import { metrics, NAMESPACE, seriesOf } from '../handlers/shared/metrics.ts';
import type { DeployedSystem } from './system.ts';
import { assert } from './verdict.ts';

/** A metric with its dimensions, of this system or of AWS. */
export interface Series {
  service: ServiceKind;
  namespace: string;
  name: string;
  dimensions: Readonly<Record<string, string>>;
  /** Durations are counted by SampleCount, because a duration can be 0 ms. */
  statistic: 'Sum' | 'SampleCount';
}

/** A metric of this system, with a value for each dimension of its row. */
export function ownSeries(
  service: ServiceKind,
  key: keyof typeof metrics,
  values: Readonly<Record<string, string>> = {},
): Series {
  const { name, dimensions } = seriesOf(key, values);
  const statistic = metrics[key].unit === 'Count' ? 'Sum' : 'SampleCount';
  return { service, namespace: NAMESPACE, name, dimensions, statistic };
}

/**
 * The count of a metric since the start of the run.
 * docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
 */
export async function readCount(
  system: DeployedSystem,
  { service, namespace, name, dimensions, statistic }: Series,
): Promise<number> {
  const { Datapoints = [] } = await system[service].connection.client(CloudWatchClient).send(
    new GetMetricStatisticsCommand({
      Namespace: namespace,
      MetricName: name,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      StartTime: new Date(system.startedAt),
      EndTime: new Date(Date.now() + 60_000),
      Period: 60,
      Statistics: [statistic],
    }),
  );
  return Datapoints.reduce((count, point) => count + (point[statistic] ?? 0), 0);
}

/** Waits until each of these metrics has a count. */
export const waitForCounts = (system: DeployedSystem, expected: readonly Series[]): Promise<string> =>
  system.eventually(async () => {
    const counts = await Promise.all(expected.map((series) => readCount(system, series)));
    const empty = expected.filter((_, index) => counts[index] === 0);
    assert(empty.length === 0, `nothing is counted in ${empty.map(formatSeries).join(', ')}`);
    return expected.map((series, index) => `${series.name} ${counts[index]}`).join(', ');
  });

const formatSeries = ({ service, name, dimensions }: Series): string =>
  `${name} of ${service} (${Object.values(dimensions).join(', ')})`;
