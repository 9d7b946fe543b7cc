import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { handleOnce } from '../../contracts/events/subscriber.ts';
import { keepRegister, seenIn } from './register.ts';

const { REGISTER_TABLE, SEEN_TABLE } = z
  .object({ REGISTER_TABLE: z.string(), SEEN_TABLE: z.string() })
  .parse(process.env);

const dynamo = new DynamoDBClient();
const keep = keepRegister({ dynamo, table: REGISTER_TABLE });
const seen = seenIn({ dynamo, table: SEEN_TABLE });

/**
 * Called with every event. The register needs no memory of events: writing the same fact again changes nothing. A
 * count does, because counting twice is wrong; it is counted last and once, or not at all if the function dies here.
 */
export async function handler(event: unknown): Promise<void> {
  await keep(event);
  await handleOnce(event, seen, async ({ 'detail-type': fact }) => count(fact));
}

/**
 * Adds to the metric `Facts`, by a line in the log.
 * docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
function count(fact: string): void {
  const metric = {
    Namespace: 'AccessRegister',
    Dimensions: [['fact']],
    Metrics: [{ Name: 'Facts', Unit: 'Count' }],
  };
  console.log(
    JSON.stringify({ _aws: { Timestamp: Date.now(), CloudWatchMetrics: [metric] }, fact, Facts: 1 }),
  );
}
