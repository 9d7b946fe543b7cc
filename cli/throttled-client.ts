import { SFNClient } from '@aws-sdk/client-sfn';
import { describeExecutionQuota } from '../contracts/quotas.ts';
import type { Clock } from '../handlers/shared/executions.ts';
import type { Connection } from './connect.ts';

/**
 * The workflows need DescribeExecution, whose quota all callers of the account share. This client sends one call at a
 * time, at half of the smallest quota of all regions.
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
const INTERVAL = 1000 / (describeExecutionQuota.perSecond / 2); // milliseconds

/** A client of Step Functions that leaves half of the quota to the workflows. */
export function throttledStepFunctions(connection: Connection, clock: Clock): Pick<SFNClient, 'send'> {
  const client = connection.client(SFNClient);
  let previousCall: Promise<unknown> = Promise.resolve();
  let lastCallAt = 0;
  const waitForInterval = async () => {
    const remaining = lastCallAt + INTERVAL - clock.now();
    if (remaining > 0) await clock.sleep(remaining);
    lastCallAt = clock.now();
  };
  // A proxy keeps the overloads of `send`.
  return new Proxy(client, {
    get(target, property) {
      if (property !== 'send') return Reflect.get(target, property);
      return (...call: Parameters<SFNClient['send']>) => {
        const result = previousCall.then(waitForInterval).then(() => target.send(...call));
        previousCall = result.catch(() => undefined);
        return result;
      };
    },
  });
}
