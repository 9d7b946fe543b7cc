import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import type { Service } from '../contracts/services.ts';
import { metrics, NAMESPACE } from '../handlers/shared/metrics.ts';
import type { DeployedSystem } from './system.ts';
import { assert } from './verdict.ts';

/** A series of one of our metrics, or of AWS's. */
export interface Series {
  service: Service;
  namespace: string;
  name: string;
  dimensions: Readonly<Record<string, string>>;
  /** How values are counted: a duration can be 0 ms, so of durations the samples count, not their sum. */
  statistic: 'Sum' | 'SampleCount';
}

/** One of our metrics, with a value for each of its dimensions. */
export function own(
  service: Service,
  key: keyof typeof metrics,
  dimensions: Readonly<Record<string, string>> = {},
): Series {
  const { name, unit } = metrics[key];
  const statistic = unit === 'Count' ? 'Sum' : 'SampleCount';
  return { service, namespace: NAMESPACE, name, dimensions, statistic };
}

/**
 * What a metric has counted since the run began.
 * docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
 */
export async function counted(
  system: DeployedSystem,
  { service, namespace, name, dimensions, statistic }: Series,
): Promise<number> {
  const { Datapoints = [] } = await system[service].connection.client(CloudWatchClient).send(
    new GetMetricStatisticsCommand({
      Namespace: namespace,
      MetricName: name,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      StartTime: new Date(system.begun),
      EndTime: new Date(Date.now() + 60_000),
      Period: 60,
      Statistics: [statistic],
    }),
  );
  return Datapoints.reduce((count, point) => count + (point[statistic] ?? 0), 0);
}

/** Waits until each of these has counted something. */
export const allCounted = (system: DeployedSystem, wanted: readonly Series[]): Promise<string> =>
  system.eventually(async () => {
    const counts = await Promise.all(wanted.map((series) => counted(system, series)));
    const empty = wanted.filter((_, index) => counts[index] === 0);
    assert(empty.length === 0, `nothing is counted in ${empty.map(inWords).join(', ')}`);
    return wanted.map((series, index) => `${series.name} ${counts[index]}`).join(', ');
  });

const inWords = ({ service, name, dimensions }: Series): string =>
  `${name} of ${service} (${Object.values(dimensions).join(', ')})`;
