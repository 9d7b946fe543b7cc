import { Duration } from 'aws-cdk-lib';
import { Metric, SearchExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { metrics, NAMESPACE } from '../handlers/shared/metrics.ts';

/** The metrics that alarms and dashboards look at, by names that the type checker knows: a typo would stay silent. */

/**
 * The metrics of AWS that are used, with the dimensions under which they are found. Pages of docs.aws.amazon.com.
 */
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
  /** Minutes; five unless given. */
  minutes?: number;
  /** What a dashboard calls it. */
  label?: string;
}

/** One of our own metrics. */
export function ownMetric<Key extends OwnMetric>(
  key: Key,
  dimensions: Valued<(typeof metrics)[Key]['dimensions'][number]>,
  look: MetricOptions,
): Metric {
  return metricOf(NAMESPACE, metrics[key].name, dimensions, look);
}

/** One of AWS's metrics. */
export function awsMetric<Namespace extends AwsNamespace>(
  namespace: Namespace,
  name: (typeof awsMetrics)[Namespace]['names'][number],
  dimensions: Valued<(typeof awsMetrics)[Namespace]['dimensions'][number]>,
  look: MetricOptions,
): Metric {
  return metricOf(namespace, name, dimensions, look);
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
 * Every series that one of our metrics has where a dimension is one of these values: for dashboards, since the values of
 * the others are not known before. Alarms cannot search.
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
  const which = values.map((value) => `${dimension}="${value}"`).join(' OR ');
  return new SearchExpression({
    expression: `SEARCH('{${schema}} MetricName="${name}" (${which})', '${statistic}', ${minutes * 60})`,
    period: Duration.minutes(minutes),
    // Without any, CDK shows the expression; with an empty one, CloudWatch names each series.
    label,
  });
}

export { Stats };
