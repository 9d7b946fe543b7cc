import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import type { Outputs } from '../../cli/outputs.ts';
import { provisioningAccepted } from '../../contracts/app1-api.ts';
import { executionArn as executionArnOf } from '../../handlers/shared/executions.ts';
import { systemOf } from '../../local/system.ts';
import { timed } from './statistics.ts';

/** A name that no other measurement uses. */
export const newName = (prefix: string): string => `${prefix}-${randomBytes(6).toString('hex')}`;

interface ProvisioningOptions {
  /** Number of concurrent provisionings. */
  concurrency?: number;
  /** Names of the targets; App2 by default. */
  targets?: readonly string[];
}

/** Provisions users and measures the durations, in milliseconds. */
export function provisionerOf(outputs: Outputs) {
  const { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey } = outputs;
  const stepFunctions = new SFNClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  const system = systemOf(outputs);

  /** Pause between two polls in milliseconds; many concurrent polls would load the local AWS. */
  const pauseAt = (concurrency: number): number => 60 + 40 * concurrency;

  /**
   * Waits until an execution has succeeded; returns its start and stop time in milliseconds since the epoch.
   * @throws Error if it has another outcome
   */
  const waitForSuccess = async (
    executionArn: string,
    concurrency = 1,
  ): Promise<{ startedAt: number; stoppedAt: number }> => {
    for (;;) {
      const { status, startDate, stopDate } = await stepFunctions.send(
        new DescribeExecutionCommand({ executionArn }),
      );
      if (status !== 'RUNNING') {
        if (status !== 'SUCCEEDED') throw new Error(`${executionArn} is ${status}.`);
        return { startedAt: startDate?.getTime() ?? 0, stoppedAt: stopDate?.getTime() ?? 0 };
      }
      await setTimeout(pauseAt(concurrency));
    }
  };

  return {
    stepFunctions,
    waitForSuccess,

    /**
     * Provisions a user. `post`: until 202; `succeeded`: from the request to SUCCEEDED.
     * @throws Error if App1 rejects the request, or the provisioning fails
     */
    async provisioning({ concurrency = 1, targets }: ProvisioningOptions = {}): Promise<{
      post: number;
      succeeded: number;
    }> {
      const request = {
        username: newName('bench'),
        password: newName('Pw-1A'),
        human_user_id: 'h-1',
        ...(targets === undefined ? {} : { targets: [...targets] }),
      };
      const sentAt = Date.now();
      let id = '';
      const post = await timed(async () => {
        const { status, body } = await system.provision(request);
        if (status !== 202) throw new Error(`App1 responded with ${status}: ${JSON.stringify(body)}`);
        id = provisioningAccepted.parse(body).provisioning_id;
      });
      const execution = executionArnOf(outputs.app1.state_machine_arn, id);
      const { stoppedAt } = await waitForSuccess(execution, concurrency);
      return { post, succeeded: stoppedAt - sentAt };
    },
  };
}
