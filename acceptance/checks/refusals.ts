import { randomUUID } from 'node:crypto';
import { MAX_BODY_BYTES, type ProblemCode } from '../../contracts/problems.ts';
import type { Check } from '../check.ts';
import { expectProblem } from '../responses.ts';
import type { Answer, DeployedSystem } from '../system.ts';
import { assert, NotApplicable } from '../verdict.ts';

/** What is refused, by API Gateway, an authorizer or a function: each as a problem. */

const JSON_BODY = { 'content-type': 'application/json' };
const POST = { method: 'POST', headers: JSON_BODY } as const;
const CREATE = '/create-service-user';

/** API Gateway takes 10 MB, and hands 6 MB to a function. docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MB = 1_000_000;

const padded = (bytes: number) => JSON.stringify({ username: 'a', human_user_id: 'x'.repeat(bytes) });

interface Refusal {
  name: string;
  what: string;
  code: ProblemCode;
  full?: true;
  ask: (system: DeployedSystem) => Promise<Answer>;
}

const refusals: readonly Refusal[] = [
  {
    name: 'unsigned',
    what: 'A request to App1 without a signature',
    code: 'FORBIDDEN',
    ask: (system) => system.askApp1Unsigned(`${CREATE}/${randomUUID()}`),
  },
  {
    name: 'malformed-signature',
    what: 'A request to App1 whose signature cannot be read',
    code: 'FORBIDDEN',
    ask: (system) =>
      system.askApp1Unsigned(`${CREATE}/${randomUUID()}`, { authorization: 'AWS4-HMAC-SHA256 Nothing=1' }),
  },
  {
    name: 'unknown-route',
    what: 'A signed request to a route that App1 does not have',
    code: 'FORBIDDEN',
    ask: (system) => system.askApp1('/no-such-route'),
  },
  {
    name: 'unknown-id',
    what: 'A question for a provisioning that there is not',
    code: 'NOT_FOUND',
    ask: (system) => system.askApp1(`${CREATE}/${randomUUID()}`),
  },
  {
    name: 'bad-json',
    what: 'A body that is no JSON',
    code: 'INVALID_REQUEST',
    ask: (system) => system.askApp1(CREATE, { ...POST, body: '{"username": ' }),
  },
  {
    name: 'wrong-fields',
    what: 'A body without its fields',
    code: 'INVALID_REQUEST',
    ask: (system) => system.askApp1(CREATE, { ...POST, body: '{}' }),
  },
  {
    name: 'wrong-content-type',
    what: 'A body that is not declared as JSON',
    code: 'UNSUPPORTED_MEDIA_TYPE',
    ask: (system) =>
      system.askApp1(CREATE, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' }),
  },
  {
    name: 'too-large',
    what: 'A body that is larger than any valid one',
    code: 'PAYLOAD_TOO_LARGE',
    ask: (system) => system.askApp1(CREATE, { ...POST, body: padded(MAX_BODY_BYTES) }),
  },
  {
    name: 'too-large-for-lambda',
    what: 'A body of 7 MB, which API Gateway takes and Lambda does not',
    code: 'PAYLOAD_TOO_LARGE',
    full: true,
    ask: (system) => system.askApp1(CREATE, { ...POST, body: padded(7 * MB) }),
  },
  {
    name: 'too-large-for-the-gateway',
    what: 'A body of 11 MB, which API Gateway does not take',
    code: 'PAYLOAD_TOO_LARGE',
    full: true,
    ask: (system) => system.askApp1(CREATE, { ...POST, body: padded(11 * MB) }),
  },
  {
    name: 'no-token',
    what: 'A request to App2 without a token',
    code: 'UNAUTHENTICATED',
    ask: (system) => system.askApp2('/sample', { ...POST, body: '{"data": {}}' }),
  },
  {
    name: 'invalid-token',
    what: 'A request to App2 with a token that is none',
    code: 'UNAUTHENTICATED',
    ask: (system) => system.askApp2('/sample', { ...POST, body: '{"data": {}}', token: 'e30.e30.e30' }),
  },
  {
    name: 'foreign-group',
    what: "A service user's token on a route of App1's machine user",
    code: 'FORBIDDEN',
    async ask(system) {
      const { user, provisioning } = await system.example();
      const token = await system.signIn(user);
      return system.askApp2(`/admin/create-user/${provisioning.provisioning_id}`, { token });
    },
  },
  {
    name: 'foreign-client',
    what: "The machine user's token on the business endpoint",
    code: 'FORBIDDEN',
    ask: async (system) =>
      system.askApp2('/sample', { ...POST, body: '{"data": {}}', token: await system.machineToken() }),
  },
  {
    name: 'unknown-route-of-app2',
    what: 'A request with a token to a route that App2 does not have',
    code: 'FORBIDDEN',
    async ask(system) {
      const { user } = await system.example();
      return system.askApp2('/no-such-route', { token: await system.signIn(user) });
    },
  },
];

/** Whether App1 wants an API key beside the signature can only be told by whoever has one. */
export const missingApiKey: Check<Pick<DeployedSystem, 'hasApiKey' | 'askApp1' | 'askApp1WithoutKey'>> = {
  name: 'refusals/missing-api-key',
  claim: 'A signed request to App1 without an API key is answered 403 FORBIDDEN, where callers have keys.',
  async run(system) {
    if (!system.hasApiKey)
      throw new NotApplicable(
        'no API key was given (--api-key-file): callers have none unless app1_callers is set',
      );
    const path = `${CREATE}/${randomUUID()}`;
    assert((await system.askApp1(path)).status === 404, 'with its API key the request is not let in');
    return expectProblem(await system.askApp1WithoutKey(path), 'FORBIDDEN');
  },
};

export const refusalChecks: readonly Check[] = [
  ...refusals.map(({ name, what, code, full, ask }) => ({
    name: `refusals/${name}`,
    claim: `${what} is answered as the problem ${code}.`,
    ...(full === undefined ? {} : { full }),
    run: async (system: DeployedSystem) => expectProblem(await ask(system), code),
  })),
  missingApiKey,
];
