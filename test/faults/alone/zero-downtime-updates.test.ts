import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DescribeStateMachineCommand,
  type DescribeStateMachineOutput,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, it } from '@jest/globals';
import { app1Names } from '../../../infra/names.ts';
import type { Machine } from '../../../local/system.ts';
import { outputs, waitForCompletion } from '../../e2e/support/deployed.ts';
import { delayState } from '../support/call-rules.ts';
import { statesOf, system, targetOutputs } from '../support/deployed.ts';
import { waitForState } from '../support/executions.ts';
import { violations } from '../support/oracle.ts';
import { plan } from '../support/plan.ts';
import { deprovision, post } from '../support/provisioning.ts';
import { inject } from '../support/proxy.ts';
import { names, target } from '../support/target.ts';

/**
 * The state machines that an update replaces while executions run. Their golden definitions represent the previous
 * release. After release 1.0.0, the definitions of the last release do.
 */
const machines = {
  ProvisionServiceUser: outputs.app1.state_machine_arn,
  CreateServiceUser: targetOutputs.state_machine_arn,
  RollBackServiceUser: targetOutputs.roll_back_state_machine_arn,
} as const satisfies Partial<Record<Machine, string>>;
const machineNames = Object.keys(machines) as (keyof typeof machines)[]; // keys of a const object

const { stepFunctions } = system.clients;
const update = (stateMachineArn: string, definition: string) =>
  stepFunctions.send(new UpdateStateMachineCommand({ stateMachineArn, definition }));

/** The definition of the previous release, with the ARNs of this deployment in place of its names. */
function previous(name: string): string {
  const file = join(import.meta.dirname, '..', '..', 'workflows', 'golden', `${name}.asl.json`);
  const { region, account } = outputs;
  // The golden definitions are those of App2.
  const definition = readFileSync(file, 'utf8').replace(/\bapp2\b/g, target);
  return definition.replace(/\$\{([^}]+)\}/g, (_, resource: string) =>
    [app1Names.bus, names.bus].includes(resource)
      ? `arn:aws:events:${region}:${account}:event-bus/${resource}`
      : `arn:aws:lambda:${region}:${account}:function:${resource}`,
  );
}

/** Starts an execution on the definitions of the previous release, and updates to the present ones while it runs. */
async function updateDuring(start: () => Promise<void>): Promise<void> {
  const present: [string, DescribeStateMachineOutput][] = await Promise.all(
    machineNames.map(async (name) => [
      machines[name],
      await stepFunctions.send(new DescribeStateMachineCommand({ stateMachineArn: machines[name] })),
    ]),
  );
  await Promise.all(machineNames.map((name) => update(machines[name], previous(name))));
  try {
    await start();
  } finally {
    await Promise.all(present.map(([arn, { definition = '' }]) => update(arn, definition)));
  }
}

describe('an update while executions run', () => {
  it('lets a creation finish on its own definition, with the present functions', async () => {
    const planned = await plan();
    const delay = await inject(...delayState('CreateUser', planned));
    await updateDuring(async () => {
      await post(planned, planned.key);
      await waitForState('CreateServiceUser', planned.id, 'CreateUser');
    });

    expect(await waitForCompletion(planned.id)).toMatchObject({ status: 'SUCCEEDED', user: 'present' });
    expect(await violations(planned)).toEqual([]);

    await delay.lift();
  });

  it('lets a roll-back finish that started before it', async () => {
    const planned = await plan();
    await post(planned, planned.key);
    await waitForCompletion(planned.id);
    const delay = await inject(...delayState('StopUserCreation', planned));

    await updateDuring(async () => {
      await system.deprovision(planned.id);
      await waitForState('RollBackServiceUser', planned.id, 'StopUserCreation');
    });
    await delay.lift();
    await deprovision(planned.id);

    expect(await statesOf('RollBackServiceUser', planned.id)).toEqual([
      'StopUserCreation',
      'DeleteUser',
      'ChoosePublishedOutcome',
      'PublishUserRemoved',
      'UserRemoved',
    ]);
    expect(await violations(planned)).toEqual([]);
  });
});
