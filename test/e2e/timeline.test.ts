import { AdminCreateUserCommand } from '@aws-sdk/client-cognito-identity-provider';
import { expect, it } from '@jest/globals';
import { provisioningStatus } from '../../contracts/status.ts';
import { executionArn } from '../../handlers/shared/executions.ts';
import { readHistory } from '../../handlers/shared/history.ts';
import { withTarget } from '../../local/harness/variables.ts';
import { expectNoLeak } from '../support/leaks.ts';
import { newRequest, outputs, provision, system } from './support/deployed.ts';

const { stepFunctions, cognito } = system.clients;

async function timelineOf(id: string) {
  const { status, body } = await system.status(id, {}, '?include=timeline');
  expect([status, body]).toEqual([200, expect.anything()]);
  const { timeline = [], timeline_incomplete } = provisioningStatus.parse(body);
  return { timeline, timeline_incomplete, body };
}

/** Number of attempts in the history of an execution. */
async function countAttempts(stateMachineArn: string, id: string): Promise<number> {
  const { events } = await readHistory(stepFunctions, executionArn(stateMachineArn, id));
  return events.filter(({ type }) => type === 'TaskScheduled').length;
}

it('the timeline of a failure contains every step and attempt of both services in one list', async () => {
  const request = newRequest();
  const { user_pool_id } = outputs.app2;
  await cognito.send(new AdminCreateUserCommand({ UserPoolId: user_pool_id, Username: request.username }));
  const { provisioning_id: id, error } = await provision(request);

  expect(error).toMatchObject({ code: 'USER_ALREADY_EXISTS', step: 'RequestUserCreation' });

  const { timeline, timeline_incomplete, body } = await timelineOf(id);

  expect(timeline_incomplete).toBeUndefined();
  expect(timeline.map(({ service, step }) => `${service} ${step}`)).toEqual([
    'app1 PublishRequested',
    'app1 ProvisionTargets',
    'app1 Authenticate',
    'app1 EncryptCredentials',
    'app1 RequestUserCreation',
    'app2 DecryptCredentials',
    'app2 WaitForRateLimit',
    'app2 CreateUser',
    'app2 DeleteUser',
    'app2 PublishUserRolledBack',
    'app2 UserCreationRolledBack',
    'app1 TargetFailed',
    'app1 CompensateTargets',
    'app1 ChooseCompensation',
    'app1 CancelUserCreation',
    'app1 ChooseOutcome',
    'app1 PublishProvisioningFailed',
    'app1 ProvisioningFailed',
  ]);

  const startTimes = timeline.map(({ started_at }) => Date.parse(started_at));

  expect(startTimes).toEqual([...startTimes].sort((a, b) => a - b));

  const codes = (name: string) =>
    timeline.find(({ step }) => step === name)?.attempts.map((attempt) => attempt.error?.code ?? 'succeeded');

  expect(codes('CreateUser')).toEqual(['USER_ALREADY_EXISTS']);
  // The only attempt of CreateUser was rejected: no call is in flight, so DeleteUser reads the pool once.
  expect(codes('DeleteUser')).toEqual(['succeeded']);
  expect(codes('RequestUserCreation')?.at(-1)).toBe('USER_ALREADY_EXISTS');

  const attemptsOf = (owner: string) =>
    timeline
      .filter(({ service }) => service === owner)
      .reduce((sum, { attempts }) => sum + attempts.length, 0);

  expect({ app1: attemptsOf('app1'), app2: attemptsOf('app2') }).toEqual({
    app1: await countAttempts(outputs.app1.state_machine_arn, id),
    app2: await countAttempts(outputs.app2.state_machine_arn, id),
  });
  for (const { attempts } of timeline)
    for (const { duration_ms } of attempts) expect(duration_ms).toBeGreaterThanOrEqual(0);
  expectNoLeak(request.password, body);
});

it('the timeline contains the steps of App1 and is marked as incomplete while App2 is unavailable', async () => {
  const { provisioning_id } = await provision(newRequest());

  const { timeline, timeline_incomplete } = await withTarget(
    outputs,
    'app1-call-target',
    'app2',
    { api_url: 'http://127.0.0.1:9' },
    () => timelineOf(provisioning_id),
  );

  expect(timeline_incomplete).toEqual(['app2']);
  expect(timeline.map(({ service, step }) => `${service} ${step}`)).toEqual([
    'app1 PublishRequested',
    'app1 ProvisionTargets',
    'app1 Authenticate',
    'app1 EncryptCredentials',
    'app1 RequestUserCreation',
    'app1 PublishProvisioned',
    'app1 Provisioned',
  ]);
});
