import { type ExecutionStatus, paginateListExecutions } from '@aws-sdk/client-sfn';
import { forgetExecutions } from '../../../local/retention.ts';
import type { Machine } from '../../../local/system.ts';
import { outputs, system } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { LOOK_EVERY } from './at-once.ts';
import { rollBackOf } from './executions.ts';

/** The records of a provisioning's executions, which AWS drops 90 days after their end. */

const stateMachineArns: Record<Machine, string> = {
  ProvisionServiceUser: outputs.app1.state_machine_arn,
  RollBackProvisioning: outputs.app1.roll_back_state_machine_arn,
  CreateServiceUser: outputs.app2.state_machine_arn,
  RollBackServiceUser: outputs.app2.roll_back_state_machine_arn,
};

/** The machines in which a provisioning may have records. */
export const machines = [
  'ProvisionServiceUser',
  'CreateServiceUser',
  'RollBackProvisioning',
  'RollBackServiceUser',
] as const satisfies readonly Machine[];

const isRollBack = (machine: Machine): boolean => Object.values<Machine>(rollBackOf).includes(machine);

/** The names of a provisioning's executions of a machine, of every generation, as a list shows them. */
export async function namesOf(
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
 * Drops the records that a provisioning has in these machines; of a roll-back machine those of every attempt.
 * @throws Error when there is none, Problem when one is running
 */
export async function expire(id: string, ...of: readonly Machine[]): Promise<void> {
  const arns = await Promise.all(
    of.map(async (machine) => {
      const names = isRollBack(machine) ? await namesOf(machine, id) : [id];
      return Promise.all(names.map((name) => system.executionArn(machine, name)));
    }),
  );
  if (arns.some((some) => some.length === 0)) throw new Error(`${id} has no record in ${of.join(' or ')}.`);
  await forgetExecutions(outputs.endpoint, arns.flat());
}

/** Waits until none of a provisioning's executions runs any more. */
export async function nothingRuns(id: string, within = 180_000): Promise<void> {
  await eventually(
    async () => {
      const running = await Promise.all(machines.map((machine) => namesOf(machine, id, 'RUNNING')));
      if (running.flat().length > 0) throw new Error(`${running.flat().join(', ')} run.`);
    },
    within,
    LOOK_EVERY,
  );
}
