import { ListExecutionsCommand, type SFNClient } from '@aws-sdk/client-sfn';

/** Pages of a thousand executions each; beyond them, older ones are not seen. */
const PAGES = 100;

export interface OldestStart {
  /** When the oldest running execution of the machine has started, in milliseconds; absent when none runs. */
  start?: number;
  /** Whether all running executions were seen. */
  isComplete: boolean;
}

/**
 * The oldest of the running executions of a machine. Lists come newest first, so the last of the last page is the oldest.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
 * @throws the errors of Step Functions' lists
 */
export async function oldestStart(
  stepFunctions: Pick<SFNClient, 'send'>,
  stateMachineArn: string,
): Promise<OldestStart> {
  let start: number | undefined;
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
    start = executions.at(-1)?.startDate?.getTime() ?? start;
    nextToken = next;
  }
  return { ...(start === undefined ? {} : { start }), isComplete: nextToken === undefined };
}
