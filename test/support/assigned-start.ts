import * as z from 'zod';
import { readHistory } from '../../handlers/shared/history.ts';
import type { System } from '../../local/system.ts';

/** The reservation of one creation, in milliseconds since the epoch. */
export interface AssignedStart {
  /** Time at which DecryptCredentials returned the reserved start. */
  assignedAt: number;
  /** The reserved start. */
  startAt: number;
}

const decrypted = z.object({ Payload: z.object({ start_at: z.string() }) });

/**
 * The start that App2's rate limiter assigned to a creation, by the history of its execution; `undefined` without
 * one. Unlike the time at which the creation continues, it does not depend on the speed of the machine.
 */
export async function assignedStart(
  { clients: { stepFunctions }, executionArn }: System,
  id: string,
): Promise<AssignedStart | undefined> {
  const arn = await executionArn('CreateServiceUser', id);
  const { events } = await readHistory(stepFunctions, arn, { includeExecutionData: true });
  for (const { timestamp, taskSucceededEventDetails } of events) {
    const output = decrypted.safeParse(JSON.parse(taskSucceededEventDetails?.output ?? 'null'));
    if (output.success && timestamp !== undefined)
      return { assignedAt: timestamp.getTime(), startAt: Date.parse(output.data.Payload.start_at) };
  }
  return undefined;
}
