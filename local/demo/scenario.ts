import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { colors } from '../../cli/support/colors.ts';
import { provisioningAccepted } from '../../contracts/app1-api.ts';
import { sampleReply } from '../../contracts/app2-api.ts';
import { brokenRules } from '../../contracts/password-policy.ts';
import { problem } from '../../contracts/problems.ts';
import { type ProvisioningStatus, provisioningStatus } from '../../contracts/status.ts';
import { withoutPermission } from '../harness/without-permission.ts';
import type { Machine, PublishedEvent, StateRun, System } from '../system.ts';
import type { Stage } from './stage.ts';
import { watch } from './watch.ts';

/** Runs the demo scene by scene, and checks each result. */
export async function runScenario(system: System, stage: Stage): Promise<void> {
  const suffix = randomBytes(3).toString('hex');
  const password = `Demo-${randomBytes(72).toString('base64url')}-1a`;

  stage.scene('1. A service user is provisioned');
  const anna = await provision(system, stage, {
    username: `anna-${suffix}`,
    password,
    human_user_id: 'h-1001',
  });
  stage.check(
    'the provisioning SUCCEEDED',
    anna.status.status === 'SUCCEEDED' && anna.status.user === 'present',
  );

  stage.scene("2. The user in App2's pool");
  await showUser(system, stage, anna.status);

  stage.scene('3. The user signs in and calls App2');
  await useApp2(system, stage, anna.status, password);

  stage.scene('4. The audit events');
  const provisioned = ['ServiceUserProvisioningRequested', 'ServiceUserCreated', 'ServiceUserProvisioned'];
  const events = await eventsOf(system, anna.status.provisioning_id, provisioned);
  for (const event of events) stage.line(`  ${eventLine(event)}`);
  stage.check('each service has published its events on its own bus', hasAllNames(events, provisioned));

  stage.scene("5. A password that the pool's policy rejects");
  const bob = await system.provision({
    username: `bob-${suffix}`,
    password: 'short',
    human_user_id: 'h-1002',
  });
  stage.line(`  POST /create-service-user {username: bob-${suffix}, …} → ${bob.status}`);
  const { code, errors = [] } = problem.parse(bob.body);
  for (const { pointer, detail } of errors) stage.line(`  ${pointer} ${detail}`);
  const expectedErrors = brokenRules('short', system.outputs.app2.password_policy);
  stage.check(
    'the response lists all errors at once',
    code === 'INVALID_REQUEST' &&
      isDeepStrictEqual(
        errors.map(({ detail }) => detail),
        expectedErrors,
      ),
  );
  stage.check('no user was created', (await system.user(`bob-${suffix}`)) === undefined);

  stage.scene('6. A step fails: AddToGroup has lost a permission');
  const carol = await withoutPermission(
    system.outputs,
    { functionName: 'app2-add-to-group' },
    'cognito-idp:AdminAddUserToGroup',
    () => provision(system, stage, { username: `carol-${suffix}`, password, human_user_id: 'h-1003' }),
  );
  showFailure(stage, carol.status);
  const steps = carol.states.CreateServiceUser.map(({ name }) => name);
  stage.check('the user had been created', steps.includes('CreateUser') && steps.includes('SetPassword'));
  stage.check(
    'DeleteUser has removed it again',
    steps.includes('DeleteUser') && carol.status.user === 'absent',
  );
  stage.check('the pool does not contain the user', (await system.user(`carol-${suffix}`)) === undefined);
  const compensated = [
    'ServiceUserProvisioningRequested',
    'ServiceUserCreationRolledBack',
    'ServiceUserProvisioningFailed',
  ];
  const failureEvents = await eventsOf(system, carol.status.provisioning_id, compensated);
  for (const event of failureEvents) stage.line(`  ${eventLine(event)}`);
  stage.check('the events contain the reason', hasAllNames(failureEvents, compensated));
}

async function provision(
  system: System,
  stage: Stage,
  request: { username: string; password: string; human_user_id: string },
): Promise<{ status: ProvisioningStatus; states: Record<Machine, StateRun[]> }> {
  const response = await system.provision(request);
  stage.line(`  POST /create-service-user {username: ${request.username}, …} → ${response.status}`);
  const accepted = provisioningAccepted.parse(response.body);
  stage.line(`  ${colors.dim(`provisioning_id ${accepted.provisioning_id}`)}`);
  const states = await watch(system, stage, accepted.provisioning_id);
  const status = provisioningStatus.parse((await system.status(accepted.provisioning_id)).body);
  const took = Date.parse(status.stopped_at ?? status.started_at) - Date.parse(status.started_at);
  stage.line(
    `  GET /create-service-user/{provisioning_id} → ${status.status}, user ${status.user}, in ${took} ms`,
  );
  return { status, states };
}

async function showUser(
  system: System,
  stage: Stage,
  { username = '', provisioning_id }: ProvisioningStatus,
): Promise<void> {
  const user = await system.user(username);
  const { attributes = {}, groups = [], status } = user ?? {};
  stage.line(`  username  ${user?.username}`);
  stage.line(`  status    ${status}`);
  stage.line(`  groups    ${groups.join(', ')}`);
  for (const [name, value] of Object.entries(attributes)) stage.line(`  ${colors.dim(`${name} = ${value}`)}`);
  const group = system.outputs.app2.service_user_group;
  stage.check(
    `CONFIRMED, in group ${group}, stamped with the provisioning`,
    status === 'CONFIRMED' &&
      groups.includes(group) &&
      attributes['custom:provisioning_id'] === provisioning_id,
  );
}

async function useApp2(
  system: System,
  stage: Stage,
  { username = '' }: ProvisioningStatus,
  password: string,
): Promise<void> {
  const token = await system.signIn(username, password);
  const body = { data: { greeting: 'hello' } };
  const sample = await system.app2('POST', '/sample', token, body);
  const isRecognised = sample.status === 200 && sampleReply.parse(sample.body).username === username;
  stage.check(`POST /sample with the user's token → ${sample.status}`, isRecognised);
  const admin = await system.app2('POST', '/admin/create-user', token, {});
  stage.check(`POST /admin/create-user with the user's token → ${admin.status}`, admin.status === 403);
  const anonymous = await system.app2('POST', '/admin/create-user', undefined, {});
  stage.check(`POST /admin/create-user without a token → ${anonymous.status}`, anonymous.status === 401);
}

function showFailure(stage: Stage, { status, user, error }: ProvisioningStatus): void {
  stage.line('  The status of the provisioning:');
  for (const [name, value] of Object.entries({ status, user, ...error }))
    stage.line(`    ${colors.dim(name.padEnd(10))} ${String(value)}`);
}

/** Waits until the log contains the expected events, which arrive shortly after they are published. */
async function eventsOf(system: System, id: string, expected: string[]): Promise<PublishedEvent[]> {
  for (let attempt = 0; ; attempt += 1) {
    const events = await system.events(id);
    if (hasAllNames(events, expected) || attempt === 40) return events;
    await sleep(100);
  }
}

const hasAllNames = (events: PublishedEvent[], expected: string[]): boolean =>
  expected.every((name) => events.some((event) => event['detail-type'] === name));

function eventLine({ source, 'detail-type': name, detail }: PublishedEvent): string {
  const { event_id, occurred_at } = detail.metadata;
  const failure = 'failure' in detail.data ? `  ${JSON.stringify(detail.data['failure'])}` : '';
  return `${occurred_at}  ${colors.bold(name)}  ${colors.dim(source)}\n    ${colors.dim(event_id)}${failure}`;
}
