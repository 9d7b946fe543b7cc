import { type HistoryEvent, paginateListExecutions, type SFNClient } from '@aws-sdk/client-sfn';
import type { Target } from '../../cli/outputs.ts';
import { executionArn } from '../../handlers/shared/executions.ts';
import { findHistory } from '../../handlers/shared/history.ts';
import { provisioningIdIn } from '../../handlers/shared/roll-back-names.ts';

/** Counts from the histories of executions. */
export interface ExecutionCounts {
  transitions: number;
  /** Invocations of functions by states. */
  invocations: number;
}

/** The state machines of a service. */
type Machines = Pick<Target, 'state_machine_arn' | 'roll_back_state_machine_arn'>;

/**
 * Adds up all executions of a provisioning, of App1 and of its targets. AWS charges each transition, including the one from
 * the start, and each retry (aws.amazon.com/step-functions/pricing).
 */
export async function countExecutions(
  stepFunctions: SFNClient,
  services: readonly Machines[],
  id: string,
): Promise<ExecutionCounts> {
  const sum: ExecutionCounts = { transitions: 0, invocations: 0 };
  for (const { state_machine_arn, roll_back_state_machine_arn } of services)
    for (const arn of [
      executionArn(state_machine_arn, id),
      ...(await rollBacksOf(stepFunctions, roll_back_state_machine_arn, id)),
    ]) {
      const { transitions, invocations } = countHistory((await findHistory(stepFunctions, arn)) ?? []);
      sum.transitions += transitions;
      sum.invocations += invocations;
    }
  return sum;
}

/** The ARNs of all executions of a roll-back state machine that belong to a provisioning. */
async function rollBacksOf(stepFunctions: SFNClient, stateMachineArn: string, id: string): Promise<string[]> {
  const arns: string[] = [];
  for await (const { executions = [] } of paginateListExecutions(
    { client: stepFunctions },
    { stateMachineArn },
  ))
    arns.push(
      ...executions
        .filter(({ name = '' }) => provisioningIdIn(name) === id)
        .map(({ executionArn: arn = '' }) => arn),
    );
  return arns;
}

/**
 * Counts of one history; zero for an execution that does not exist. A Map is one transition, and each state of each of its
 * iterations is one.
 */
export function countHistory(events: readonly HistoryEvent[]): ExecutionCounts {
  const entered = events.filter(({ stateEnteredEventDetails }) => stateEnteredEventDetails !== undefined);
  const tasksEntered = entered.filter(({ type }) => type === 'TaskStateEntered');
  const attempts = events.filter(({ type }) => type === 'TaskScheduled');
  const retries = Math.max(0, attempts.length - tasksEntered.length);
  return {
    transitions: events.length === 0 ? 0 : 1 + entered.length + retries,
    invocations: attempts.filter((event) => event.taskScheduledEventDetails?.resourceType === 'lambda')
      .length,
  };
}
