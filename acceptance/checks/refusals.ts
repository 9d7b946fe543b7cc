import { randomUUID } from 'node:crypto';
import { MAX_BODY_BYTES, type ProblemCode } from '../../contracts/problems.ts';
import { callBusinessRoute, noBusinessRoute } from '../business-route.ts';
import type { Check } from '../check.ts';
import { expectProblem } from '../responses.ts';
import type { ApiResponse, DeployedSystem } from '../system.ts';
import { assert, NotApplicable } from '../verdict.ts';

/** Requests that API Gateway, an authorizer or a function rejects, each with a problem. */

const JSON_BODY = { 'content-type': 'application/json' };
const POST = { method: 'POST', headers: JSON_BODY } as const;
const CREATE = '/create-service-user';

/** API Gateway accepts 10 MB, and Lambda 6 MB. docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MB = 1_000_000;

const bodyOf = (bytes: number) => JSON.stringify({ username: 'a', human_user_id: 'x'.repeat(bytes) });

interface Refusal {
  name: string;
  description: string;
  code: ProblemCode;
  full?: true;
  send: (system: DeployedSystem) => Promise<ApiResponse>;
}

const refusals: readonly Refusal[] = [
  {
    name: 'unsigned',
    description: 'A request to App1 without a signature',
    code: 'FORBIDDEN',
    send: (system) => system.callApp1Unsigned(`${CREATE}/${randomUUID()}`),
  },
  {
    name: 'malformed-signature',
    description: 'A request to App1 whose signature cannot be read',
    code: 'FORBIDDEN',
    send: (system) =>
      system.callApp1Unsigned(`${CREATE}/${randomUUID()}`, { authorization: 'AWS4-HMAC-SHA256 Nothing=1' }),
  },
  {
    name: 'unknown-route',
    description: 'A signed request to a route that App1 does not have',
    code: 'FORBIDDEN',
    send: (system) => system.callApp1('/no-such-route'),
  },
  {
    name: 'unknown-id',
    description: 'A request for an unknown provisioning',
    code: 'NOT_FOUND',
    send: (system) => system.callApp1(`${CREATE}/${randomUUID()}`),
  },
  {
    name: 'bad-json',
    description: 'A body that is not JSON',
    code: 'INVALID_REQUEST',
    send: (system) => system.callApp1(CREATE, { ...POST, body: '{"username": ' }),
  },
  {
    name: 'wrong-fields',
    description: 'A body without its fields',
    code: 'INVALID_REQUEST',
    send: (system) => system.callApp1(CREATE, { ...POST, body: '{}' }),
  },
  {
    name: 'wrong-content-type',
    description: 'A body that is not declared as JSON',
    code: 'UNSUPPORTED_MEDIA_TYPE',
    send: (system) =>
      system.callApp1(CREATE, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' }),
  },
  {
    name: 'too-large',
    description: 'A body that is larger than any valid one',
    code: 'PAYLOAD_TOO_LARGE',
    send: (system) => system.callApp1(CREATE, { ...POST, body: bodyOf(MAX_BODY_BYTES) }),
  },
  {
    name: 'too-large-for-lambda',
    description: 'A body of 7 MB, which API Gateway accepts and Lambda does not',
    code: 'PAYLOAD_TOO_LARGE',
    full: true,
    send: (system) => system.callApp1(CREATE, { ...POST, body: bodyOf(7 * MB) }),
  },
  {
    name: 'too-large-for-the-gateway',
    description: 'A body of 11 MB, which API Gateway does not accept',
    code: 'PAYLOAD_TOO_LARGE',
    full: true,
    send: (system) => system.callApp1(CREATE, { ...POST, body: bodyOf(11 * MB) }),
  },
  {
    name: 'no-token',
    description: 'A request to the target without a token',
    code: 'UNAUTHENTICATED',
    send: (system) => system.callTarget(`/admin/create-user/${randomUUID()}`),
  },
  {
    name: 'invalid-token',
    description: 'A request to the target with an invalid token',
    code: 'UNAUTHENTICATED',
    send: (system) => system.callTarget(`/admin/create-user/${randomUUID()}`, { token: 'e30.e30.e30' }),
  },
  {
    name: 'wrong-group',
    description: "A service user's token on a route of App1's machine user",
    code: 'FORBIDDEN',
    async send(system) {
      const { user, provisioning } = await system.example();
      const token = await system.signIn(user);
      return system.callTarget(`/admin/create-user/${provisioning.provisioning_id}`, { token });
    },
  },
  {
    name: 'wrong-client',
    description: "The machine user's token on a business endpoint",
    code: 'FORBIDDEN',
    async send(system) {
      if (system.businessRoute === undefined) throw new NotApplicable(noBusinessRoute(system));
      return callBusinessRoute(system, system.businessRoute, await system.machineToken());
    },
  },
  {
    name: 'unknown-route-of-target',
    description: 'A request with a token to a route that the target does not have',
    code: 'FORBIDDEN',
    async send(system) {
      const { user } = await system.example();
      return system.callTarget('/no-such-route', { token: await system.signIn(user) });
    },
  },
];

/** Needs an API key, because without one it is not known whether App1 requires it. */
export const missingApiKey: Check<Pick<DeployedSystem, 'hasApiKey' | 'callApp1' | 'callApp1WithoutKey'>> = {
  name: 'refusals/missing-api-key',
  claim: 'A signed request to App1 without an API key returns 403 FORBIDDEN, if callers have keys.',
  async run(system) {
    if (!system.hasApiKey)
      throw new NotApplicable(
        'no API key was given (--api-key-file): callers have none unless app1_callers is set',
      );
    const path = `${CREATE}/${randomUUID()}`;
    assert((await system.callApp1(path)).status === 404, 'the request with the API key is rejected');
    return expectProblem(await system.callApp1WithoutKey(path), 'FORBIDDEN');
  },
};

export const refusalChecks: readonly Check[] = [
  ...refusals.map(({ name, description, code, full, send }) => ({
    name: `refusals/${name}`,
    claim: `${description} returns the problem ${code}.`,
    ...(full === undefined ? {} : { full }),
    run: async (system: DeployedSystem) => expectProblem(await send(system), code),
  })),
  missingApiKey,
];
