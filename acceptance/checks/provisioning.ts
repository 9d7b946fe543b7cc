import { isDeepStrictEqual } from 'node:util';
import {
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { getTimeline, requestUser } from '../../cli/app1-api.ts';
import { provisioning as status } from '../../cli/json-output.ts';
import { sampleReply } from '../../contracts/app2-api.ts';
import type { Check } from '../check.ts';
import { describeAnswer, expectProblem } from '../responses.ts';
import { type DeployedSystem, newPassword } from '../system.ts';
import { assert } from '../verdict.ts';

/** What callers ask App1 for, and what becomes of it. */

const JSON_BODY = { 'content-type': 'application/json' };

/** Steps of which every provisioning that goes well has these, at both services. */
const STEPS = {
  app1: ['Authenticate', 'EncryptCredentials', 'RequestUserCreation'],
  app2: ['DecryptCredentials', 'CreateUser', 'SetPassword', 'AddToGroup'],
} as const;

/** A user that the pool had before, as of another way into it. */
async function foreignUser(system: DeployedSystem): Promise<string> {
  const { username: Username } = system.newUser();
  const cognito = system.app2.connection.client(CognitoIdentityProviderClient);
  const who = { UserPoolId: system.app2.outputs.user_pool_id, Username };
  system.cleanup.add({
    description: `the user ${Username}, whom a check has put into the pool`,
    remove: async () => {
      if ((await system.poolUser(Username)) !== undefined)
        await cognito.send(new AdminDeleteUserCommand(who));
    },
  });
  await cognito.send(new AdminCreateUserCommand({ ...who, MessageAction: 'SUPPRESS' }));
  return Username;
}

/** A provisioning that found its name taken: it, and the user that had the name, before and after. */
async function nameTaken(system: DeployedSystem) {
  const username = await foreignUser(system);
  const before = await system.poolUser(username);
  const finished = await system.provision({ username });
  return { ...finished, before, after: await system.poolUser(username) };
}

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
      assert(found !== undefined, `${id} SUCCEEDED, and the pool has no user of it`);
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
    claim: 'The service user signs in with the password of the request, and /sample knows it.',
    async run(system) {
      const { user } = await system.example();
      const token = await system.signIn(user);
      const answer = await system.askApp2('/sample', {
        method: 'POST',
        token,
        headers: JSON_BODY,
        body: JSON.stringify({ data: { n: 1 } }),
      });
      assert(answer.status === 200, `/sample answered ${describeAnswer(answer)}`);
      const { username, received } = sampleReply.parse(JSON.parse(answer.text));
      assert(username === user.username && received['n'] === 1, `/sample took it for ${username}`);
      return `/sample answered ${username}`;
    },
  },
  {
    name: 'provisioning/machine-signs-in',
    claim:
      "App1's machine user signs in with the credentials of the secret, and App2 lets it see its creation.",
    async run(system) {
      const { provisioning } = await system.example();
      const token = await system.machineToken();
      const path = `/admin/create-user/${provisioning.provisioning_id}`;
      const answer = await system.askApp2(path, { token });
      assert(answer.status === 200, `App2 answered ${describeAnswer(answer)}`);
      return 'App2 told the status of the creation';
    },
  },
  {
    name: 'provisioning/repeat',
    claim: 'A request that is repeated with its key, one by one or at once, is one provisioning.',
    async run(system) {
      const { user, key, provisioning } = await system.example();
      const again = await Promise.all([1, 2, 3].map(() => requestUser(system.asking, user, key)));
      const ids = new Set(again.map(({ provisioning_id }) => provisioning_id));
      assert(
        isDeepStrictEqual([...ids], [provisioning.provisioning_id]),
        `the repeats of ${provisioning.provisioning_id} were ${[...ids].join(', ')}`,
      );
      return `three repeats were ${provisioning.provisioning_id}`;
    },
  },
  {
    name: 'provisioning/conflict',
    claim: 'The same key with another password is refused.',
    async run(system) {
      const { user, key } = await system.example();
      const answer = await system.askApp1('/create-service-user', {
        method: 'POST',
        headers: { ...JSON_BODY, 'idempotency-key': key },
        body: JSON.stringify({ ...user, password: newPassword() }),
      });
      return expectProblem(answer, 'IDEMPOTENCY_CONFLICT');
    },
  },
  {
    name: 'provisioning/timeline',
    claim: "The owner is told the steps of both services, and App2's steps through its API.",
    async run(system) {
      const { provisioning } = await system.example();
      const timeline = await system.eventually(async () => {
        const told = await getTimeline(system.asking, provisioning.provisioning_id);
        const missing = told.timeline_incomplete ?? [];
        assert(missing.length === 0, `steps are missing of ${missing.join(' and ')}`);
        return told.timeline;
      });
      const missing = Object.entries(STEPS).flatMap(([service, steps]) =>
        steps.filter((wanted) => !timeline.some((one) => one.service === service && one.step === wanted)),
      );
      assert(missing.length === 0, `it has no ${missing.join(', ')}`);
      return `${timeline.length} steps`;
    },
  },
  {
    name: 'provisioning/taken-name',
    claim: 'A provisioning whose name is taken fails, and the user that has the name is untouched.',
    async run(system) {
      const { provisioning, before, after } = await nameTaken(system);
      const { provisioning_id: id, error, user } = provisioning;
      system.expectedEvents.set(id, [
        'ServiceUserProvisioningRequested',
        'ServiceUserCreationRolledBack',
        'ServiceUserProvisioningFailed',
      ]);
      assert(
        error?.code === 'USER_ALREADY_EXISTS',
        `it ended as ${provisioning.status} ${error?.code ?? ''}`,
      );
      assert(user === 'absent', `it says of its own user: ${user}`);
      assert(isDeepStrictEqual(before, after), 'the user that had the name is not as it was');
      return `${id}: ${error.code}`;
    },
  },
  {
    name: 'provisioning/retry',
    claim: 'A failed provisioning is retried without its password, and the user signs in with it.',
    async run(system) {
      const { user, provisioning } = await nameTaken(system);
      const { user_pool_id: UserPoolId } = system.app2.outputs;
      await system.app2.connection
        .client(CognitoIdentityProviderClient)
        .send(new AdminDeleteUserCommand({ UserPoolId, Username: user.username }));
      const retried = status.parse(await system.retry(provisioning.provisioning_id));
      assert(
        retried.status === 'SUCCEEDED',
        `the retry ended as ${retried.status} ${retried.error?.code ?? ''} ${retried.error?.step ?? ''}`,
      );
      await system.signIn(user);
      return `${retried.provisioning_id} SUCCEEDED`;
    },
  },
];
