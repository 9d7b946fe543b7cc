import type { CloudFormationCustomResourceEvent, Context } from 'aws-lambda';
import { withoutSecrets } from './errors.ts';
import { logAbout, logger } from './logger.ts';
import { presentTrace } from './trace.ts';

/**
 * Makes the handler of a custom resource that is backed by the function itself: CloudFormation waits for an answer at
 * the address that it sends, and gets one whatever happens. The answer has no `Data`, which would be readable.
 * docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
 *
 * `run` returns the physical id of the resource.
 */
export function customResource(
  run: (event: CloudFormationCustomResourceEvent) => Promise<string>,
): (event: CloudFormationCustomResourceEvent, context?: Pick<Context, 'awsRequestId'>) => Promise<void> {
  const answer = async (event: CloudFormationCustomResourceEvent) => {
    const outcome = await run(event).then(
      (physicalId) => ({ Status: 'SUCCESS', PhysicalResourceId: physicalId }),
      (thrown: unknown) => {
        const error = withoutSecrets(thrown);
        logger.error('Custom resource failed', { error: error.name, reason: error.message });
        return {
          Status: 'FAILED',
          Reason: `${error.name}: ${error.message}`,
          PhysicalResourceId: physicalIdOf(event),
        };
      },
    );
    const { StackId, RequestId, LogicalResourceId } = event;
    const response = await fetch(event.ResponseURL, {
      method: 'PUT',
      body: JSON.stringify({ ...outcome, StackId, RequestId, LogicalResourceId, NoEcho: true }),
      signal: AbortSignal.timeout(5_000),
    });
    if (!response.ok) throw new Error(`CloudFormation did not take the answer (HTTP ${response.status}).`);
  };
  return (event, context) => {
    const about = { request_id: event.RequestId, function_request_id: context?.awsRequestId };
    return logAbout({ ...about, trace_id: presentTrace() }, () => answer(event));
  };
}

/** A resource that could not be made has no id yet; CloudFormation wants one all the same, to ask for its deletion. */
function physicalIdOf(event: CloudFormationCustomResourceEvent): string {
  return event.RequestType === 'Create' ? `not-created-${event.RequestId}` : event.PhysicalResourceId;
}
