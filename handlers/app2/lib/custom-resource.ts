import type { CloudFormationCustomResourceEvent, Context } from 'aws-lambda';
import { classifyError } from '../../shared/errors.ts';
import { logger, withLogContext } from '../../shared/logger.ts';
import { presentTrace } from '../../shared/trace-header.ts';

/** What a custom resource does when CloudFormation asks for it, with the properties that the template gives it. */
export interface CustomResource {
  /** Creates or updates the resource; gives its physical id. */
  put(properties: unknown): Promise<string>;
  /** Deletes the resource; also called when it could not be created. */
  remove(properties: unknown): Promise<void>;
}

/**
 * Makes the handler of a custom resource that is backed by the function itself: CloudFormation waits for an answer at
 * the address that it sends, and gets one whatever happens. The answer has no `Data`, which would be readable.
 * docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
 */
export function customResource(
  resource: CustomResource,
): (event: CloudFormationCustomResourceEvent, context?: Pick<Context, 'awsRequestId'>) => Promise<void> {
  const answer = async (event: CloudFormationCustomResourceEvent) => {
    const outcome = await run(resource, event).then(
      (physicalId) => ({ Status: 'SUCCESS', PhysicalResourceId: physicalId }),
      (thrown: unknown) => {
        const error = classifyError(thrown);
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
      // The address is signed for a request without a type, and S3 refuses one with the type that `fetch` gives a text.
      // docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-lambda-function-code-cfnresponsemodule.html
      headers: { 'content-type': '' },
      body: JSON.stringify({ ...outcome, StackId, RequestId, LogicalResourceId, NoEcho: true }),
      signal: AbortSignal.timeout(5_000),
    });
    if (!response.ok) throw new Error(`CloudFormation did not take the answer (HTTP ${response.status}).`);
  };
  return (event, context) => {
    const about = { request_id: event.RequestId, function_request_id: context?.awsRequestId };
    return withLogContext({ ...about, trace_id: presentTrace() }, () => answer(event));
  };
}

/** Gives the physical id. That of a deletion is the one that CloudFormation sent, whatever the code calls it today. */
async function run(resource: CustomResource, event: CloudFormationCustomResourceEvent): Promise<string> {
  if (event.RequestType !== 'Delete') return resource.put(event.ResourceProperties);
  await resource.remove(event.ResourceProperties);
  return event.PhysicalResourceId;
}

/** A resource that could not be made has no id yet; CloudFormation wants one all the same, to ask for its deletion. */
function physicalIdOf(event: CloudFormationCustomResourceEvent): string {
  return event.RequestType === 'Create' ? `not-created-${event.RequestId}` : event.PhysicalResourceId;
}
