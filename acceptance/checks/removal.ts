import { DescribeExecutionCommand, SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { getProvisioning } from '../../cli/app1-api.ts';
import type { Service } from '../../contracts/services.ts';
import { hasErrorName } from '../../handlers/shared/errors.ts';
import { executionArn } from '../../handlers/shared/executions.ts';
import { functionNamed } from '../../infra/names.ts';
import type { Check } from '../check.ts';
import { functionLog, logLines } from '../logs.ts';
import type { DeployedSystem } from '../system.ts';
import { assert, NotApplicable } from '../verdict.ts';

/** How users go: by DELETE, and when somebody stops what makes them. */

/** How often a provisioning may have finished before it could be stopped. */
const TRIES = 5;

/** Stops an execution of a machine as soon as there is one; whether it was not over before. */
async function stopOnce(system: DeployedSystem, service: Service, id: string): Promise<boolean> {
  const { connection, outputs } = system[service];
  const stepFunctions = connection.client(SFNClient);
  const execution = { executionArn: executionArn(outputs.state_machine_arn, id) };
  await system.eventually(async () => {
    await stepFunctions.send(new StopExecutionCommand(execution)).catch((error: unknown) => {
      assert(!hasErrorName(error, 'ExecutionDoesNotExist'), `${service} has not begun with ${id}`);
      // Not documented: what is said of an execution that is over. Its status tells.
      if (!hasErrorName(error, 'ValidationException')) throw error;
    });
  });
  const { status } = await stepFunctions.send(new DescribeExecutionCommand(execution));
  return status === 'ABORTED';
}

/** Has a service user requested, and stops its execution at one of the services before it has ended. */
async function stopped(system: DeployedSystem, service: Service): Promise<string> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { id } = await system.request();
    if (await stopOnce(system, service, id)) return id;
    await system.ended(id);
  }
  throw new NotApplicable(`${TRIES} provisionings had finished at ${service} before they could be stopped`);
}

/** The rule's function has said something of a provisioning: the sweep, which would find it, too, is another one. */
async function byTheRule(system: DeployedSystem, service: Service, id: string): Promise<void> {
  const watch = { app1: 'start-roll-back', app2: 'start-roll-back' }[service];
  const name = functionNamed(service, watch);
  await system.eventually(async () => {
    const lines = await logLines(system, service, functionLog(name), id);
    assert(lines.length > 0, `${name} was not called for ${id}`);
  });
}

export const removalChecks: readonly Check[] = [
  {
    name: 'removal/delete',
    claim: 'DELETE removes the user: no sign-in, no user in the pool, and the status says so.',
    waits: true,
    async run(system) {
      const { user, provisioning } = await system.provision();
      const { provisioning_id: id, status } = provisioning;
      assert(status === 'SUCCEEDED', `its provisioning ended as ${status}`);
      await system.remove(id);
      system.expectedEvents.set(id, [
        'ServiceUserProvisioningRequested',
        'ServiceUserCreated',
        'ServiceUserProvisioned',
        'ServiceUserRemoved',
        'ServiceUserDeprovisioned',
      ]);
      assert((await system.poolUser(user.username)) === undefined, 'the pool still has the user');
      const refused = await system.signIn(user).then(
        () => false,
        (error: unknown) => hasErrorName(error, 'NotAuthorizedException', 'UserNotFoundException'),
      );
      assert(refused, 'the user still signs in');
      const after = await getProvisioning(system.asking, id);
      assert(after.user === 'absent', `the status says: ${after.user}`);
      return `the user of ${id} is gone`;
    },
  },
  {
    name: 'removal/stopped-provisioning',
    claim: "A provisioning that is stopped is rolled back by App1's rule on status changes.",
    waits: true,
    async run(system) {
      const id = await stopped(system, 'app1');
      const { status, user } = await system.ended(id);
      assert(user === 'absent', `it is ${status}, its user ${user}`);
      await byTheRule(system, 'app1', id);
      return `${id}: ${status}, its user ${user}`;
    },
  },
  {
    name: 'removal/stopped-creation',
    claim:
      "A creation that is stopped is rolled back by App2's rule on status changes, and App1 ends without a user.",
    waits: true,
    async run(system) {
      const id = await stopped(system, 'app2');
      const { status, user, error } = await system.ended(id);
      assert(
        status === 'FAILED' && user === 'absent',
        `it is ${status} ${error?.code ?? ''}, its user ${user}`,
      );
      await byTheRule(system, 'app2', id);
      return `${id}: ${error?.code}, its user ${user}`;
    },
  },
];
