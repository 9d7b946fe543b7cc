import { ListExecutionsCommand, type SFNClient } from '@aws-sdk/client-sfn';
import type { Machines } from './roll-backs.ts';

/** Pages of a thousand executions each, of one machine; beyond them, older ones are not seen. */
const PAGES = 100;

/**
 * For how many seconds the oldest of the running executions of both machines has run at `now`; 0 when none runs.
 * Lists come newest first, so the last of the last page is the oldest.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
 * @throws the errors of Step Functions' lists
 */
export async function oldestRunning(
  stepFunctions: Pick<SFNClient, 'send'>,
  machines: Machines,
  now: number,
): Promise<number> {
  let oldest = now;
  for (const stateMachineArn of [machines.STATE_MACHINE_ARN, machines.ROLL_BACK_STATE_MACHINE_ARN]) {
    let nextToken: string | undefined;
    for (let page = 0; page === 0 || (nextToken !== undefined && page < PAGES); page += 1) {
      const { executions = [], nextToken: next } = await stepFunctions.send(
        new ListExecutionsCommand({
          stateMachineArn,
          statusFilter: 'RUNNING',
          maxResults: 1000,
          ...(nextToken === undefined ? {} : { nextToken }),
        }),
      );
      oldest = Math.min(oldest, executions.at(-1)?.startDate?.getTime() ?? oldest);
      nextToken = next;
    }
  }
  return Math.round((now - oldest) / 1000);
}
