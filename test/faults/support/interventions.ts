import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import type { Machine, System } from '../../../local/system.ts';
import { outputs } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { system, targetOutputs } from './deployed.ts';

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

/** A position of an execution. */
export interface Position {
  machine: Machine;
  state: string;
  /** Index of the iteration, for a state of a Map. */
  index?: number;
  /** Whether the execution has left the state. By default it is in the state. */
  left?: boolean;
  /** The position of another execution for which the state waits. */
  within?: Position;
}

/** Executions that are held. The case lifts the hold before it finishes. */
export interface Hold {
  /** Waits until the executions have reached their positions. */
  waitUntilReached(): Promise<void>;
  lift(): Promise<void>;
}

/**
 * Holds the executions of a provisioning at positions: in each state immediately after its entry, so that also a state
 * without a task can be interrupted.
 */
export async function hold(positions: readonly Position[], id: string): Promise<Hold> {
  const holds = await Promise.all(
    positions.filter(({ left = false }) => !left).map((position) => holdAt(position, id)),
  );
  return {
    async waitUntilReached() {
      await Promise.all(positions.map((position) => waitForPosition(position, id)));
    },
    async lift() {
      await Promise.all(holds.map((added) => callLocalAws('release', added)));
    },
  };
}

const machines: Record<Machine, string> = {
  ProvisionServiceUser: outputs.app1.state_machine_arn,
  RollBackProvisioning: outputs.app1.roll_back_state_machine_arn,
  CreateServiceUser: targetOutputs.state_machine_arn,
  RollBackServiceUser: targetOutputs.roll_back_state_machine_arn,
};

async function holdAt(position: Position, execution: string): Promise<{ hold: string }> {
  const { machine, state, index } = position.within ?? position;
  const result = await callLocalAws('hold', {
    stateMachineArn: machines[machine],
    execution,
    state,
    ...(index === undefined ? {} : { index }),
  });
  return z.object({ hold: z.string() }).parse(result);
}

async function waitForPosition(
  { machine, state, index, left = false, within }: Position,
  id: string,
): Promise<void> {
  await eventually(
    async () => {
      const entered = (await system.states(machine, id)).filter(
        ({ name, iterations }) => name === state && (index === undefined || iterations?.[0]?.index === index),
      );
      if (!entered.some(({ exitedAt }) => !left || exitedAt !== undefined))
        throw new Error(`${machine} ${id} has not ${left ? 'left' : 'entered'} ${state} (${index ?? ''}).`);
    },
    60_000,
    200,
  );
  if (within !== undefined) await waitForPosition(within, id);
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
