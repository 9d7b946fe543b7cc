import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import type { Machine } from '../../../local/system.ts';
import { outputs, system } from '../../e2e/support/deployed.ts';
import { executionArn } from './executions.ts';

/** What can happen to an execution from outside, at any moment. */
export const interventions = {
  /** An operator presses stop. */
  stop: async (machine: Machine, name: string): Promise<void> => {
    await system.clients.stepFunctions.send(
      new StopExecutionCommand({
        executionArn: executionArn(machine, name),
        error: 'Operator',
        cause: 'Pressed stop',
      }),
    );
  },
  /** The machine's own time limit is over. */
  'time out': async (machine: Machine, name: string): Promise<void> => {
    const response = await fetch(`${outputs.endpoint}/_local_aws/time-out`, {
      method: 'POST',
      body: JSON.stringify({ executionArn: executionArn(machine, name) }),
    });
    if (!response.ok) throw new Error(`${machine} ${name} did not time out: ${await response.text()}`);
  },
} as const;

export type Intervention = keyof typeof interventions;

/** Ends the process that runs a function for an event with this text in it, as an execution environment may crash. */
export async function kill(functionName: string, contains: string): Promise<void> {
  const response = await fetch(`${outputs.endpoint}/_local_aws/kill`, {
    method: 'POST',
    body: JSON.stringify({ functionName, contains }),
  });
  const { killed } = z.object({ killed: z.int() }).parse(await response.json());
  if (killed === 0) throw new Error(`${functionName} was not at work for ${contains}.`);
}

/** Ends the idle environments of a function, so that its next invocations remember nothing. */
export async function recycle(functionName: string): Promise<void> {
  const response = await fetch(`${outputs.endpoint}/_local_aws/recycle`, {
    method: 'POST',
    body: JSON.stringify({ functionName }),
  });
  if (!response.ok) throw new Error(`${functionName} was not recycled: ${await response.text()}`);
}
