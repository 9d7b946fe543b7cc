import type { SFNClient } from '@aws-sdk/client-sfn';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import type * as z from 'zod';
import { cleanEnds } from '../../contracts/ends.ts';
import { anyCreationInput } from '../../contracts/executions.ts';
import { describe, type Execution } from '../shared/executions.ts';
import { RequestProblem } from '../shared/problem.ts';
import type { Machines, Workflows } from '../shared/roll-backs.ts';

/** What App2's functions have in common that look at creations. */

export type Creation = Execution<z.infer<typeof anyCreationInput>>;
type StepFunctions = Pick<SFNClient, 'send'>;

/** App2's machines, and how their executions are to be read. */
export function creations(
  stepFunctions: StepFunctions,
  machines: Machines,
): Workflows<typeof anyCreationInput> {
  return { stepFunctions, machines, inputSchema: anyCreationInput, cleanEnds: cleanEnds.app2 };
}

/** Who owns a creation: the `sub` of the machine client, as the authorizer verified it. */
export function clientOf({ requestContext }: Pick<APIGatewayProxyEvent, 'requestContext'>): string {
  const sub: unknown = requestContext.authorizer?.['sub'];
  if (typeof sub !== 'string' || sub === '') throw new RequestProblem('UNAUTHENTICATED');
  return sub;
}

/** Looks the creation up. */
export const findCreation = (
  stepFunctions: StepFunctions,
  machines: Machines,
  id: string,
): Promise<Creation | undefined> => describe(stepFunctions, machines.STATE_MACHINE_ARN, id, anyCreationInput);
