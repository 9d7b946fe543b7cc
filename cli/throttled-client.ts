import { SFNClient } from '@aws-sdk/client-sfn';
import { describeExecutionQuota } from '../contracts/quotas.ts';
import type { Clock } from '../handlers/shared/executions.ts';
import type { Connection } from './connect.ts';

/**
 * The workflows live on DescribeExecution, whose quota the whole account shares. So looking takes its time: half of the
 * smallest quota that a region has, one call after the other.
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
const PAUSE = 1000 / (describeExecutionQuota.perSecond / 2); // milliseconds

/** Step Functions at a pace that leaves room for the workflows. */
export function throttledStepFunctions(connection: Connection, clock: Clock): Pick<SFNClient, 'send'> {
  const client = connection.client(SFNClient);
  let turn: Promise<unknown> = Promise.resolve();
  let last = 0;
  const wait = async () => {
    const left = last + PAUSE - clock.now();
    if (left > 0) await clock.sleep(left);
    last = clock.now();
  };
  // Each of the overloads of `send` is passed on as it is.
  return new Proxy(client, {
    get(target, property) {
      if (property !== 'send') return Reflect.get(target, property);
      return (...call: Parameters<SFNClient['send']>) => {
        const answer = turn.then(wait).then(() => target.send(...call));
        turn = answer.catch(() => undefined);
        return answer;
      };
    },
  });
}
