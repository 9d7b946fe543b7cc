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
import type { ServiceKind } from '../../contracts/services.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { anyPrincipalInTheAccount, assume, createRole } from '../local-aws/support/roles.ts';
import {
  configuration,
  encryptFor,
  machineToken,
  newName,
  newPassword,
  newRequest,
  outputs,
  provision,
  signInMachineUser,
  start,
  system,
  waitForCompletion,
} from './support/deployed.ts';

/** The owner of a provisioning, and access by other callers. */

const address = `${outputs.app1.api_url}/create-service-user`;
const invokePermission = [{ Effect: 'Allow' as const, Action: 'execute-api:Invoke', Resource: '*' }];
const newRole = () => createRole(anyPrincipalInTheAccount, invokePermission);

/** Sends requests to App1 as a session of a role. */
async function callerOf(roleArn: string, session = 'test') {
  const call = signedFetch(await assume(roleArn, session), outputs.region);
  return async (path: string, request: SignedRequest = {}) => {
    const response = await call(`${address}${path}`, request);
    const text = await response.text();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    return { status: response.status, body };
  };
}
const postRequest = (content: object, headers: Record<string, string> = {}): SignedRequest => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(content),
});

describe('a provisioning of App1', () => {
  let id: string;
  let otherCaller: Awaited<ReturnType<typeof callerOf>>;
  beforeAll(async () => {
    ({ provisioning_id: id } = await provision(newRequest()));
    otherCaller = await callerOf(await newRole());
  });

  it.each([
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/retry'],
  ] as const)(
    'is not found for another caller: %s returns the response of an unknown id, and changes nothing',
    async (method, path) => {
      const [ofOtherOwner, unknown, malformed] = await Promise.all(
        [id, randomUUID(), 'no-id'].map((requested) => otherCaller(`/${requested}${path}`, { method })),
      );

      expect(ofOtherOwner).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
      expect(unknown).toEqual(ofOtherOwner);
      expect(malformed).toEqual(ofOtherOwner);
      expect((await system.status(id)).body).toMatchObject({ user: 'present' });
    },
  );

  it('is a separate one for another caller with the same key', async () => {
    const key = { 'Idempotency-Key': randomUUID() };
    const [first, second] = [await callerOf(await newRole()), await callerOf(await newRole())];
    const ids = [];

    for (const call of [first, second, first]) {
      const { status, body } = await call('', postRequest(newRequest({ username: 'x y' }), key));
      expect(status).toBe(400);
      expect(JSON.stringify(body)).not.toContain('x y');
    }
    for (const call of [first, second]) {
      const { status, body } = await call('', postRequest(newRequest(), key));
      expect(status).toBe(202);
      ids.push(provisioningAccepted.parse(body).provisioning_id);
    }

    expect(new Set(ids).size).toBe(2);
    expect((await first(`/${ids[1]}`)).status).toBe(404);
    expect((await second(`/${ids[1]}`)).status).toBe(200);
  });

  it('is found by another session of the same role, and not by a new role with the same name', async () => {
    const role = await newRole();
    const { body } = await (await callerOf(role, 'monday'))('', postRequest(newRequest()));
    const { provisioning_id } = provisioningAccepted.parse(body);

    expect((await (await callerOf(role, 'tuesday'))(`/${provisioning_id}`)).status).toBe(200);

    const RoleName = role.split('/').at(-1) ?? '';
    const iam = new IAMClient(configuration);
    await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: 'may' }));
    await iam.send(new DeleteRoleCommand({ RoleName }));
    const recreated = await createRole(anyPrincipalInTheAccount, invokePermission, undefined, RoleName);

    expect(recreated).toBe(role);
    expect((await (await callerOf(recreated))(`/${provisioning_id}`)).status).toBe(404);
  });

  it.each([
    ['a field', { owner: 'another' }, {}],
    ['a field for App2', { on_behalf_of: 'another' }, {}],
    ['an actor', { actor: 'another' }, {}],
  ])('has no owner that its caller names: %s is rejected', async (_field, more, headers) => {
    const { status, body } = await system.provision(JSON.stringify({ ...newRequest(), ...more }), headers);

    expect([status, body]).toEqual([400, expect.objectContaining({ code: 'INVALID_REQUEST' })]);
  });

  it('is recorded under the verified caller in both services, whatever the headers contain', async () => {
    const request = newRequest({ human_user_id: 'h-asserted' });
    const forged = {
      'On-Behalf-Of': 'another-caller',
      'X-Amzn-Caller': 'another-caller',
      'X-Forwarded-User': 'another-caller',
    };
    const forgedId = await start(request, forged);
    await waitForCompletion(forgedId);

    const inputOf = async (machine: ServiceKind) => {
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
      expect(JSON.stringify(events)).not.toContain('another-caller');
    });
  });
});

describe('a creation of App2', () => {
  /** Signs in a machine user of another service: it has the group `api-client`, but not App1's owner group. */
  async function signInOtherMachine(): Promise<string> {
    const user = { UserPoolId: outputs.app2.user_pool_id, Username: newName('machine') };
    const Password = newPassword();
    await system.clients.cognito.send(new AdminCreateUserCommand({ ...user, MessageAction: 'SUPPRESS' }));
    await system.clients.cognito.send(
      new AdminSetUserPasswordCommand({ ...user, Password, Permanent: true }),
    );
    await system.clients.cognito.send(new AdminAddUserToGroupCommand({ ...user, GroupName: 'api-client' }));
    return signInMachineUser({ username: user.Username, password: Password });
  }

  let ownToken: string;
  let otherToken: string;
  let id: string;
  let body: { username: string; encrypted_password: string; human_user_id: string };
  const create = (token: string, content: object) =>
    system.app2('POST', '/admin/create-user', token, content, {
      'Idempotency-Key': id,
      Prefer: 'wait=10',
    });
  beforeAll(async () => {
    [ownToken, otherToken] = await Promise.all([machineToken(), signInOtherMachine()]);
    id = randomUUID();
    const username = newName('owned');
    body = {
      username,
      encrypted_password: await encryptFor(id, username, newPassword()),
      human_user_id: 'h-1',
    };
    expect((await create(ownToken, body)).status).toBe(200);
  });

  it.each(['GET', 'POST'] as const)('is not found for another machine client: %s', async (method) => {
    const response =
      method === 'POST'
        ? await create(otherToken, body)
        : await system.app2('GET', `/admin/create-user/${id}`, otherToken);
    const unknown = await system.app2('GET', `/admin/create-user/${randomUUID()}`, otherToken);

    expect([response.status, response.body]).toEqual([404, unknown.body]);
    expect(await system.user(body.username)).toMatchObject({ status: 'CONFIRMED' });
  });

  it('is not removed for another machine client', async () => {
    const response = await system.app2('DELETE', `/admin/create-user/${id}`, otherToken);

    expect(response).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(await system.user(body.username)).toMatchObject({ status: 'CONFIRMED' });
  });

  it('is found for its own machine client', async () => {
    expect((await system.app2('GET', `/admin/create-user/${id}`, ownToken)).status).toBe(200);
  });
});

describe('a caller that has used up its share of DescribeExecution', () => {
  it('is throttled for requests that call DescribeExecution, and for no other request; other callers are not throttled', async () => {
    const [busiest, other] = [await callerOf(await newRole()), await callerOf(await newRole())];
    const { provisioning_id } = provisioningAccepted.parse(
      (await busiest('', postRequest(newRequest()))).body,
    );
    const executionArn = `${outputs.app1.state_machine_arn.replace(':stateMachine:', ':execution:')}:${provisioning_id}`;
    const { input = '' } = await system.clients.stepFunctions.send(
      new DescribeExecutionCommand({ executionArn }),
    );
    const { owner } = z.object({ owner: z.string() }).parse(JSON.parse(input));
    const dynamoDb = new DynamoDBClient(configuration);
    const limit = { TableName: 'app1-rate-limits', Key: { name: { S: `describes of ${owner}` } } };
    const exhausted = { next_at: { N: String(Date.now() + 3_600_000) } };
    await dynamoDb.send(
      new PutItemCommand({ TableName: limit.TableName, Item: { ...limit.Key, ...exhausted } }),
    );

    const throttled = { status: 429, body: { code: 'THROTTLED', type: 'about:blank' } };

    expect(await busiest(`/${provisioning_id}`, {})).toMatchObject(throttled);
    expect(await busiest(`/${provisioning_id}`, { method: 'DELETE' })).toMatchObject(throttled);
    expect(await busiest(`/${provisioning_id}/retry`, { method: 'POST' })).toMatchObject(throttled);
    expect(await busiest('', postRequest(newRequest(), { Prefer: 'wait=20' }))).toMatchObject({
      status: 202,
    });
    expect(await other(`/${provisioning_id}`, {})).toMatchObject({ status: 404 });

    await dynamoDb.send(new DeleteItemCommand(limit));

    expect(await busiest(`/${provisioning_id}`, {})).toMatchObject({ status: 200 });
  });
});
