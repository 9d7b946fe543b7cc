import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DescribeStateMachineCommand,
  type DescribeStateMachineOutput,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, it } from '@jest/globals';
import type { Machine } from '../../../local/system.ts';
import { ended, outputs, statesOf, system } from '../../e2e/support/deployed.ts';
import { entered } from '../support/executions.ts';
import { holdOf } from '../support/holds.ts';
import { plan } from '../support/known.ts';
import { violations } from '../support/oracle.ts';
import { deprovision, post } from '../support/provisioning.ts';
import { inject } from '../support/proxy.ts';

/**
 * The machines that an update replaces while executions run. Their golden definitions stand for the release before: from
 * release 1.0.0 on those of the last release do.
 */
const machines = {
  ProvisionServiceUser: outputs.app1.state_machine_arn,
  CreateServiceUser: outputs.app2.state_machine_arn,
  RollBackServiceUser: outputs.app2.roll_back_state_machine_arn,
} as const satisfies Partial<Record<Machine, string>>;
const names = Object.keys(machines) as (keyof typeof machines)[]; // keys of a const object

const { stepFunctions } = system.clients;
const update = (stateMachineArn: string, definition: string) =>
  stepFunctions.send(new UpdateStateMachineCommand({ stateMachineArn, definition }));

/** The definition of the release before, with the ARNs of this deployment for its names. */
function previous(name: string): string {
  const file = join(import.meta.dirname, '..', '..', 'workflows', 'golden', `${name}.asl.json`);
  const { region, account } = outputs;
  return readFileSync(file, 'utf8').replace(/\$\{([^}]+)\}/g, (_, of: string) =>
    of.startsWith('app1-provisioning') || of.startsWith('app2-service-users')
      ? `arn:aws:events:${region}:${account}:event-bus/${of}`
      : `arn:aws:lambda:${region}:${account}:function:${of}`,
  );
}

/** Starts something on the definitions of the release before, and updates to the present ones while it is under way. */
async function acrossTheUpdate(begin: () => Promise<void>): Promise<void> {
  const present: [string, DescribeStateMachineOutput][] = await Promise.all(
    names.map(async (name) => [
      machines[name],
      await stepFunctions.send(new DescribeStateMachineCommand({ stateMachineArn: machines[name] })),
    ]),
  );
  await Promise.all(names.map((name) => update(machines[name], previous(name))));
  try {
    await begin();
  } finally {
    await Promise.all(present.map(([arn, { definition = '' }]) => update(arn, definition)));
  }
}

describe('an update while executions run', () => {
  it('lets them finish on their own definition, with the present functions', async () => {
    const planned = await plan();
    const held = await inject(...holdOf('CreateUser', planned));
    await acrossTheUpdate(async () => {
      await post(planned, planned.key);
      await entered('CreateServiceUser', planned.id, 'CreateUser');
    });
    expect(await ended(planned.id)).toMatchObject({ status: 'SUCCEEDED', user: 'present' });
    expect(await violations(planned)).toEqual([]);
    await held.lift();
  });

  it('lets an undo finish that began before it', async () => {
    const planned = await plan();
    await post(planned, planned.key);
    await ended(planned.id);
    const held = await inject(...holdOf('StopUserCreation', planned));
    await acrossTheUpdate(async () => {
      await system.deprovision(planned.id);
      await entered('RollBackServiceUser', planned.id, 'StopUserCreation');
    });
    await held.lift();
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
