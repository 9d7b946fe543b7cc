import { Duration } from 'aws-cdk-lib';
import { Metric, SearchExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { metrics, NAMESPACE, seriesOf } from '../handlers/shared/metrics.ts';

/** The metrics that alarms and dashboards use. Their names are typed, because CloudWatch accepts any name. */

/** The AWS metrics that are used, with their dimensions. The paths are pages of docs.aws.amazon.com. */
export const awsMetrics = {
  /** step-functions/latest/dg/procedure-cw-metrics.html */
  'AWS/States': {
    dimensions: ['StateMachineArn'],
    names: [
      'ExecutionsStarted',
      'ExecutionsSucceeded',
      'ExecutionsFailed',
      'ExecutionsTimedOut',
      'ExecutionTime',
    ],
  },
  /** lambda/latest/dg/monitoring-metrics-view.html: without dimensions, all functions of the account */
  'AWS/Lambda': { dimensions: [], names: ['Throttles', 'ConcurrentExecutions'] },
  /** apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html */
  'AWS/ApiGateway': {
    dimensions: ['ApiName', 'Stage'],
    names: ['Count', '4XXError', '5XXError', 'Latency', 'IntegrationLatency'],
  },
  /** cognito/latest/developerguide/metrics-for-cognito-user-pools.html */
  'AWS/Cognito': {
    dimensions: ['UserPool', 'UserPoolClient'],
    names: ['SignInSuccesses', 'SignInThrottles'],
  },
  /** AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html */
  'AWS/SQS': {
    dimensions: ['QueueName'],
    names: ['ApproximateNumberOfMessagesVisible', 'ApproximateAgeOfOldestMessage'],
  },
} as const satisfies Record<string, { dimensions: readonly string[]; names: readonly string[] }>;

type AwsNamespace = keyof typeof awsMetrics;
type OwnMetric = keyof typeof metrics;
type Valued<Dimension extends string> = { readonly [Name in Dimension]: string };

export interface MetricOptions {
  /** CloudWatch's name of the statistic. */
  statistic: string;
  /** Period in minutes; 5 by default. */
  minutes?: number;
  /** Label in a dashboard. */
  label?: string;
}

/** A metric of this system (handlers/shared/metrics.ts). */
export function ownMetric<Key extends OwnMetric>(
  key: Key,
  dimensions: Valued<(typeof metrics)[Key]['dimensions'][number]>,
  options: MetricOptions,
): Metric {
  const series = seriesOf(key, dimensions);
  return metricOf(NAMESPACE, series.name, series.dimensions, options);
}

/** A metric of AWS. */
export function awsMetric<Namespace extends AwsNamespace>(
  namespace: Namespace,
  name: (typeof awsMetrics)[Namespace]['names'][number],
  dimensions: Valued<(typeof awsMetrics)[Namespace]['dimensions'][number]>,
  options: MetricOptions,
): Metric {
  return metricOf(namespace, name, dimensions, options);
}

function metricOf(
  namespace: string,
  metricName: string,
  dimensionsMap: Record<string, string>,
  { statistic, minutes = 5, label }: MetricOptions,
): Metric {
  return new Metric({
    namespace,
    metricName,
    ...(Object.keys(dimensionsMap).length === 0 ? {} : { dimensionsMap }),
    statistic,
    period: Duration.minutes(minutes),
    ...(label === undefined ? {} : { label }),
  });
}

/**
 * All time series of a metric of this system in which a dimension has one of the given values, as a search expression for a
 * dashboard: the values of the other dimensions are not known in advance. Alarms do not support search expressions.
 * docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
 */
export function everyMetric<Key extends OwnMetric>(
  key: Key,
  dimension: (typeof metrics)[Key]['dimensions'][number],
  values: readonly string[],
  { statistic, minutes = 5, label = '' }: MetricOptions,
): SearchExpression {
  const { name, dimensions } = metrics[key];
  const schema = [NAMESPACE, ...dimensions].join(',');
  const filter = values.map((value) => `${dimension}="${value}"`).join(' OR ');
  return new SearchExpression({
    expression: `SEARCH('{${schema}} MetricName="${name}" (${filter})', '${statistic}', ${minutes * 60})`,
    period: Duration.minutes(minutes),
    // Without a label, CDK uses the expression. With an empty one, CloudWatch labels each time series.
    label,
  });
}

export { Stats };
