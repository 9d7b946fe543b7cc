import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { client } from './clients.ts';

const cloudWatch = client(CloudWatchClient);
const minute = 60;

export interface Metric {
  Namespace: string;
  MetricName: string;
  Dimensions: { Name: string; Value: string }[];
}

/** The sum of the metric in the last ten minutes. */
export async function sum(metric: Metric): Promise<number> {
  const { Datapoints = [] } = await cloudWatch.send(
    new GetMetricStatisticsCommand({
      ...metric,
      Statistics: ['Sum'],
      Period: minute,
      StartTime: new Date(Date.now() - 10 * minute * 1000),
      EndTime: new Date(Date.now() + minute * 1000),
    }),
  );
  return Datapoints.reduce((total, { Sum = 0 }) => total + Sum, 0);
}
