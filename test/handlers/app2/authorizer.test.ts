import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { handler } from '../../../handlers/app2/authorizer.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { thrownBy } from '../../support/thrown.ts';
import { altered, hs256, rs256, signingKey, unsigned } from '../../support/tokens.ts';

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

/** What the pool's JWKS address answers. */
function keysAre(answer: () => Response) {
  jest.spyOn(globalThis, 'fetch').mockImplementation(async () => answer());
}

beforeEach(() => {
  keysAre(() => Response.json({ keys: [key.jwk] }));
});

describe('the authorizer of App2', () => {
  // First, while no key is known yet: the verifier keeps the keys that it has seen.
  it('does not call a token invalid when it could not fetch the keys to tell', async () => {
    for (const answer of [() => new Response('', { status: 503 }), () => Response.error()]) {
      keysAre(answer);
      const error = await thrownBy(authorize(`Bearer ${token()}`));
      expect(error.message).not.toBe('Unauthorized');
    }
  });

  it('lets a service user do business, and nothing else', async () => {
    await expect(authorize(`Bearer ${token()}`)).resolves.toEqual({
      principalId: 'sub-of-the-bearer',
      policyDocument: {
        Version: '2012-10-17',
        Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: [`${API}/POST/sample`] }],
      },
      context: { sub: 'sub-of-the-bearer', username: 'alice', client_id: 'service-client' },
    });
  });

  it('asks the pool itself for its keys', async () => {
    const fetches: unknown[] = [];
    jest.spyOn(globalThis, 'fetch').mockImplementation(async (address) => {
      fetches.push(address);
      return Response.json({ keys: [key.jwk] });
    });
    await jest.isolateModulesAsync(async () => {
      const { handler: fresh } = await import('../../../handlers/app2/authorizer.ts');
      await fresh({
        type: 'TOKEN',
        methodArn: `${API}/POST/sample`,
        authorizationToken: `Bearer ${token()}`,
      });
    });

    expect(fetches).toEqual(['https://keys.example/eu-central-1_Pool/.well-known/jwks.json']);
  });

  it('lets a machine client manage users, and nothing else', async () => {
    const { policyDocument } = await authorize(`Bearer ${token({ 'cognito:groups': ['api-client'] })}`);

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

  it('gives the same policy whatever route asked for it, because it is cached for all of them', async () => {
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
  ])('denies everything to a bearer %s', async (_what, other) => {
    const { policyDocument } = await authorize(`Bearer ${token(other)}`);

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
    ['has no username', () => token({ username: undefined })],
    ['is not signed', () => unsigned(claims)],
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
  ])('answers 401 to a token that %s', async (_what, make) => {
    const bad = make();

    const error = await thrownBy(authorize(`Bearer ${bad}`));

    expect(error.message).toBe('Unauthorized');
    expectNoLeak(bad, error, log());
  });

  it.each([
    ['is empty', ''],
    ['is of another scheme', `Basic ${token()}`],
    ['has no scheme', token()],
    ['carries more than a token', `Bearer ${token()} more`],
  ])('answers 401 to an Authorization header that %s', async (_what, authorization) => {
    await expect(authorize(authorization)).rejects.toThrow(/^Unauthorized$/);
  });
});
