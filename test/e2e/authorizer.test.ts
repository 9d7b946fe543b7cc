import { request as httpRequest } from 'node:http';
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminSetUserPasswordCommand,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  DeleteGroupCommand,
  DeleteUserPoolClientCommand,
  DeleteUserPoolCommand,
  InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { problem } from '../../contracts/problems.ts';
import { findUser } from '../../handlers/app2/lib/pool-user.ts';
import { secretHash } from '../../handlers/shared/secret-hash.ts';
import {
  machineToken,
  newName,
  newPassword,
  newRequest,
  outputs,
  provision,
  readMachineCredentials,
  system,
} from './support/deployed.ts';

/** Requests to App2's routes with credentials of every kind, most of them without permission. */

const { cognito, stepFunctions } = system.clients;
const { user_pool_id: UserPoolId, service_client_id, machine_client_id, api_url } = outputs.app2;

const ID = '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01';
const routes = {
  'POST /admin/create-user': ['POST', '/admin/create-user'],
  'GET /admin/create-user/{id}': ['GET', `/admin/create-user/${ID}`],
  'DELETE /admin/create-user/{id}': ['DELETE', `/admin/create-user/${ID}`],
  'POST /sample': ['POST', '/sample'],
} as const;
type RouteName = keyof typeof routes;

interface Tokens {
  access: string;
  id: string;
  refresh: string;
}

/** Creates a user of a pool and signs it in; `secret` is that of the client, if it has one. */
async function createAndSignIn(
  pool: string,
  client: string,
  memberOf: string[] = [],
  secret?: string,
): Promise<Tokens> {
  const user = { UserPoolId: pool, Username: newName('member') };
  const Password = newPassword();
  await cognito.send(new AdminCreateUserCommand({ ...user, MessageAction: 'SUPPRESS' }));
  await cognito.send(new AdminSetUserPasswordCommand({ ...user, Password, Permanent: true }));
  for (const GroupName of memberOf)
    await cognito.send(new AdminAddUserToGroupCommand({ ...user, GroupName }));
  return signIn(client, { username: user.Username, password: Password }, secret);
}

async function signIn(
  client: string,
  { username, password }: { username: string; password: string },
  secret?: string,
): Promise<Tokens> {
  const { AuthenticationResult: tokens } = await cognito.send(
    new InitiateAuthCommand({
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId: client,
      AuthParameters: {
        USERNAME: username,
        PASSWORD: password,
        ...(secret === undefined ? {} : { SECRET_HASH: secretHash(username, client, secret) }),
      },
    }),
  );
  return {
    access: tokens?.AccessToken ?? '',
    id: tokens?.IdToken ?? '',
    refresh: tokens?.RefreshToken ?? '',
  };
}

interface HttpResponse {
  status: number;
  type: string | undefined;
  body: string;
}

/** Sends a request unchanged: `fetch` would normalise the path and join the headers. */
function sendRaw(method: string, path: string, headers: string[] = [], body?: string): Promise<HttpResponse> {
  const { hostname, port, host, pathname } = new URL(api_url);
  const sent = ['Host', host, ...headers];
  if (body !== undefined)
    sent.push('Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(body)));
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { hostname, port, method, path: `${pathname}${path}`, headers: sent },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'],
            body: Buffer.concat(parts).toString('utf8'),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

const bodies: Record<string, string> = { POST: '{}' };
const send = (route: RouteName, ...headers: string[]) => {
  const [method, path] = routes[route];
  return sendRaw(method, path, headers, bodies[method]);
};
const withToken = (token: string) => ['Authorization', `Bearer ${token}`];

/** Statuses of requests that the authorizer has allowed: responses of functions to an empty request. */
const ALLOWED = [200, 202, 204, 400, 404];

const countCreations = async (): Promise<number> => {
  const { executions = [] } = await stepFunctions.send(
    new ListExecutionsCommand({ stateMachineArn: outputs.app2.state_machine_arn, maxResults: 1000 }),
  );
  return executions.length;
};

let service: Tokens;
let machine: string;
let withoutGroup: Tokens;
const created = { pool: '', client: '', groups: [] as string[] };

beforeAll(async () => {
  const { username, password } = newRequest();
  await provision({ username, password, human_user_id: 'h-1' });
  service = await signIn(service_client_id, { username, password });
  machine = await machineToken();
  withoutGroup = await createAndSignIn(UserPoolId, service_client_id);
}, 60_000);

afterAll(async () => {
  if (created.pool !== '') await cognito.send(new DeleteUserPoolCommand({ UserPoolId: created.pool }));
  if (created.client !== '')
    await cognito.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId: created.client }));
  for (const GroupName of created.groups)
    await cognito.send(new DeleteGroupCommand({ UserPoolId, GroupName }));
});

describe('routes and groups at the API of App2', () => {
  const allowed: Record<'service-user' | 'api-client' | 'no group', RouteName[]> = {
    'api-client': [
      'POST /admin/create-user',
      'GET /admin/create-user/{id}',
      'DELETE /admin/create-user/{id}',
    ],
    'service-user': ['POST /sample'],
    'no group': [],
  };
  const table = Object.entries(allowed).flatMap(([group, open]) =>
    Object.keys(routes).map(
      (route) => [group, route, open.includes(route as RouteName) ? 'is allowed' : 'is denied'] as const,
    ),
  );
  const tokenOf: Record<string, () => string> = {
    'api-client': () => machine,
    'service-user': () => service.access,
    'no group': () => withoutGroup.access,
  };

  it.each(table)('for %s, %s %s', async (group, route, expected) => {
    const { status } = await send(route as RouteName, ...withToken(tokenOf[group]?.() ?? ''));

    if (expected === 'is allowed') expect(ALLOWED).toContain(status);
    else expect(status).toBe(403);
  });

  it('the machine user that signed in by the public client, without the client secret, may call no route', async () => {
    const { access } = await signIn(service_client_id, await readMachineCredentials());

    for (const route of Object.keys(routes) as RouteName[])
      expect([route, (await send(route, ...withToken(access))).status]).toEqual([route, 403]);
  });

  it.each([
    ['the public client', ['api-client', 'owner-app1'], service_client_id, []],
    ['the public client', ['service-user', 'api-client'], service_client_id, ['POST /sample']],
    ['the machine client', ['service-user'], machine_client_id, []],
  ] as [string, string[], string, RouteName[]][])(
    'a token of %s for %j may call its own routes only',
    async (_client, memberOf, client, open) => {
      const { client_secret } = await readMachineCredentials();
      const secret = client === machine_client_id ? client_secret : undefined;
      const { access } = await createAndSignIn(UserPoolId, client, memberOf, secret);

      for (const route of Object.keys(routes) as RouteName[]) {
        const { status } = await send(route, ...withToken(access));
        expect([route, ALLOWED.includes(status) ? 'allowed' : status]).toEqual([
          route,
          open.includes(route) ? 'allowed' : 403,
        ]);
      }
    },
  );

  // API Gateway has no policy for a new token in its cache, and caches the policy of the first request.
  it.each([
    [['POST /sample', 'POST /admin/create-user']],
    [['POST /admin/create-user', 'POST /sample']],
    [['GET /admin/create-user/{id}', 'POST /sample', 'DELETE /admin/create-user/{id}', 'POST /sample']],
  ] as [RouteName[]][])(
    'a token that is used first for %s has the same permissions in any order',
    async (order) => {
      const { access } = await createAndSignIn(UserPoolId, service_client_id, ['service-user']);

      for (const route of order) {
        const { status } = await send(route, ...withToken(access));
        expect([route, ALLOWED.includes(status)]).toEqual([route, route === 'POST /sample']);
        if (route !== 'POST /sample') expect(status).toBe(403);
      }
    },
  );

  it.each(['api-client-2', 'my-api-client', 'API-CLIENT', 'service-user.', 'api'])(
    'the group %s may call no route',
    async (GroupName) => {
      await cognito.send(new CreateGroupCommand({ UserPoolId, GroupName }));
      created.groups.push(GroupName);
      const { access } = await createAndSignIn(UserPoolId, service_client_id, [GroupName]);

      for (const route of Object.keys(routes) as RouteName[])
        expect([route, (await send(route, ...withToken(access))).status]).toEqual([route, 403]);
    },
  );
});

describe('invalid credentials at App2', () => {
  const tampered = (change: (parts: string[]) => string[]) => change(service.access.split('.')).join('.');
  const payload = (change: object) => {
    const [head = '', claims = '', signature = ''] = machine.split('.');
    const decoded = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'));
    return [
      head,
      Buffer.from(JSON.stringify({ ...decoded, ...change })).toString('base64url'),
      signature,
    ].join('.');
  };
  const unsigned = (algorithm: string) => {
    const [, claims = ''] = machine.split('.');
    return `${Buffer.from(JSON.stringify({ alg: algorithm, typ: 'JWT' })).toString('base64url')}.${claims}.`;
  };

  const cases: [string, () => string[] | Promise<string[]>][] = [
    ['no header', () => []],
    ['an empty header', () => ['Authorization', '']],
    ['the scheme alone', () => ['Authorization', 'Bearer']],
    ['the token without a scheme', () => ['Authorization', machine]],
    ['Basic credentials', () => ['Authorization', `Basic ${Buffer.from('a:b').toString('base64')}`]],
    ['the token as Basic credentials', () => ['Authorization', `Basic ${machine}`]],
    ['the token under the scheme Token', () => ['Authorization', `Token ${machine}`]],
    ['two tokens in one header', () => ['Authorization', `Bearer ${machine}, Bearer ${service.access}`]],
    ['the token in another header', () => ['X-Authorization', `Bearer ${machine}`]],
    ['an ID token', () => withToken(service.id)],
    ['a refresh token', () => withToken(service.refresh)],
    ['an altered payload', () => withToken(payload({ sub: 'another-user' }))],
    ['an additional group', () => withToken(payload({ 'cognito:groups': ['api-client', 'service-user'] }))],
    ['a later expiry', () => withToken(payload({ exp: 4_102_444_800 }))],
    [
      'an altered signature',
      () => withToken(tampered(([a = '', b = '', c = '']) => [a, b, [...c].reverse().join('')])),
    ],
    ['no signature', () => withToken(tampered(([a = '', b = '']) => [a, b, '']))],
    ['alg none', () => withToken(unsigned('none'))],
    ['alg HS256 without a key', () => withToken(`${unsigned('HS256')}c2ln`)],
    ['a token of 9 KB', () => withToken(`${'a'.repeat(4_500)}.${'b'.repeat(4_500)}.c`)],
    [
      'a token of another pool',
      async () => {
        const { UserPool } = await cognito.send(new CreateUserPoolCommand({ PoolName: newName('other') }));
        created.pool = UserPool?.Id ?? '';
        const { UserPoolClient } = await cognito.send(
          new CreateUserPoolClientCommand({
            UserPoolId: created.pool,
            ClientName: 'other',
            ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
          }),
        );
        await cognito.send(new CreateGroupCommand({ UserPoolId: created.pool, GroupName: 'api-client' }));
        return withToken(
          (await createAndSignIn(created.pool, UserPoolClient?.ClientId ?? '', ['api-client'])).access,
        );
      },
    ],
    [
      'a token of another client',
      async () => {
        const { UserPoolClient } = await cognito.send(
          new CreateUserPoolClientCommand({
            UserPoolId,
            ClientName: newName('other'),
            ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
          }),
        );
        created.client = UserPoolClient?.ClientId ?? '';
        return withToken((await createAndSignIn(UserPoolId, created.client, ['service-user'])).access);
      },
    ],
  ];

  it.each(cases)(
    '%s: each route returns 401 as a problem and starts no execution',
    async (_credentials, make) => {
      const before = await countCreations();
      const headers = await make();

      for (const route of Object.keys(routes) as RouteName[]) {
        const { status, type, body } = await send(route, ...headers);
        expect([route, status]).toEqual([route, 401]);
        expect(type).toBe('application/problem+json');
        expect(problem.parse(JSON.parse(body)).code).toBe('UNAUTHENTICATED');
      }

      expect(await countCreations()).toBe(before);
    },
  );

  it('the scheme is accepted in lower case', async () => {
    expect(ALLOWED).toContain(
      (await send('POST /sample', 'Authorization', `bearer ${service.access}`)).status,
    );
  });

  it.each([
    ['an invalid one and a valid one', () => [...withToken('a.b.c'), ...withToken(service.access)]],
    ['a valid one and an invalid one', () => [...withToken(service.access), ...withToken('a.b.c')]],
    ['two valid ones', () => [...withToken(machine), ...withToken(service.access)]],
  ])('several headers are rejected: %s', async (_headers, headers) => {
    for (const route of Object.keys(routes) as RouteName[])
      expect([route, (await send(route, ...headers())).status]).toEqual([route, 401]);
  });
});

describe('paths that resemble one of the routes', () => {
  const similar: [string, string][] = [
    ['POST', '//admin/create-user'],
    ['POST', '/admin//create-user'],
    ['POST', '/sample/../admin/create-user'],
    ['POST', '/sample/%2e%2e/admin/create-user'],
    ['POST', '/./admin/create-user'],
    ['POST', '/admin%2fcreate-user'],
    ['POST', '/admin%2Fcreate-user'],
    ['POST', '/admin\\create-user'],
    ['POST', '/admin/create-user/'],
    ['POST', '/admin/create-user;a=b'],
    ['POST', '/admin/create-user%00'],
    ['POST', '/admin/create-user%20'],
    ['POST', '/Admin/Create-User'],
    ['POST', '/ADMIN/CREATE-USER'],
    ['POST', `/admin/create-user/${ID}`],
    ['POST', '/admin/x/sample'],
    ['POST', '/sample/admin/create-user'],
    ['GET', `/admin/create-user/${ID}/sample`],
    ['GET', `/admin/create-user/../create-user/${ID}`],
    ['GET', `/sample/../admin/create-user/${ID}`],
    ['GET', '/admin/create-user'],
    ['GET', '/admin'],
    ['GET', '/'],
    ['PUT', '/admin/create-user'],
    ['PATCH', `/admin/create-user/${ID}`],
    ['HEAD', `/admin/create-user/${ID}`],
    ['OPTIONS', '/admin/create-user'],
    ['GET', '/sample'],
    ['DELETE', '/sample'],
  ];

  it.each(similar)('%s %s is denied to a service user', async (method, path) => {
    const before = await countCreations();
    const { status } = await sendRaw(method, path, withToken(service.access), bodies[method]);

    expect([401, 403, 404]).toContain(status);
    expect(await countCreations()).toBe(before);
  });

  it.each([
    ['POST', '/sample/'],
    ['POST', '//sample'],
    ['POST', '/Sample'],
    ['POST', '/admin/../sample'],
    ['POST', '/admin/create-user/../../sample'],
    ['POST', '/admin/create-user/sample'],
    ['POST', '/sample%2f'],
  ])('%s %s is denied to a machine user', async (method, path) => {
    const { status } = await sendRaw(method, path, withToken(machine), bodies[method]);

    expect([401, 403, 404]).toContain(status);
  });

  it.each([
    ['X-HTTP-Method-Override', 'POST'],
    ['X-Original-URL', '/v1/admin/create-user'],
    ['X-Rewrite-URL', '/v1/admin/create-user'],
    ['X-Forwarded-Path', '/v1/admin/create-user'],
  ])('the header %s: %s does not change the route', async (name, value) => {
    const before = await countCreations();
    const { status, body } = await sendRaw(
      'POST',
      '/sample',
      [...withToken(service.access), name, value],
      '{"data": {}}',
    );

    expect(status).toBe(200);
    expect(body).toContain('received');
    expect(await countCreations()).toBe(before);
  });
});

describe('the lookup of the setting `check_user_in_pool`', () => {
  /** Signs a new user in; returns its `sub` and name. */
  async function signInNewUser() {
    const { access } = await createAndSignIn(UserPoolId, service_client_id, ['service-user']);
    const claims = Buffer.from(access.split('.')[1] ?? '', 'base64url').toString('utf8');
    return z.looseObject({ sub: z.string(), username: z.string() }).parse(JSON.parse(claims));
  }

  it.each([
    ['enabled', async () => undefined, true],
    [
      'disabled',
      (Username: string) => cognito.send(new AdminDisableUserCommand({ UserPoolId, Username })),
      false,
    ],
    [
      'deleted',
      (Username: string) => cognito.send(new AdminDeleteUserCommand({ UserPoolId, Username })),
      false,
    ],
  ] as [string, (username: string) => Promise<unknown>, boolean][])(
    'a user that is %s is found by the `sub` of its token',
    async (_state, change, expected) => {
      const { sub, username } = await signInNewUser();
      await change(username);

      expect((await findUser(cognito, UserPoolId, sub))?.enabled ?? false).toBe(expected);
    },
  );
});
