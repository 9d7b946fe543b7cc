import { type ExecutionStatus, paginateListExecutions } from '@aws-sdk/client-sfn';
import { forgetExecutions } from '../../../local/retention.ts';
import type { Machine } from '../../../local/system.ts';
import { outputs } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { POLL_INTERVAL_MS } from './concurrency.ts';
import { system, targetOutputs } from './deployed.ts';
import { rollBackOf } from './executions.ts';

/** The records of a provisioning's executions, which AWS deletes 90 days after the executions have finished. */

const stateMachineArns: Record<Machine, string> = {
  ProvisionServiceUser: outputs.app1.state_machine_arn,
  RollBackProvisioning: outputs.app1.roll_back_state_machine_arn,
  CreateServiceUser: targetOutputs.state_machine_arn,
  RollBackServiceUser: targetOutputs.roll_back_state_machine_arn,
};

/** The state machines in which a provisioning may have records. */
export const machines = [
  'ProvisionServiceUser',
  'CreateServiceUser',
  'RollBackProvisioning',
  'RollBackServiceUser',
] as const satisfies readonly Machine[];

const isRollBack = (machine: Machine): boolean => Object.values<Machine>(rollBackOf).includes(machine);

/** Names of a provisioning's executions of a state machine, of every generation, by ListExecutions. */
export async function listExecutionNames(
  machine: Machine,
  id: string,
  statusFilter?: ExecutionStatus,
): Promise<string[]> {
  const names: string[] = [];
  for await (const { executions = [] } of paginateListExecutions(
    { client: system.clients.stepFunctions },
    { stateMachineArn: stateMachineArns[machine], statusFilter, maxResults: 1_000 },
  ))
    names.push(...executions.flatMap(({ name = '' }) => (name.startsWith(id) ? [name] : [])));
  return names;
}

/**
 * Deletes the records that a provisioning has in these state machines; of a roll-back workflow those of every roll-back.
 * @throws Error if there is no record, Problem if one of the executions runs
 */
export async function expireRecords(id: string, ...affected: readonly Machine[]): Promise<void> {
  const arns = await Promise.all(
    affected.map(async (machine) => {
      const names = isRollBack(machine) ? await listExecutionNames(machine, id) : [id];
      return Promise.all(names.map((name) => system.executionArn(machine, name)));
    }),
  );
  if (arns.some((found) => found.length === 0))
    throw new Error(`${id} has no record in ${affected.join(' or ')}.`);
  await forgetExecutions(outputs.endpoint, arns.flat());
}

/** Waits until no execution of a provisioning runs. */
export async function waitUntilIdle(id: string, within = 180_000): Promise<void> {
  await eventually(
    async () => {
      const running = await Promise.all(
        machines.map((machine) => listExecutionNames(machine, id, 'RUNNING')),
      );
      if (running.flat().length > 0) throw new Error(`${running.flat().join(', ')} run.`);
    },
    within,
    POLL_INTERVAL_MS,
  );
}
