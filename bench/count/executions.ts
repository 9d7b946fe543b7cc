import { type HistoryEvent, paginateListExecutions, type SFNClient } from '@aws-sdk/client-sfn';
import type { Outputs } from '../../cli/outputs.ts';
import { executionArn } from '../../handlers/shared/executions.ts';
import { findHistory } from '../../handlers/shared/history.ts';
import { provisioningIdIn } from '../../handlers/shared/roll-back-names.ts';

/** What of the counts the histories of executions tell. */
export interface Executed {
  transitions: number;
  /** Functions that states invoked. */
  invocations: number;
}

/** The state machines of a service. */
type Machines = Pick<Outputs['app1'], 'state_machine_arn' | 'roll_back_state_machine_arn'>;

/**
 * Adds up all executions of a provisioning, of both services. AWS charges for each step that is executed, its first
 * from the start on, and for each retry (aws.amazon.com/step-functions/pricing).
 */
export async function executed(
  stepFunctions: SFNClient,
  { app1, app2 }: { app1: Machines; app2: Machines },
  id: string,
): Promise<Executed> {
  const sum: Executed = { transitions: 0, invocations: 0 };
  const names = [
    executionArn(app1.state_machine_arn, id),
    executionArn(app2.state_machine_arn, id),
    ...(await rollBacksOf(stepFunctions, app1.roll_back_state_machine_arn, id)),
    ...(await rollBacksOf(stepFunctions, app2.roll_back_state_machine_arn, id)),
  ];
  for (const arn of names) {
    const one = executedIn((await findHistory(stepFunctions, arn)) ?? []);
    sum.transitions += one.transitions;
    sum.invocations += one.invocations;
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

/** What one history contains; nothing for an execution that does not exist. */
export function executedIn(events: readonly HistoryEvent[]): Executed {
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
