import type { SFNClient } from '@aws-sdk/client-sfn';
import { StepError } from '../../shared/errors.ts';
import { isExecutionEnd, readLatestEvents } from '../../shared/history.ts';

/** The first step that sends a request to the target. */
const REQUEST = 'RequestUserCreation';

/**
 * Whether a finished provisioning may have created a user at the target: unless its complete history shows that it never
 * entered the step that requests the creation. A history without the event of the end may lack other events, too.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
 * @throws ServiceUnavailable while the history is incomplete
 */
export async function creationRequested(
  stepFunctions: Pick<SFNClient, 'send'>,
  executionArn: string,
): Promise<boolean> {
  const { events, truncated } = await readLatestEvents(stepFunctions, executionArn);
  if (truncated) return true;
  const last = events.at(-1);
  if (last === undefined || !isExecutionEnd(last))
    throw new StepError('ServiceUnavailable', 'The history of the execution is not complete yet.');
  return events.some(({ stateEnteredEventDetails: entered }) => entered?.name === REQUEST);
}
