import type { SFNClient } from '@aws-sdk/client-sfn';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import type * as z from 'zod';
import { anyCreationInput } from '../../../contracts/executions.ts';
import { storedUsername } from '../../../contracts/fields.ts';
import { cleanOutcomes } from '../../../contracts/outcomes.ts';
import type { FieldError } from '../../../contracts/problems.ts';
import { readValue } from '../../shared/api.ts';
import { describe, type Execution } from '../../shared/executions.ts';
import { RequestProblem } from '../../shared/problem.ts';
import type { Machines, Workflows } from '../../shared/roll-backs.ts';

/** What App2's functions have in common that look at creations. */

export type Creation = Execution<z.infer<typeof anyCreationInput>>;
type StepFunctions = Pick<SFNClient, 'send'>;

/** App2's machines, and how their executions are to be read. */
export function creations(
  stepFunctions: StepFunctions,
  machines: Machines,
): Workflows<typeof anyCreationInput> {
  return { stepFunctions, machines, inputSchema: anyCreationInput, cleanOutcomes: cleanOutcomes.app2 };
}

/** Who owns a creation: the service for which the machine client works, as the authorizer verified it. */
export function ownerOf({ requestContext }: Pick<APIGatewayProxyEvent, 'requestContext'>): string {
  const owner: unknown = requestContext.authorizer?.['owner'];
  if (typeof owner !== 'string' || owner === '') throw new RequestProblem('UNAUTHENTICATED');
  return owner;
}

/** Whether it is no creation, but a cancellation that has taken the name. */
export const isCancellation = ({ parsedInput }: Creation): boolean => 'cancelled' in parsedInput;

/** Looks the creation up. */
export const findCreation = (
  stepFunctions: StepFunctions,
  machines: Machines,
  id: string,
): Promise<Creation | undefined> => describe(stepFunctions, machines.STATE_MACHINE_ARN, id, anyCreationInput);

/** Where a fault of the name is. */
export const USERNAME = 'query username';

/** The name of the user, by which it can be looked up; faults are added to `errors`. */
export function usernameOf(
  { multiValueQueryStringParameters }: Pick<APIGatewayProxyEvent, 'multiValueQueryStringParameters'>,
  errors: FieldError[],
): string | undefined {
  const [username, ...more] = multiValueQueryStringParameters?.['username'] ?? [];
  if (more.length > 0) errors.push({ pointer: USERNAME, detail: 'must be given once' });
  return readValue(storedUsername.optional(), username, USERNAME, errors);
}
