import { DescribeExecutionCommand, SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { getProvisioning } from '../../cli/app1-api.ts';
import type { ServiceKind } from '../../contracts/services.ts';
import { hasErrorName } from '../../handlers/shared/errors.ts';
import { executionArn } from '../../handlers/shared/executions.ts';
import { functionNamed } from '../../infra/names.ts';
import type { Check } from '../check.ts';
import { functionLog, logLines } from '../logs.ts';
import { DEPROVISIONED_EVENTS, type DeployedSystem } from '../system.ts';
import { assert, NotApplicable } from '../verdict.ts';

/** Removal of users: by DELETE, and after a provisioning or creation was stopped. */

/** Attempts to stop a provisioning before it has finished. */
const MAX_ATTEMPTS = 5;

/** Stops an execution as soon as it exists; returns whether it had not finished before. */
async function stopExecution(system: DeployedSystem, service: ServiceKind, id: string): Promise<boolean> {
  const { connection, outputs } = system[service];
  const stepFunctions = connection.client(SFNClient);
  const execution = { executionArn: executionArn(outputs.state_machine_arn, id) };
  await system.eventually(async () => {
    await stepFunctions.send(new StopExecutionCommand(execution)).catch((error: unknown) => {
      assert(!hasErrorName(error, 'ExecutionDoesNotExist'), `${system[service].name} has not started ${id}`);
      // The error for a finished execution is not documented. Its status decides.
      if (!hasErrorName(error, 'ValidationException')) throw error;
    });
  });
  const { status } = await stepFunctions.send(new DescribeExecutionCommand(execution));
  return status === 'ABORTED';
}

/** Requests a service user, and stops its execution at one of the services before it has finished. */
async function requestAndStop(system: DeployedSystem, service: ServiceKind): Promise<string> {
  for (let tries = 0; tries < MAX_ATTEMPTS; tries += 1) {
    const { id } = await system.request();
    if (await stopExecution(system, service, id)) return id;
    await system.waitUntilFinished(id);
  }
  throw new NotApplicable(
    `${MAX_ATTEMPTS} provisionings had finished at ${system[service].name} before they could be stopped`,
  );
}

/** Waits until the log of the rule's function contains the provisioning. The sweep is another function. */
async function checkRuleCalled(system: DeployedSystem, service: ServiceKind, id: string): Promise<void> {
  const name = functionNamed(system[service].name, 'start-roll-back');
  await system.eventually(async () => {
    const lines = await logLines(system, service, functionLog(name), id);
    assert(lines.length > 0, `${name} was not invoked for ${id}`);
  });
}

export const removalChecks: readonly Check[] = [
  {
    name: 'removal/delete',
    claim: 'DELETE removes the user: no sign-in, no user in the pool, and `absent` in the status.',
    runsInParallel: true,
    async run(system) {
      const { user, provisioning } = await system.provision();
      const { provisioning_id: id, status } = provisioning;
      assert(status === 'SUCCEEDED', `its provisioning finished as ${status}`);
      await system.remove(id);
      system.expectedEvents.set(id, DEPROVISIONED_EVENTS);
      assert((await system.poolUser(user.username)) === undefined, 'the pool still has the user');
      const isRejected = await system.signIn(user).then(
        () => false,
        (error: unknown) => hasErrorName(error, 'NotAuthorizedException', 'UserNotFoundException'),
      );
      assert(isRejected, 'the user still signs in');
      const after = await getProvisioning(system.apiContext, id);
      assert(after.user === 'absent', `the status reports the user as ${after.user}`);
      return `the user of ${id} is removed`;
    },
  },
  {
    name: 'removal/stopped-provisioning',
    claim: "A provisioning that is stopped is rolled back by App1's rule on status changes.",
    runsInParallel: true,
    async run(system) {
      const id = await requestAndStop(system, 'app1');
      const { status, user } = await system.waitUntilFinished(id);
      assert(user === 'absent', `it is ${status}, its user ${user}`);
      await checkRuleCalled(system, 'app1', id);
      return `${id}: ${status}, its user ${user}`;
    },
  },
  {
    name: 'removal/stopped-creation',
    claim:
      "A creation that is stopped is rolled back by the target's rule on status changes, and App1 fails without a user.",
    runsInParallel: true,
    async run(system) {
      const id = await requestAndStop(system, 'app2');
      const { status, user, error } = await system.waitUntilFinished(id);
      assert(
        status === 'FAILED' && user === 'absent',
        `it is ${status} ${error?.code ?? ''}, its user ${user}`,
      );
      await checkRuleCalled(system, 'app2', id);
      return `${id}: ${error?.code}, its user ${user}`;
    },
  },
];
