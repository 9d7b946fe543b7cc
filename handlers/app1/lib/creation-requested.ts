import type { SFNClient } from '@aws-sdk/client-sfn';
import { StepError } from '../../shared/errors.ts';
import { isExecutionEnd, readLatestEvents, stepsOf } from '../../shared/history.ts';

/** The first step that sends a request to a target. */
const REQUEST = 'RequestUserCreation';

/**
 * The targets at which a finished provisioning may have created a user: all, except those for which its complete history
 * shows that it never entered the step that requests the creation. A history without the event of the end may lack other
 * events, too.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
 * @param targets names of the targets, in the order of the iterations
 * @throws ServiceUnavailable while the history is incomplete
 */
export async function creationRequested(
  stepFunctions: Pick<SFNClient, 'send'>,
  executionArn: string,
  targets: readonly string[],
): Promise<string[]> {
  const { events, truncated } = await readLatestEvents(stepFunctions, executionArn);
  if (truncated) return [...targets];
  const last = events.at(-1);
  if (last === undefined || !isExecutionEnd(last))
    throw new StepError('ServiceUnavailable', 'The history of the execution is not complete yet.');
  const requests = stepsOf(events).filter(({ name }) => name === REQUEST);
  const indexes = new Set(requests.map(({ iterations }) => iterations?.[0]?.index));
  return targets.filter((_, index) => indexes.has(index));
}
