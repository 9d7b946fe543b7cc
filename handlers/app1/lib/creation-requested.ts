import { GetExecutionHistoryCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { StepError } from '../../shared/errors.ts';

/** The most that one page of a history can have; a provisioning that has asked for nothing yet has fewer events. */
const EVENTS = 1000;

/** How an execution ends. Nothing comes after it in a history. */
const ENDS = ['ExecutionAborted', 'ExecutionFailed', 'ExecutionSucceeded', 'ExecutionTimedOut'];

/** The step in which a target is asked for the first time to make something. */
const REQUEST = 'RequestUserCreation';

/**
 * Whether a target may have something of a provisioning that has ended. It has nothing when the whole history is there,
 * from its first event to its end, and the step that asks the target was not entered. A history whose end cannot be seen
 * yet may lack more than that.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
 * @throws StepError ServiceUnavailable while the end cannot be seen
 */
export async function creationRequested(
  stepFunctions: Pick<SFNClient, 'send'>,
  executionArn: string,
): Promise<boolean> {
  const { events = [], nextToken } = await stepFunctions.send(
    new GetExecutionHistoryCommand({
      executionArn,
      includeExecutionData: false,
      reverseOrder: true,
      maxResults: EVENTS,
    }),
  );
  if (nextToken !== undefined) return true;
  if (!ENDS.includes(events[0]?.type ?? ''))
    throw new StepError('ServiceUnavailable', 'The end of the execution cannot be seen in its history yet.');
  return events.some(({ stateEnteredEventDetails: entered }) => entered?.name === REQUEST);
}
