import type { APIGatewayProxyEvent } from 'aws-lambda';
import { RequestProblem } from '../../shared/problem.ts';

/**
 * The owner of a provisioning: account and unique id of the IAM identity that signed the request. For an assumed role
 * `caller` is `<role id>:<session name>`. The session name is dropped, so that all sessions of a role are one owner. It
 * is the unique id, so that a role that is created again with the same name is another owner.
 * docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
 * @throws RequestProblem FORBIDDEN if the request is not signed
 */
export function ownerOf({
  requestContext: { identity },
}: Pick<APIGatewayProxyEvent, 'requestContext'>): string {
  const principal = identity.caller?.split(':')[0];
  if (!identity.accountId || !principal) throw new RequestProblem('FORBIDDEN');
  return `${identity.accountId}/${principal}`;
}
