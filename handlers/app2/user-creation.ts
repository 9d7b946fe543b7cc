import type { SFNClient } from '@aws-sdk/client-sfn';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import type * as z from 'zod';
import { cleanEnds } from '../../contracts/ends.ts';
import { anyCreationInput, rollBackInput } from '../../contracts/executions.ts';
import type { ProvisioningStatus } from '../../contracts/status.ts';
import { describe, type Execution } from '../shared/executions.ts';
import { RequestProblem } from '../shared/problem.ts';
import { statusOf } from '../shared/status.ts';

/** What the three `/admin/create-user` routes have in common. */

export interface Machines {
  STATE_MACHINE_ARN: string;
  ROLL_BACK_STATE_MACHINE_ARN: string;
}

export type Creation = Execution<z.infer<typeof anyCreationInput>>;

/** Who owns a creation: the `sub` of the machine client, as the authorizer verified it. */
export function clientOf({ requestContext }: Pick<APIGatewayProxyEvent, 'requestContext'>): string {
  const sub: unknown = requestContext.authorizer?.['sub'];
  if (typeof sub !== 'string' || sub === '') throw new RequestProblem('UNAUTHENTICATED');
  return sub;
}

/** Looks the creation up. */
export const findCreation = (stepFunctions: Pick<SFNClient, 'send'>, machines: Machines, id: string) =>
  describe(stepFunctions, machines.STATE_MACHINE_ARN, id, anyCreationInput);

/** Looks the roll-back of a creation up. */
export const findRollBack = (stepFunctions: Pick<SFNClient, 'send'>, machines: Machines, id: string) =>
  describe(stepFunctions, machines.ROLL_BACK_STATE_MACHINE_ARN, id, rollBackInput);

/** State of the creation as its owner sees it; an ended one that was rolled back afterwards included. */
export async function creationStatus(
  stepFunctions: Pick<SFNClient, 'send'>,
  machines: Machines,
  creation: Creation,
): Promise<ProvisioningStatus> {
  const status = statusOf(creation, cleanEnds.app2);
  if (status.user === 'absent') return status;
  const rollBack = await findRollBack(stepFunctions, machines, status.provisioning_id);
  if (rollBack === undefined) return status;
  return { ...status, user: rollBack.status === 'SUCCEEDED' ? 'absent' : 'being_removed' };
}
