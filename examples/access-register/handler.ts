import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { handleOnce } from 'cross-service-provisioning/events';
import * as z from 'zod';
import { processedEvents, updateRegister } from './register.ts';

const { REGISTER_TABLE, HANDLED_EVENTS_TABLE } = z
  .object({ REGISTER_TABLE: z.string(), HANDLED_EVENTS_TABLE: z.string() })
  .parse(process.env);

const dynamo = new DynamoDBClient();
const update = updateRegister({ dynamo, table: REGISTER_TABLE });
const processed = processedEvents({ dynamo, table: HANDLED_EVENTS_TABLE });

/**
 * Invoked with every event. The register update is idempotent. The count is not, so `handleOnce` counts each event at most
 * once: last, or not at all if the function crashes before.
 */
export async function handler(event: unknown): Promise<void> {
  await update(event);
  await handleOnce(event, processed, async ({ 'detail-type': name }) => count(name));
}

/**
 * Adds to the metric `Events`, by a log line.
 * docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
function count(event: string): void {
  const metric = {
    Namespace: 'AccessRegister',
    Dimensions: [['event']],
    Metrics: [{ Name: 'Events', Unit: 'Count' }],
  };
  console.log(
    JSON.stringify({ _aws: { Timestamp: Date.now(), CloudWatchMetrics: [metric] }, event, Events: 1 }),
  );
}
