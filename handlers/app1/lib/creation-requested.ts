import type { SFNClient } from '@aws-sdk/client-sfn';
import { StepError } from '../../shared/errors.ts';
import { isExecutionEnd, readLatestEvents } from '../../shared/history.ts';

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
  const { events, truncated } = await readLatestEvents(stepFunctions, executionArn);
  if (truncated) return true;
  const last = events.at(-1);
  if (last === undefined || !isExecutionEnd(last))
    throw new StepError('ServiceUnavailable', 'The end of the execution cannot be seen in its history yet.');
  return events.some(({ stateEnteredEventDetails: entered }) => entered?.name === REQUEST);
}
