import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { Outputs } from '../../local/outputs.ts';
import type { Counts } from './counts.ts';
import { executed } from './executions.ts';
import { invocationsSince } from './invocations.ts';
import type { Subject } from './subject.ts';
import { countTraffic, type Hit } from './traffic.ts';

/** The authorizer answers for a token once, and is asked by API Gateway, whose calls pass no proxy. */
const AUTHORIZER = '/aws/lambda/app2-authorizer';

/**
 * Counts what a provisioning costs: `run` sends so many requests to App1 as it gives back, and ends when all that
 * they caused is over. Each count is of real traffic: the fault proxy's, the executions' histories, and the
 * authorizer's log.
 */
export async function count(
  outputs: Outputs,
  proxyUrl: string,
  subject: Subject,
  run: () => Promise<{ requests: number }>,
  hits: readonly Hit[] = [],
): Promise<Counts> {
  const { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey } = outputs;
  const configuration = { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
  const since = new Date();
  const counter = await countTraffic(proxyUrl, subject, hits);
  try {
    const { requests } = await run();
    const traffic = await counter.read();
    const { transitions, invocations } = await executed(new SFNClient(configuration), outputs, subject.id);
    const authorized = await invocationsSince(new CloudWatchLogsClient(configuration), [AUTHORIZER], since);
    return {
      transitions,
      ...traffic,
      // API Gateway invokes one function for each request.
      invocations: invocations + requests + traffic.http + authorized.length,
    };
  } finally {
    await counter.stop();
  }
}
