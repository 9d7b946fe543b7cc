import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { JwtInvalidIssuerError } from 'aws-jwt-verify/error';
import { mockClient } from 'aws-sdk-client-mock';
import { adminAccess, businessAccess, type Client } from '../../../contracts/app2-access.ts';
import { authorize as authorizeBy, handler } from '../../../handlers/app2/authorizer.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { thrownBy } from '../../support/thrown.ts';
import { altered, hs256, rs256, signingKey, unsigned } from '../../support/tokens.ts';

/** The routes of App2. */
const routes = [...Object.values(adminAccess), businessAccess({ method: 'POST', path: 'sample' })];

const API = 'arn:aws:execute-api:eu-central-1:111122223333:api/v1';
const key = signingKey('key-1');
const strangersKey = signingKey('key-1');
const log = watchLog();

const now = Math.floor(Date.now() / 1000);
const claims = {
  sub: 'sub-of-the-bearer',
  username: 'alice',
  client_id: 'service-client',
  token_use: 'access',
  iss: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Pool',
  iat: now - 10,
  exp: now + 600,
  'cognito:groups': ['service-user'],
};
const header = { alg: 'RS256', kid: 'key-1' };
const token = (other: object = {}) => rs256(key.privateKey, header, { ...claims, ...other });
const authorize = (bearer: string) =>
  handler({ type: 'TOKEN', methodArn: `${API}/POST/sample`, authorizationToken: bearer });

/** The token with the lowest bit of its signature's first byte flipped. */
function flipped(whole: string): string {
  const [head, payload, signature = ''] = whole.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
  return `${head}.${payload}.${bytes.toString('base64url')}`;
}

/** Responses of the pool's JWKS URL. */
function keysAre(response: () => Response) {
  jest.spyOn(globalThis, 'fetch').mockImplementation(async () => response());
}

beforeEach(() => {
  keysAre(() => Response.json({ keys: [key.jwk] }));
});

/** Values of the metric AuthorizerFailures in the log. */
const notChecked = (): number => log().split('"AuthorizerFailures":1').length - 1;

describe('the authorizer of App2', () => {
  // First, before a key is cached: the verifier keeps its keys.
  it('does not return 401 when the JWKS could not be fetched', async () => {
    for (const response of [() => new Response('', { status: 503 }), () => Response.error()]) {
      keysAre(response);
      const error = await thrownBy(authorize(`Bearer ${token()}`));
      expect(error.message).not.toBe('Unauthorized');
    }
    expect(notChecked()).toBe(2);
  });

  it('allows a service user the business endpoint only', async () => {
    await expect(authorize(`Bearer ${token()}`)).resolves.toEqual({
      principalId: 'sub-of-the-bearer',
      policyDocument: {
        Version: '2012-10-17',
        Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: [`${API}/POST/sample`] }],
      },
      context: { owner: 'sub-of-the-bearer', username: 'alice', client_id: 'service-client' },
    });
  });

  it.each([
    [['api-client', 'owner-app1'], 'owner-app1'],
    [['api-client'], 'sub-of-the-bearer'],
    [['api-client', 'owner-app1-too', 'my-owner-app1', 'owner-'], 'sub-of-the-bearer'],
  ])('derives the owner of a member of the groups %j as %s', async (memberOf, owner) => {
    const { context } = await authorize(`Bearer ${token({ 'cognito:groups': memberOf })}`);

    expect(context).toMatchObject({ owner });
  });

  it('allows a machine client the admin endpoints only', async () => {
    const { policyDocument } = await authorize(
      `Bearer ${token({ client_id: 'machine-client', 'cognito:groups': ['api-client'] })}`,
    );

    expect(policyDocument.Statement).toEqual([
      {
        Action: 'execute-api:Invoke',
        Effect: 'Allow',
        Resource: [
          `${API}/POST/admin/create-user`,
          `${API}/GET/admin/create-user/*`,
          `${API}/DELETE/admin/create-user/*`,
        ],
      },
    ]);
  });

  it('reads the names of the groups from its environment', async () => {
    const check = authorizeBy({
      verify: async () => ({ ...claims, 'cognito:groups': ['robots', 'api-client'] }),
      clientIds: { machine: 'machine-client', service: 'service-client' },
      groupNames: { 'api-client': 'machines', 'service-user': 'robots' },
      routes,
      checkedInPool: [],
      isEnabled: async () => true,
    });

    const { policyDocument } = await check({
      type: 'TOKEN',
      methodArn: `${API}/POST/sample`,
      authorizationToken: `Bearer ${token()}`,
    });

    expect(policyDocument.Statement).toMatchObject([{ Effect: 'Allow', Resource: [`${API}/POST/sample`] }]);
  });

  it('returns the same policy for every route, because API Gateway caches it for all', async () => {
    const other = await handler({
      type: 'TOKEN',
      methodArn: `${API}/GET/admin/create-user/0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01`,
      authorizationToken: `Bearer ${token()}`,
    });

    expect(other).toEqual(await authorize(`Bearer ${token()}`));
  });

  it.each([
    ['of another group', { 'cognito:groups': ['visitors'] }],
    ['of no group', { 'cognito:groups': undefined }],
    ['of an empty list of groups', { 'cognito:groups': [] }],
    ['of a group whose name starts with a known one', { 'cognito:groups': ['api-client-2'] }],
    ['of a group whose name ends with a known one', { 'cognito:groups': ['my-service-user'] }],
    ['of a group whose name contains both', { 'cognito:groups': ['api-client,service-user'] }],
    ['of a group in another case', { 'cognito:groups': ['API-CLIENT', 'Service-User'] }],
    ['of a group with a space', { 'cognito:groups': [' api-client'] }],
    ['of a group that is a pattern', { 'cognito:groups': ['*'] }],
    ['with its groups in another claim', { 'cognito:groups': undefined, groups: ['api-client'] }],
  ])('denies every route to a user %s', async (_what, other) => {
    for (const client_id of ['machine-client', 'service-client']) {
      const { policyDocument } = await authorize(`Bearer ${token({ client_id, ...other })}`);

      expect(policyDocument.Statement).toEqual([
        { Action: 'execute-api:Invoke', Effect: 'Deny', Resource: [`${API}/*/*`] },
      ]);
    }
  });

  it.each([
    ['a machine user that signed in without the client secret', 'service-client', ['api-client']],
    ['App1 itself that signed in so', 'service-client', ['api-client', 'owner-app1']],
    ['a service user that signed in with the client secret', 'machine-client', ['service-user']],
  ])('denies every route to %s', async (_who, client_id, memberOf) => {
    const { policyDocument } = await authorize(`Bearer ${token({ client_id, 'cognito:groups': memberOf })}`);

    expect(policyDocument.Statement).toEqual([
      { Action: 'execute-api:Invoke', Effect: 'Deny', Resource: [`${API}/*/*`] },
    ]);
  });

  it.each([
    ['has expired', () => token({ exp: now - 1 })],
    [
      'is of another issuer',
      () => token({ iss: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Else' }),
    ],
    ['is for another client', () => token({ client_id: 'a-third-client' })],
    ['is an ID token', () => token({ token_use: 'id', aud: 'service-client' })],
    ['is not valid yet', () => token({ nbf: now + 60 })],
    ['has no expiry', () => token({ exp: undefined })],
    ['has an expiry that is not a number', () => token({ exp: 'never' })],
    ['has no issuer', () => token({ iss: undefined })],
    ['has an issuer that starts with the expected one', () => token({ iss: `${claims.iss}.example` })],
    ['names its client only as the audience', () => token({ client_id: undefined, aud: 'service-client' })],
    ['names several clients', () => token({ client_id: ['service-client', 'another'] })],
    ['has no token use', () => token({ token_use: undefined })],
    ['is a refresh token', () => token({ token_use: 'refresh' })],
    ['has no username', () => token({ username: undefined })],
    ['has no subject', () => token({ sub: undefined })],
    ['has its group as a string', () => token({ 'cognito:groups': 'api-client' })],
    ['has a group that is not a string', () => token({ 'cognito:groups': [{ name: 'api-client' }] })],
    [
      'has its groups as an object',
      () => token({ 'cognito:groups': { 0: 'api-client', includes: true, length: 1 } }),
    ],
    ['is not signed', () => unsigned(claims)],
    ['has the algorithm None', () => rs256(key.privateKey, { alg: 'None', kid: 'key-1' }, claims)],
    ['has no algorithm', () => rs256(key.privateKey, { kid: 'key-1' }, claims)],
    ['has no signature', () => `${token().split('.').slice(0, 2).join('.')}.`],
    ['has the signature of another token', () => altered(token({ sub: 'another' }), claims)],
    ['has a bit flipped in its signature', () => flipped(token())],
    [
      'brings its own key',
      () => rs256(strangersKey.privateKey, { ...header, jwk: strangersKey.jwk }, claims),
    ],
    [
      'names the URL of its key',
      () => rs256(strangersKey.privateKey, { ...header, jku: 'https://keys.example/mine.json' }, claims),
    ],
    ['names a key that is a path', () => rs256(key.privateKey, { alg: 'RS256', kid: '../../key-1' }, claims)],
    ['names a key that is no string', () => rs256(key.privateKey, { alg: 'RS256', kid: ['key-1'] }, claims)],
    [
      'has a payload that is no JSON',
      () => `${token().split('.')[0]}.${Buffer.from('no JSON').toString('base64url')}.c2ln`,
    ],
    [
      'is signed with the public key as a secret',
      () => hs256(key.publicKey, { alg: 'HS256', kid: 'key-1' }, claims),
    ],
    ["is signed by a stranger's key", () => rs256(strangersKey.privateKey, header, claims)],
    ['was altered', () => altered(token(), { ...claims, 'cognito:groups': ['api-client'] })],
    ['names no key', () => rs256(key.privateKey, { alg: 'RS256' }, claims)],
    [
      'names a key that the pool does not have',
      () => rs256(key.privateKey, { alg: 'RS256', kid: 'key-2' }, claims),
    ],
    ['is no token', () => 'aaa.bbb.ccc'],
  ])('returns 401 for a token that %s', async (_what, make) => {
    const bad = make();

    const error = await thrownBy(authorize(`Bearer ${bad}`));

    expect(error.message).toBe('Unauthorized');
    expect(notChecked()).toBe(0);
    expectNoLeak(bad, error, log());
  });

  it.each([
    ['is empty', ''],
    ['is of another scheme', `Basic ${token()}`],
    ['has no scheme', token()],
    ['carries more than a token', `Bearer ${token()} more`],
    ['carries two tokens', `Bearer ${token()}, Bearer ${token()}`],
    ['carries the token twice', `Bearer ${token()},${token()}`],
    ['begins with a space', ` Bearer ${token()}`],
    ['has two spaces', `Bearer  ${token()}`],
    ['ends with a line break', `Bearer ${token()}\n`],
    ['has a scheme that ends like the expected one', `XBearer ${token()}`],
    ['signs with SigV4', 'AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-central-1/execute-api/aws4_request'],
    ['has the scheme alone', 'Bearer'],
    ['has the scheme and a space', 'Bearer '],
    ['has four parts', `Bearer ${token()}.more`],
    ['has padding', `Bearer ${token()}=`],
    ['is 100 KB of one character', `Bearer ${'a'.repeat(100_000)}`],
    ['is 100 KB of dots', `Bearer ${'.'.repeat(100_000)}`],
    ['carries a token of 100 KB', `Bearer ${'a'.repeat(50_000)}.${'b'.repeat(50_000)}.c`],
  ])('returns 401 for an Authorization header that %s', async (_what, authorization) => {
    await expect(authorize(authorization)).rejects.toThrow(/^Unauthorized$/);
  });

  it.each(['bearer', 'BEARER', 'BeArEr'])(
    'accepts the scheme in upper and lower case: %s',
    async (scheme) => {
      await expect(authorize(`${scheme} ${token()}`)).resolves.toMatchObject({
        principalId: 'sub-of-the-bearer',
      });
    },
  );

  it.each([
    [
      'machine-client',
      [
        `${API}/POST/admin/create-user`,
        `${API}/GET/admin/create-user/*`,
        `${API}/DELETE/admin/create-user/*`,
      ],
    ],
    ['service-client', [`${API}/POST/sample`]],
  ])('allows a member of all groups only the routes of the client %s', async (client_id, open) => {
    const { policyDocument } = await authorize(
      `Bearer ${token({
        client_id,
        'cognito:groups': ['visitors', 'service-user', 'api-client', 'service-user'],
      })}`,
    );

    expect(policyDocument.Statement).toEqual([
      { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: open },
    ]);
  });
});

describe('the JWKS of the pool', () => {
  const next = signingKey('key-2');

  /** A cold authorizer, the URLs that it fetches, and their responses. */
  async function cold() {
    const fetches: string[] = [];
    let response = (): Response => Response.json({ keys: [key.jwk] });
    jest.spyOn(globalThis, 'fetch').mockImplementation(async (address) => {
      fetches.push(String(address));
      return response();
    });
    let fresh = handler;
    await jest.isolateModulesAsync(async () => {
      ({ handler: fresh } = await import('../../../handlers/app2/authorizer.ts'));
    });
    return {
      fetches,
      respondWith: (other: () => Response) => {
        response = other;
      },
      authorize: (bearer: string) =>
        fresh({
          type: 'TOKEN',
          methodArn: `${API}/POST/sample`,
          authorizationToken: `Bearer ${bearer}`,
        }),
    };
  }
  const signedBy = (signing: typeof key) =>
    rs256(signing.privateKey, { alg: 'RS256', kid: signing.kid }, claims);

  it('are fetched from the pool once', async () => {
    const { fetches, authorize: run } = await cold();
    for (let times = 0; times < 3; times++) await run(token());

    expect(fetches).toEqual([`${claims.iss}/.well-known/jwks.json`]);
  });

  it('are fetched from the endpoint that AWS_ENDPOINT_URL names', async () => {
    process.env['AWS_ENDPOINT_URL'] = 'http://127.0.0.1:4566';

    try {
      const { fetches, authorize: run } = await cold();
      await run(token());

      expect(fetches).toEqual(['http://127.0.0.1:4566/eu-central-1_Pool/.well-known/jwks.json']);
    } finally {
      delete process.env['AWS_ENDPOINT_URL'];
    }
  });

  it("are fetched from the same URL for a token of the pool's other issuer", async () => {
    const { fetches, authorize: run } = await cold();
    const iss = 'https://issuer-cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Pool';

    await expect(run(token({ iss }))).resolves.toMatchObject({ principalId: 'sub-of-the-bearer' });
    await expect(run(rs256(strangersKey.privateKey, header, { ...claims, iss }))).rejects.toThrow(
      /^Unauthorized$/,
    );

    expect(fetches).toEqual([`${claims.iss}/.well-known/jwks.json`]);
  });

  it('are fetched once for concurrent requests', async () => {
    const { fetches, authorize: run } = await cold();
    await Promise.all([run(token()), run(token({ sub: 'another' })), run(token())]);

    expect(fetches).toHaveLength(1);
  });

  it('are cached while the pool is not available', async () => {
    const { fetches, respondWith, authorize: run } = await cold();
    await run(token());
    respondWith(() => Response.error());

    await expect(run(token())).resolves.toMatchObject({ principalId: 'sub-of-the-bearer' });
    expect(fetches).toHaveLength(1);
  });

  it('are fetched again for an unknown key', async () => {
    const { fetches, respondWith, authorize: run } = await cold();
    await run(token());
    respondWith(() => Response.json({ keys: [key.jwk, next.jwk] }));

    await expect(run(signedBy(next))).resolves.toMatchObject({ principalId: 'sub-of-the-bearer' });

    await run(token());

    expect(fetches).toHaveLength(2);
  });

  it('are not valid after the pool has withdrawn them', async () => {
    const { respondWith, authorize: run } = await cold();
    await run(token());
    respondWith(() => Response.json({ keys: [next.jwk] }));
    await run(signedBy(next));

    await expect(run(token())).rejects.toThrow(/^Unauthorized$/);
  });

  it('are fetched once for invented keys, which receive 401 and do not delay other requests', async () => {
    const { fetches, authorize: run } = await cold();
    await run(token());

    for (let times = 0; times < 20; times++)
      await expect(run(signedBy({ ...strangersKey, kid: `made-up-${times}` }))).rejects.toThrow(
        /^Unauthorized$/,
      );

    expect(fetches).toHaveLength(2);
    await expect(run(token())).resolves.toMatchObject({ principalId: 'sub-of-the-bearer' });
  });

  it.each([
    ['does not response', () => Response.error()],
    ['is out of order', () => new Response('', { status: 503 })],
    ['throttles', () => new Response('', { status: 429 })],
    ['returns something else', () => new Response('<html>')],
    ['returns nothing', () => new Response('')],
    ['returns no keys', () => Response.json({})],
  ])('are fetched again after an error of the pool: %s', async (_what, outage) => {
    const { fetches, respondWith, authorize: run } = await cold();
    respondWith(outage);

    for (let times = 0; times < 2; times++)
      expect((await thrownBy(run(token()))).message).not.toBe('Unauthorized');
    expect(fetches).toHaveLength(2);

    respondWith(() => Response.json({ keys: [key.jwk] }));

    await expect(run(token())).resolves.toMatchObject({ principalId: 'sub-of-the-bearer' });
  });
});

describe('the check of the user in the pool', () => {
  const clientIds = { machine: 'machine-client', service: 'service-client' };
  const groupNames = { 'api-client': 'api-client', 'service-user': 'service-user' };
  const ofMachine = { client_id: 'machine-client', 'cognito:groups': ['api-client'] };

  /** The users that were read, and the result for a valid token. */
  async function checking(
    checkedInPool: readonly Client[],
    isEnabled: () => Promise<boolean>,
    other: object = {},
  ) {
    const readUsers: string[] = [];
    const check = authorizeBy({
      verify: async () => ({ ...claims, ...other }),
      clientIds,
      groupNames,
      routes,
      checkedInPool,
      isEnabled: async (sub) => {
        readUsers.push(sub);
        return isEnabled();
      },
    });
    const response = await check({
      type: 'TOKEN',
      methodArn: `${API}/POST/sample`,
      authorizationToken: `Bearer ${token()}`,
    }).then(
      ({ policyDocument }) => policyDocument.Statement[0]?.Effect,
      (error: unknown) => (error instanceof Error ? error.message : 'no error'),
    );
    return { readUsers, response };
  }
  const yes = async () => true;
  const no = async () => false;

  it.each([
    ['no client', [], {}, []],
    ['no client', [], ofMachine, []],
    ['App1', ['machine'], {}, []],
    ['App1', ['machine'], ofMachine, ['sub-of-the-bearer']],
    ['all', ['machine', 'service'], {}, ['sub-of-the-bearer']],
    ['all', ['machine', 'service'], ofMachine, ['sub-of-the-bearer']],
  ] as [string, Client[], object, string[]][])(
    'reads, with the setting for %s (%j) and a token with %j, these users: %j',
    async (_whose, checked, other, expected) => {
      expect(await checking(checked, yes, other)).toEqual({ readUsers: expected, response: 'Allow' });
    },
  );

  it('refuses a token of a disabled or deleted user with 401', async () => {
    expect(await checking(['service'], no)).toMatchObject({ response: 'Unauthorized' });
    expect(log()).toContain('UserNotEnabled');
    expect(notChecked()).toBe(0);
  });

  it('refuses a disabled user also for a route that it may not call', async () => {
    expect(await checking(['service'], no, { 'cognito:groups': [] })).toMatchObject({
      response: 'Unauthorized',
    });
  });

  it.each(['TooManyRequestsException', 'InternalErrorException', 'AccessDeniedException', 'TimeoutError'])(
    'fails without a 401 when the pool is not available (%s)',
    async (name) => {
      const { response } = await checking(['service'], () => Promise.reject(sdkError(name)));

      expect(response).not.toBe('Unauthorized');
      expect(response).not.toBe('Allow');
      expect(notChecked()).toBe(1);
    },
  );

  it('reads no user for an invalid token', async () => {
    const readUsers: string[] = [];
    const check = authorizeBy({
      verify: () => Promise.reject(new JwtInvalidIssuerError('not ours', 'another', 'ours')),
      clientIds,
      groupNames,
      routes,
      checkedInPool: ['machine', 'service'],
      isEnabled: async (sub) => readUsers.push(sub) > 0,
    });

    await expect(
      check({ type: 'TOKEN', methodArn: `${API}/POST/sample`, authorizationToken: `Bearer ${token()}` }),
    ).rejects.toThrow(/^Unauthorized$/);
    expect(readUsers).toEqual([]);
  });

  describe('with the deployed setting', () => {
    const cognito = mockClient(CognitoIdentityProviderClient);
    afterEach(() => {
      process.env['CHECK_USER_IN_POOL'] = 'off';
    });

    /** The deployed authorizer with a setting. */
    async function deployedWith(setting: 'off' | 'admin' | 'all') {
      process.env['CHECK_USER_IN_POOL'] = setting;
      cognito.reset();
      let fresh = handler;
      await jest.isolateModulesAsync(async () => {
        ({ handler: fresh } = await import('../../../handlers/app2/authorizer.ts'));
      });
      return () =>
        fresh({ type: 'TOKEN', methodArn: `${API}/POST/sample`, authorizationToken: `Bearer ${token()}` });
    }

    it('is off by default', async () => {
      const run = await deployedWith('off');

      await expect(run()).resolves.toMatchObject({ principalId: 'sub-of-the-bearer' });
      expect(cognito.calls()).toEqual([]);
    });

    it('of /admin only does not read service users', async () => {
      const run = await deployedWith('admin');

      await expect(run()).resolves.toMatchObject({ principalId: 'sub-of-the-bearer' });
      expect(cognito.calls()).toEqual([]);
    });
  });
});
