import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import type { Machine } from '../../../local/system.ts';
import { outputs, system } from '../../e2e/support/deployed.ts';

/** What can happen to an execution from outside, at any moment. */
export const interventions = {
  /** An operator presses stop. */
  stop: async (machine: Machine, name: string): Promise<void> => {
    await system.clients.stepFunctions.send(
      new StopExecutionCommand({
        executionArn: await system.executionArn(machine, name),
        error: 'Operator',
        cause: 'Pressed stop',
      }),
    );
  },
  /** The machine's own time limit is over. */
  'time out': async (machine: Machine, name: string): Promise<void> => {
    await ask('time-out', { executionArn: await system.executionArn(machine, name) });
  },
} as const;

export type Intervention = keyof typeof interventions;

/** Ends the process that runs a function for an event with this text in it, as an execution environment may crash. */
export async function kill(functionName: string, contains: string): Promise<void> {
  const answer = await ask('kill', { functionName, contains });
  const { killed } = z.object({ killed: z.int() }).parse(answer);
  if (killed === 0) throw new Error(`${functionName} was not at work for ${contains}.`);
}

/** Ends the idle environments of a function, so that its next invocations remember nothing. */
export async function recycle(functionName: string): Promise<void> {
  await ask('recycle', { functionName });
}

/** Asks the local AWS under test for what on AWS takes hours or bad luck (local/corrections/under_test.py). */
async function ask(route: string, body: object): Promise<unknown> {
  const response = await fetch(`${outputs.endpoint}/_local_aws/${route}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${route} ${JSON.stringify(body)}: ${await response.text()}`);
  return response.json();
}
