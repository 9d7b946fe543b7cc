import { randomUUID } from 'node:crypto';
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteRoleCommand, DeleteRolePolicyCommand, IAMClient } from '@aws-sdk/client-iam';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { type SignedRequest, signedFetch } from '../../cli/signed-fetch.ts';
import { provisioningAccepted } from '../../contracts/app1-api.ts';
import type { Service } from '../../contracts/services.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { anybodyInTheAccount, assume, createRole } from '../local-aws/support/roles.ts';
import {
  configuration,
  encryptFor,
  ended,
  machineToken,
  newName,
  newPassword,
  newRequest,
  outputs,
  provision,
  signInMachineUser,
  start,
  system,
} from './support/deployed.ts';

/** Who did it, and who may. */

const address = `${outputs.app1.api_url}/create-service-user`;
const mayCall = [{ Effect: 'Allow' as const, Action: 'execute-api:Invoke', Resource: '*' }];
const newRole = () => createRole(anybodyInTheAccount, mayCall);

/** App1 as a session of a role sees it. */
async function callerWith(roleArn: string, session = 'test') {
  const call = signedFetch(await assume(roleArn, session), outputs.region);
  return async (path: string, request: SignedRequest = {}) => {
    const response = await call(`${address}${path}`, request);
    const text = await response.text();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    return { status: response.status, body };
  };
}
const posting = (content: object, headers: Record<string, string> = {}): SignedRequest => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(content),
});

describe('a provisioning of App1', () => {
  let id: string;
  let stranger: Awaited<ReturnType<typeof callerWith>>;
  beforeAll(async () => {
    ({ provisioning_id: id } = await provision(newRequest()));
    stranger = await callerWith(await newRole());
  });

  it.each([
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/retry'],
  ] as const)(
    'is not there for another caller: %s answers as for an id that nobody has, and does nothing',
    async (method, path) => {
      const [foreign, unknown, malformed] = await Promise.all(
        [id, randomUUID(), 'no-id'].map((which) => stranger(`/${which}${path}`, { method })),
      );

      expect(foreign).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
      expect(unknown).toEqual(foreign);
      expect(malformed).toEqual(foreign);
      expect((await system.status(id)).body).toMatchObject({ user: 'present' });
    },
  );

  it("is another one for another caller's same key", async () => {
    const key = { 'Idempotency-Key': randomUUID() };
    const [first, second] = [await callerWith(await newRole()), await callerWith(await newRole())];
    const ids = [];
    for (const call of [first, second, first]) {
      const { status, body } = await call('', posting(newRequest({ username: 'x y' }), key));
      expect(status).toBe(400);
      expect(JSON.stringify(body)).not.toContain('x y');
    }
    for (const call of [first, second]) {
      const { status, body } = await call('', posting(newRequest(), key));
      expect(status).toBe(202);
      ids.push(provisioningAccepted.parse(body).provisioning_id);
    }
    expect(new Set(ids).size).toBe(2);
    expect((await first(`/${ids[1]}`)).status).toBe(404);
    expect((await second(`/${ids[1]}`)).status).toBe(200);
  });

  it('is the same for another session of the same role, and not for a role made again under its name', async () => {
    const role = await newRole();
    const { body } = await (await callerWith(role, 'monday'))('', posting(newRequest()));
    const { provisioning_id } = provisioningAccepted.parse(body);
    expect((await (await callerWith(role, 'tuesday'))(`/${provisioning_id}`)).status).toBe(200);

    const RoleName = role.split('/').at(-1) ?? '';
    const iam = new IAMClient(configuration);
    await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: 'may' }));
    await iam.send(new DeleteRoleCommand({ RoleName }));
    const again = await createRole(anybodyInTheAccount, mayCall, undefined, RoleName);
    expect(again).toBe(role);
    expect((await (await callerWith(again))(`/${provisioning_id}`)).status).toBe(404);
  });

  it.each([
    ['a field', { owner: 'somebody' }, {}],
    ['a field for App2', { on_behalf_of: 'somebody' }, {}],
    ['an actor', { actor: 'somebody' }, {}],
  ])(
    'belongs to nobody whom its caller names: %s is no part of the request',
    async (_what, more, headers) => {
      const { status, body } = await system.provision(JSON.stringify({ ...newRequest(), ...more }), headers);
      expect([status, body]).toEqual([400, expect.objectContaining({ code: 'INVALID_REQUEST' })]);
    },
  );

  it('is recorded under the caller that was verified, in both services, whatever headers say', async () => {
    const request = newRequest({ human_user_id: 'h-asserted' });
    const forged = {
      'On-Behalf-Of': 'somebody-else',
      'X-Amzn-Caller': 'somebody-else',
      'X-Forwarded-User': 'somebody-else',
    };
    const forgedId = await start(request, forged);
    await ended(forgedId);

    const inputOf = async (machine: Service) => {
      const arn = outputs[machine].state_machine_arn.replace(':stateMachine:', ':execution:');
      const { input = '' } = await system.clients.stepFunctions.send(
        new DescribeExecutionCommand({ executionArn: `${arn}:${forgedId}` }),
      );
      return JSON.parse(input);
    };
    const { owner } = await inputOf('app1');
    expect(owner).toMatch(new RegExp(`^${outputs.account}/`));
    expect(await inputOf('app2')).toMatchObject({ owner: 'owner-app1', on_behalf_of: owner });

    await eventually(async () => {
      const events = await system.events(forgedId);
      expect(
        events.map(({ source, detail }) => [source, detail.metadata.actor, detail.metadata.asserted]).sort(),
      ).toEqual([
        ['app1.provisioning', owner, ['human_user_id']],
        ['app1.provisioning', owner, ['human_user_id']],
        ['app2.service-users', 'owner-app1', ['human_user_id', 'on_behalf_of']],
      ]);
      const atApp2 = events.find(({ source }) => source === 'app2.service-users');
      expect(atApp2?.detail.data).toMatchObject({ human_user_id: 'h-asserted', on_behalf_of: owner });
      expect(JSON.stringify(events)).not.toContain('somebody-else');
    });
  });
});

describe('a creation of App2', () => {
  /** A machine user that is no user of App1: it has the group, and works for itself. */
  async function otherMachine(): Promise<string> {
    const user = { UserPoolId: outputs.app2.user_pool_id, Username: newName('machine') };
    const Password = newPassword();
    await system.clients.cognito.send(new AdminCreateUserCommand({ ...user, MessageAction: 'SUPPRESS' }));
    await system.clients.cognito.send(
      new AdminSetUserPasswordCommand({ ...user, Password, Permanent: true }),
    );
    await system.clients.cognito.send(new AdminAddUserToGroupCommand({ ...user, GroupName: 'api-client' }));
    return signInMachineUser({ username: user.Username, password: Password });
  }

  let mine: string;
  let theirs: string;
  let id: string;
  let body: { username: string; encrypted_password: string; human_user_id: string };
  const create = (token: string, content: object) =>
    system.app2('POST', '/admin/create-user', token, content, {
      'Idempotency-Key': id,
      Prefer: 'wait=10',
    });
  beforeAll(async () => {
    [mine, theirs] = await Promise.all([machineToken(), otherMachine()]);
    id = randomUUID();
    const username = newName('owned');
    body = {
      username,
      encrypted_password: await encryptFor(id, username, newPassword()),
      human_user_id: 'h-1',
    };
    expect((await create(mine, body)).status).toBe(200);
  });

  it.each(['GET', 'POST'] as const)('is not there for another machine client: %s', async (method) => {
    const answer =
      method === 'POST'
        ? await create(theirs, body)
        : await system.app2('GET', `/admin/create-user/${id}`, theirs);
    const unknown = await system.app2('GET', `/admin/create-user/${randomUUID()}`, theirs);

    expect([answer.status, answer.body]).toEqual([404, unknown.body]);
    expect(await system.user(body.username)).toMatchObject({ status: 'CONFIRMED' });
  });

  it('is not removed for another machine client', async () => {
    const answer = await system.app2('DELETE', `/admin/create-user/${id}`, theirs);

    expect(answer).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(await system.user(body.username)).toMatchObject({ status: 'CONFIRMED' });
  });

  it('is there for its own', async () => {
    expect((await system.app2('GET', `/admin/create-user/${id}`, mine)).status).toBe(200);
  });
});

describe('a caller that has had its share of looks', () => {
  it('is refused what has to be looked up and nothing else, and no other caller is', async () => {
    const [greedy, modest] = [await callerWith(await newRole()), await callerWith(await newRole())];
    const { provisioning_id } = provisioningAccepted.parse((await greedy('', posting(newRequest()))).body);
    const executionArn = `${outputs.app1.state_machine_arn.replace(':stateMachine:', ':execution:')}:${provisioning_id}`;
    const { input = '' } = await system.clients.stepFunctions.send(
      new DescribeExecutionCommand({ executionArn }),
    );
    const { owner } = z.object({ owner: z.string() }).parse(JSON.parse(input));
    const dynamoDb = new DynamoDBClient(configuration);
    const limit = { TableName: 'app1-rate-limits', Key: { name: { S: `describes of ${owner}` } } };
    const usedUp = { next_at: { N: String(Date.now() + 3_600_000) } };
    await dynamoDb.send(
      new PutItemCommand({ TableName: limit.TableName, Item: { ...limit.Key, ...usedUp } }),
    );

    const throttled = { status: 429, body: { code: 'THROTTLED', type: 'about:blank' } };
    expect(await greedy(`/${provisioning_id}`, {})).toMatchObject(throttled);
    expect(await greedy(`/${provisioning_id}`, { method: 'DELETE' })).toMatchObject(throttled);
    expect(await greedy(`/${provisioning_id}/retry`, { method: 'POST' })).toMatchObject(throttled);
    expect(await greedy('', posting(newRequest(), { Prefer: 'wait=20' }))).toMatchObject({ status: 202 });
    expect(await modest(`/${provisioning_id}`, {})).toMatchObject({ status: 404 });

    await dynamoDb.send(new DeleteItemCommand(limit));
    expect(await greedy(`/${provisioning_id}`, {})).toMatchObject({ status: 200 });
  });
});
