import type { HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import type { Outputs } from '../../cli/outputs.ts';
import { executionArn } from '../../handlers/shared/executions.ts';
import { findHistory } from '../../handlers/shared/history.ts';

/** What of the counts the histories of executions tell. */
export interface Executed {
  transitions: number;
  /** Functions that states invoked. */
  invocations: number;
}

/** More attempts to roll a provisioning back are not looked for. */
const MOST_ATTEMPTS = 20;

/**
 * Adds up all executions of a provisioning, of both services. AWS charges for each step that is executed, its first
 * from the start on, and for each retry (aws.amazon.com/step-functions/pricing).
 */
export async function executed(stepFunctions: SFNClient, outputs: Outputs, id: string): Promise<Executed> {
  const { app1, app2 } = outputs;
  const sum: Executed = { transitions: 0, invocations: 0 };
  const machines: [string, number][] = [
    [app1.state_machine_arn, 1],
    [app2.state_machine_arn, 1],
    [app1.roll_back_state_machine_arn, MOST_ATTEMPTS],
    [app2.roll_back_state_machine_arn, MOST_ATTEMPTS],
  ];
  for (const [machine, attempts] of machines)
    for (let n = 1; n <= attempts; n += 1) {
      const name = n === 1 ? id : `${id}.${n}`;
      const events = await findHistory(stepFunctions, executionArn(machine, name));
      if (events === undefined) break;
      const one = executedIn(events);
      sum.transitions += one.transitions;
      sum.invocations += one.invocations;
    }
  return sum;
}

/** What one history tells. */
export function executedIn(events: readonly HistoryEvent[]): Executed {
  const entered = events.filter(({ stateEnteredEventDetails }) => stateEnteredEventDetails !== undefined);
  const tasksEntered = entered.filter(({ type }) => type === 'TaskStateEntered');
  const attempts = events.filter(({ type }) => type === 'TaskScheduled');
  const retries = Math.max(0, attempts.length - tasksEntered.length);
  return {
    transitions: 1 + entered.length + retries,
    invocations: attempts.filter((event) => event.taskScheduledEventDetails?.resourceType === 'lambda')
      .length,
  };
}
