import { isDeepStrictEqual } from 'node:util';
import {
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { getProvisioning, getTimeline, requestUser } from '../../cli/app1-api.ts';
import { provisioning as provisioningSchema } from '../../cli/json-output.ts';
import { MAX_TARGETS_PER_REQUEST } from '../../contracts/app1-api.ts';
import { sampleReply } from '../../contracts/app2-api.ts';
import { app2Routes } from '../../contracts/routes.ts';
import { serviceKinds } from '../../contracts/services.ts';
import { callBusinessRoute, noBusinessRoute } from '../business-route.ts';
import type { Check } from '../check.ts';
import { describeResponse, expectProblem } from '../responses.ts';
import { DEPROVISIONED_EVENTS, type DeployedSystem, type Finished, newPassword } from '../system.ts';
import { assert, NotApplicable } from '../verdict.ts';

/** Requests of callers to App1 and their outcomes. */

const JSON_BODY = { 'content-type': 'application/json' };

/** Steps that every successful provisioning has, by the kind of the service. */
const STEPS = {
  app1: ['Authenticate', 'EncryptCredentials', 'RequestUserCreation'],
  app2: ['DecryptCredentials', 'CreateUser', 'SetPassword', 'AddToGroup'],
} as const;

/** Creates a user in the pool without App1, and returns its name. */
async function createExistingUser(system: DeployedSystem): Promise<string> {
  const { username: Username } = system.newUser();
  const cognito = system.app2.connection.client(CognitoIdentityProviderClient);
  const poolUserKey = { UserPoolId: system.app2.outputs.user_pool_id, Username };
  system.cleanup.add({
    description: `the user ${Username}, which a check has created in the pool`,
    remove: async () => {
      if ((await system.poolUser(Username)) !== undefined)
        await cognito.send(new AdminDeleteUserCommand(poolUserKey));
    },
  });
  await cognito.send(new AdminCreateUserCommand({ ...poolUserKey, MessageAction: 'SUPPRESS' }));
  return Username;
}

/** Provisions a name that exists in the pool. Returns the provisioning, and the existing user before and after it. */
async function provisionExistingName(system: DeployedSystem) {
  const username = await createExistingUser(system);
  const before = await system.poolUser(username);
  const finished = await system.provision({ username });
  return { ...finished, before, after: await system.poolUser(username) };
}

/**
 * The target of the acceptance and further active targets, as many as a request may name.
 * @throws NotApplicable if it is the only one
 */
function severalTargets({ app1, app2 }: DeployedSystem): string[] {
  const active = app1.outputs.targets.filter(({ state }) => state === 'active').map(({ name }) => name);
  const targets = [app2.name, ...active.filter((name) => name !== app2.name)];
  if (targets.length === 1) throw new NotApplicable(`${app2.name} is the only active target of App1`);
  return targets.slice(0, MAX_TARGETS_PER_REQUEST);
}

/** The users of a provisioning at its targets, as text. */
const describeUsers = ({ targets = [] }: Pick<Finished['provisioning'], 'targets'>): string =>
  `its users are ${targets.map(({ target, user }) => `${user} at ${target}`).join(', ') || 'not listed'}`;

export const provisioningChecks: readonly Check[] = [
  {
    name: 'provisioning/succeeds',
    claim: 'A service user is created: confirmed, enabled, in its group, stamped by its provisioning.',
    async run(system) {
      const { user, provisioning } = await system.example();
      const { provisioning_id: id } = provisioning;
      system.expectedEvents.set(id, [
        'ServiceUserProvisioningRequested',
        'ServiceUserCreated',
        'ServiceUserProvisioned',
      ]);
      const found = await system.poolUser(user.username);
      assert(found !== undefined, `${id} SUCCEEDED, but the pool does not have its user`);
      assert(
        found.status === 'CONFIRMED' && found.enabled === true,
        `its user is ${found.status}, ${found.enabled === true ? 'enabled' : 'disabled'}`,
      );
      assert(
        isDeepStrictEqual(found.groups, [system.app2.outputs.service_user_group]),
        `its user is in the groups: ${found.groups.join(', ') || 'none'}`,
      );
      assert(
        found.attributes['custom:provisioning_id'] === id,
        'its user has the stamp of another provisioning',
      );
      const took = Date.parse(provisioning.stopped_at ?? '') - Date.parse(provisioning.started_at);
      return `${id} SUCCEEDED after ${(took / 1000).toFixed(1)} s`;
    },
  },
  {
    name: 'provisioning/signs-in',
    claim: 'The service user signs in with the password of the request.',
    async run(system) {
      const { user } = await system.example();
      await system.signIn(user);
      return `${user.username} signed in`;
    },
  },
  {
    name: 'provisioning/business-endpoint',
    claim: 'A business endpoint of the target accepts the token of the service user; /sample identifies it.',
    async run(system) {
      const { businessRoute } = system;
      if (businessRoute === undefined) throw new NotApplicable(noBusinessRoute(system));
      const { user } = await system.example();
      const response = await callBusinessRoute(system, businessRoute, await system.signIn(user));
      const { method, path } = businessRoute;
      const returned = `${method} /${path} returned ${describeResponse(response)}`;
      assert(![401, 403].includes(response.status) && response.status < 500, returned);
      if (path !== app2Routes.sample.path) return returned;
      const { username } = sampleReply.parse(JSON.parse(response.text));
      assert(username === user.username, `/sample identified the user as ${username}`);
      return `/sample returned ${username}`;
    },
  },
  {
    name: 'provisioning/machine-signs-in',
    claim:
      "App1's machine user signs in with the credentials of the secret, and the target returns the status of its creation.",
    async run(system) {
      const { provisioning } = await system.example();
      const token = await system.machineToken();
      const path = `/admin/create-user/${provisioning.provisioning_id}`;
      const response = await system.callTarget(path, { token });
      assert(response.status === 200, `the target returned ${describeResponse(response)}`);
      return 'the target returned the status of the creation';
    },
  },
  {
    name: 'provisioning/repeat',
    claim: 'Repeats of a request with its key, sequential or concurrent, are one provisioning.',
    async run(system) {
      const { user, key, provisioning } = await system.example();
      const repeats = await Promise.all([1, 2, 3].map(() => requestUser(system.apiContext, user, key)));
      const ids = new Set(repeats.map(({ provisioning_id }) => provisioning_id));
      assert(
        isDeepStrictEqual([...ids], [provisioning.provisioning_id]),
        `the repeats of ${provisioning.provisioning_id} were ${[...ids].join(', ')}`,
      );
      return `three repeats were ${provisioning.provisioning_id}`;
    },
  },
  {
    name: 'provisioning/conflict',
    claim: 'The same key with another password is rejected.',
    async run(system) {
      const { user, key } = await system.example();
      const response = await system.callApp1('/create-service-user', {
        method: 'POST',
        headers: { ...JSON_BODY, 'idempotency-key': key },
        body: JSON.stringify({ ...user, password: newPassword() }),
      });
      return expectProblem(response, 'IDEMPOTENCY_CONFLICT');
    },
  },
  {
    name: 'provisioning/timeline',
    claim:
      "App1 returns the steps of all services to the owner; it reads the target's steps through its API.",
    async run(system) {
      const { provisioning } = await system.example();
      const timeline = await system.eventually(async () => {
        const timelinePart = await getTimeline(system.apiContext, provisioning.provisioning_id);
        const missing = timelinePart.timeline_incomplete ?? [];
        assert(missing.length === 0, `steps are missing of ${missing.join(' and ')}`);
        return timelinePart.timeline;
      });
      const missing = serviceKinds.flatMap((kind) =>
        STEPS[kind].filter(
          (expected) => !timeline.some((one) => one.service === system[kind].name && one.step === expected),
        ),
      );
      assert(missing.length === 0, `it has no ${missing.join(', ')}`);
      return `${timeline.length} steps`;
    },
  },
  {
    name: 'provisioning/several-targets',
    claim: 'One request creates a user at each of several targets, and DELETE removes all of them.',
    runsInParallel: true,
    async run(system) {
      const targets = severalTargets(system);
      const { user, provisioning } = await system.provision({ targets });
      const { provisioning_id: id, status } = provisioning;
      assert(status === 'SUCCEEDED', `its provisioning finished as ${status} ${describeUsers(provisioning)}`);
      system.expectedEvents.set(id, DEPROVISIONED_EVENTS);
      const created = targets.map((target) => ({ target, user: 'present' }));
      assert(isDeepStrictEqual(provisioning.targets, created), describeUsers(provisioning));
      await system.signIn(user);
      await system.remove(id);
      const after = await getProvisioning(system.apiContext, id);
      const removed = targets.map((target) => ({ target, user: 'absent' }));
      assert(isDeepStrictEqual(after.targets, removed), describeUsers(after));
      return `${id} at ${targets.join(', ')}`;
    },
  },
  {
    name: 'provisioning/existing-name',
    claim: 'A provisioning of an existing username fails, and the existing user is unchanged.',
    async run(system) {
      const { provisioning, before, after } = await provisionExistingName(system);
      const { provisioning_id: id, error, user } = provisioning;
      system.expectedEvents.set(id, [
        'ServiceUserProvisioningRequested',
        'ServiceUserCreationRolledBack',
        'ServiceUserProvisioningFailed',
      ]);
      assert(
        error?.code === 'USER_ALREADY_EXISTS',
        `it finished as ${provisioning.status} ${error?.code ?? ''}`,
      );
      assert(user === 'absent', `its status reports its own user as ${user}`);
      assert(isDeepStrictEqual(before, after), 'the existing user has changed');
      return `${id}: ${error.code}`;
    },
  },
  {
    name: 'provisioning/retry',
    claim: 'A failed provisioning is retried without its password, and the user signs in with it.',
    async run(system) {
      const { user, provisioning } = await provisionExistingName(system);
      const { user_pool_id: UserPoolId } = system.app2.outputs;
      await system.app2.connection
        .client(CognitoIdentityProviderClient)
        .send(new AdminDeleteUserCommand({ UserPoolId, Username: user.username }));
      const retried = provisioningSchema.parse(await system.retry(provisioning.provisioning_id));
      assert(
        retried.status === 'SUCCEEDED',
        `the retry finished as ${retried.status} ${retried.error?.code ?? ''} ${retried.error?.step ?? ''}`,
      );
      await system.signIn(user);
      return `${retried.provisioning_id} SUCCEEDED`;
    },
  },
];
