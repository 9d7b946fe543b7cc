import type { APIGatewayProxyEvent } from 'aws-lambda';
import { RequestProblem } from '../../shared/problem.ts';

/**
 * Who owns a provisioning: account and unique id of the IAM identity that signed the request. For an assumed role
 * `caller` is `<role id>:<session name>`; the session is left out, so that another session of the role is the same
 * owner, and ids instead of names, so that a role made again under the old name is not.
 * docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
 * @throws RequestProblem FORBIDDEN when the request was not signed
 */
export function ownerOf({
  requestContext: { identity },
}: Pick<APIGatewayProxyEvent, 'requestContext'>): string {
  const principal = identity.caller?.split(':')[0];
  if (!identity.accountId || !principal) throw new RequestProblem('FORBIDDEN');
  return `${identity.accountId}/${principal}`;
}
