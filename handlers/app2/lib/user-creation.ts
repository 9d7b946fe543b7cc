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

export type Creation = Execution<z.infer<typeof anyCreationInput>>;
type StepFunctions = Pick<SFNClient, 'send'>;

/** App2's state machines, with the schema of their inputs and their clean outcomes. */
export function creations(
  stepFunctions: StepFunctions,
  machines: Machines,
): Workflows<typeof anyCreationInput> {
  return { stepFunctions, machines, inputSchema: anyCreationInput, cleanOutcomes: cleanOutcomes.app2 };
}

/**
 * The owner of a creation: the service of the machine client, from the context of the authorizer.
 * @throws RequestProblem UNAUTHENTICATED without an owner
 */
export function ownerOf({ requestContext }: Pick<APIGatewayProxyEvent, 'requestContext'>): string {
  const owner: unknown = requestContext.authorizer?.['owner'];
  if (typeof owner !== 'string' || owner === '') throw new RequestProblem('UNAUTHENTICATED');
  return owner;
}

/** Whether the execution is a cancellation that reserves the name. */
export const isCancellation = ({ parsedInput }: Creation): boolean => 'cancelled' in parsedInput;

/** Describes the execution of a creation; `undefined` if it does not exist, or does not exist yet. */
export const findCreation = (
  stepFunctions: StepFunctions,
  machines: Machines,
  id: string,
): Promise<Creation | undefined> => describe(stepFunctions, machines.STATE_MACHINE_ARN, id, anyCreationInput);

/** Pointer of the query parameter in errors. */
export const USERNAME = 'query username';

/** The username in the query. Adds violations to `errors`. */
export function usernameOf(
  { multiValueQueryStringParameters }: Pick<APIGatewayProxyEvent, 'multiValueQueryStringParameters'>,
  errors: FieldError[],
): string | undefined {
  const [username, ...more] = multiValueQueryStringParameters?.['username'] ?? [];
  if (more.length > 0) errors.push({ pointer: USERNAME, detail: 'must be given once' });
  return readValue(storedUsername.optional(), username, USERNAME, errors);
}
