import { randomInt } from 'node:crypto';
import * as z from 'zod';

/**
 * Which calls a rule is about. All that is given must hold; the first rule that matches a call decides.
 *
 * - `service`, `operation`: of a signed AWS call its name in botocore and its operation (`cognito-idp`,
 *   `AdminCreateUser`; also `kms`, `stepfunctions`, `events`, `secretsmanager`, `ssm`); of a call through API Gateway
 *   `execute-api` and the HTTP method; of a request for the keys of a user pool `jwks` and the HTTP method.
 * - `resource`: a part of the path of a call through API Gateway. AWS calls in a JSON protocol have none worth using.
 * - `headers`: a part of the value of each header; the empty string is a part of every value.
 * - `body`: a JMESPath expression over the JSON body, which must be true: `Username == 'anna'`,
 *   `EncryptionContext.provisioning_id == '…'`, `ends_with(executionArn, ':…')`. A function of a field that a body lacks
 *   is an error (HTTP 500 for that call), so give service and operation, too.
 */
export interface FaultMatch {
  readonly service?: string;
  readonly operation?: string;
  readonly resource?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** How often a rule fires: `times` and then no more, or in turns: `fail` matching calls, then `pass` that go through. */
export interface FaultCount {
  /** Part of the matching calls that it fires for, at random. */
  readonly probability?: number;
  readonly times?: number;
  readonly sequence?: { readonly fail: number; readonly pass: number };
}

/**
 * What happens to the call. Each was seen with AWS SDK v3 clients and a limit of 3 s per call:
 *
 * | meant | effect on the call |
 * | --- | --- |
 * | throttled | `error: {code: 'TooManyRequestsException', status: 400}` (Cognito), `ThrottlingException` (the others) |
 * | server error | `error: {code: 'InternalErrorException', status: 500}`; without `status` it is 400 |
 * | permanent error | `error: {code: 'AccessDeniedException', status: 400}` |
 * | read lag | `error: {code: 'UserNotFoundException', status: 400}` on AdminGetUser |
 * | connection reset before the service | `reset: true` |
 * | answer lost after the effect | `response: {abort_bytes: 0}` |
 * | answer too late, effect at once | `response: {hold_ms: 4_000}` |
 * | effect late, after the caller gave up | `latency: 4_000` |
 * | held, no effect | `timeout_ms: 4_000`; who waits that long gets a 504 |
 *
 * The SDK calls a reset and all that exceed the limit `TimeoutError` (code ECONNRESET, ETIMEDOUT); a lost answer is an
 * `Error: aborted` (ECONNRESET) that carries the HTTP status of the answer, which may be 200.
 *
 * Times are in milliseconds. An error is written in the protocol of the call; its `message` is the code unless given.
 */
export type FaultEffect =
  | { readonly error: { readonly code: string; readonly status: number; readonly message?: string } }
  | { readonly reset: true }
  | { readonly response: { readonly abort_bytes: number } | { readonly hold_ms: number } }
  | { readonly latency: number }
  | { readonly timeout_ms: number };

export type FaultRule = FaultMatch & FaultCount & FaultEffect;

/** That a rule fired, how often, and what it did last, in microburst's words: `error:ThrottlingException`, `reset`. */
export interface Fired {
  readonly id: number;
  readonly times: number;
  readonly action: string;
}

export interface Faults {
  /** Adds rules behind those that are there; their ids, in the same order. */
  add(rules: readonly FaultRule[]): Promise<number[]>;
  /** Removes exactly these rules; what is gone already is no error. */
  remove(ids: readonly number[]): Promise<void>;
  /** Those of the rules that fired, also when they have been removed since. */
  fired(ids: readonly number[]): Promise<Fired[]>;
}

const ruleList = z.array(z.object({ id: z.int(), until: z.number() }));
const statistics = z.object({
  by_rule: z.array(z.object({ id: z.int(), describe: z.string(), fired: z.int() })),
});

/**
 * The rules of a running fault proxy. Many can use one proxy at once: ids are never used twice, and nobody removes the
 * rules of others. Counts are per rule and last as long as the proxy; microburst's log of single events does not (it
 * keeps 2,000), so it is not used.
 * @throws Error when the proxy refuses a rule or does not answer
 */
export function faultsAt(url: string): Faults {
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${url}/_microburst/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: HTTP ${response.status}: ${await response.text()}`);
    return response.json();
  };

  return {
    async add(rules) {
      const added = await ask('PATCH', 'rules', rules.map(marked));
      return ruleList.parse(added).map(({ id }) => id);
    },

    async remove(ids) {
      const present = ruleList.parse(await ask('GET', 'rules'));
      const marks = present.filter(({ id }) => ids.includes(id)).map(({ until }) => ({ until }));
      // An empty list would remove every rule.
      if (marks.length > 0) await ask('DELETE', 'rules', marks);
    },

    async fired(ids) {
      const { by_rule: counts } = statistics.parse(await ask('GET', 'stats'));
      return counts
        .filter(({ id }) => ids.includes(id))
        .map(({ id, fired, describe }) => ({ id, times: fired, action: describe }));
    },
  };
}

/** microburst removes rules by their fields, not by their ids: an end of its own, far away, makes each rule unique. */
const marked = (rule: FaultRule) => ({ ...rule, until: FAR_AWAY + randomInt(2 ** 47) });
const FAR_AWAY = 10 ** 12;
