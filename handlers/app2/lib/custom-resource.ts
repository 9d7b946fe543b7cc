import type { CloudFormationCustomResourceEvent, Context } from 'aws-lambda';
import { classifyError } from '../../shared/errors.ts';
import { logger, withLogContext } from '../../shared/logger.ts';
import { currentTraceId } from '../../shared/trace-header.ts';

/** A custom resource. The methods receive the resource properties of the template. */
export interface CustomResource {
  /** Creates or updates the resource; returns its physical id. */
  put(properties: unknown): Promise<string>;
  /** Deletes the resource; also called if its creation failed. */
  remove(properties: unknown): Promise<void>;
}

/**
 * Creates the Lambda handler of a custom resource. It sends a response to the presigned URL of the event in every case,
 * because CloudFormation waits for it. The response has no `Data`, which would be readable in the stack.
 * docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
 */
export function customResource(
  resource: CustomResource,
): (event: CloudFormationCustomResourceEvent, context?: Pick<Context, 'awsRequestId'>) => Promise<void> {
  const handle = async (event: CloudFormationCustomResourceEvent) => {
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
      // The URL is signed for a request without a content type, so the default type of `fetch` is removed.
      // docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-lambda-function-code-cfnresponsemodule.html
      headers: { 'content-type': '' },
      body: JSON.stringify({ ...outcome, StackId, RequestId, LogicalResourceId, NoEcho: true }),
      signal: AbortSignal.timeout(5_000),
    });
    if (!response.ok) throw new Error(`The response URL returned HTTP ${response.status}.`);
  };
  return (event, context) => {
    const ids = { request_id: event.RequestId, function_request_id: context?.awsRequestId };
    return withLogContext({ ...ids, trace_id: currentTraceId() }, () => handle(event));
  };
}

/** Runs the request and returns the physical id; for a deletion the id of the event. */
async function run(resource: CustomResource, event: CloudFormationCustomResourceEvent): Promise<string> {
  if (event.RequestType !== 'Delete') return resource.put(event.ResourceProperties);
  await resource.remove(event.ResourceProperties);
  return event.PhysicalResourceId;
}

/** The physical id of a failed request. CloudFormation requires one also for a failed creation, and deletes it later. */
function physicalIdOf(event: CloudFormationCustomResourceEvent): string {
  return event.RequestType === 'Create' ? `not-created-${event.RequestId}` : event.PhysicalResourceId;
}
