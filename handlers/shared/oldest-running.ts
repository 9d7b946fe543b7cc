import { ListExecutionsCommand, type SFNClient } from '@aws-sdk/client-sfn';

/** Pages that are read, of a thousand executions each. */
const PAGES = 100;

export interface OldestStart {
  /** Start of the oldest running execution, in milliseconds since the epoch; absent if none is running. */
  start?: number;
  /** Whether all running executions were read. */
  isComplete: boolean;
}

/**
 * Finds the oldest running execution of a state machine. Lists are newest first, so it is the last one of the last page.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
 * @throws the errors of ListExecutions
 */
export async function readOldestStart(
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
