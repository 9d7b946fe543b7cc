import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import type { Machine, System } from '../../../local/system.ts';
import { outputs } from '../../e2e/support/deployed.ts';
import { system } from './deployed.ts';

/** Actions on an execution from outside, at App1 or at the target of a system. */
export const interventions = {
  /** An operator stops the execution. */
  stop: async (machine: Machine, name: string, at: System = system): Promise<void> => {
    await at.clients.stepFunctions.send(
      new StopExecutionCommand({
        executionArn: await at.executionArn(machine, name),
        error: 'Operator',
        cause: 'Stopped by an operator',
      }),
    );
  },
  /** The execution reaches the time limit of its state machine. */
  'time out': async (machine: Machine, name: string, at: System = system): Promise<void> => {
    await callLocalAws('time-out', { executionArn: await at.executionArn(machine, name) });
  },
} as const;

export type Intervention = keyof typeof interventions;

/** Crashes the execution environment that runs a function for an event with this text. @throws Error if none does */
export async function kill(functionName: string, contains: string): Promise<void> {
  const result = await callLocalAws('kill', { functionName, contains });
  const { killed } = z.object({ killed: z.int() }).parse(result);
  if (killed === 0) throw new Error(`${functionName} did not run for ${contains}.`);
}

/** Ends the idle execution environments of a function, so that its next invocations have empty caches. */
export async function recycle(functionName: string): Promise<void> {
  await callLocalAws('recycle', { functionName });
}

/** Calls a route that only the local AWS under test has (local/corrections/test_switches.py). */
async function callLocalAws(route: string, body: object): Promise<unknown> {
  const response = await fetch(`${outputs.endpoint}/_local_aws/${route}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${route} ${JSON.stringify(body)}: ${await response.text()}`);
  return response.json();
}
