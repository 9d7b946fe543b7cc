import { randomInt } from 'node:crypto';
import * as z from 'zod';

/**
 * The calls that a rule matches. All given conditions must hold; the first matching rule applies.
 *
 * - `service`, `operation`: for a signed AWS call the service name in botocore and the operation (`cognito-idp`,
 *   `AdminCreateUser`; also `kms`, `stepfunctions`, `events`, `secretsmanager`, `ssm`); for a call through API Gateway
 *   `execute-api` and the HTTP method; for a request for the keys of a user pool `jwks` and the HTTP method.
 * - `resource`: a substring of the path of a call through API Gateway. The path of AWS calls in a JSON protocol is constant.
 * - `headers`: a substring of the value of each header; the empty string matches every value.
 * - `body`: a JMESPath expression over the JSON body, which must be true: `Username == 'anna'`,
 *   `EncryptionContext.provisioning_id == '…'`, `ends_with(executionArn, ':…')`. A JMESPath function on a missing field is
 *   an error (HTTP 500 for that call), so give service and operation, too.
 */
export interface FaultMatch {
  readonly service?: string;
  readonly operation?: string;
  readonly resource?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** How often a rule fires: `times` in all, or alternating: for `fail` matching calls, then not for `pass` calls. */
export interface FaultCount {
  /** Probability, from 0 to 1, that it fires for a matching call. */
  readonly probability?: number;
  readonly times?: number;
  readonly sequence?: { readonly fail: number; readonly pass: number };
}

/**
 * The effect on the call. Each was tested with AWS SDK v3 clients and a time limit of 3 s per call:
 *
 * | fault | effect |
 * | --- | --- |
 * | throttled | `error: {code: 'TooManyRequestsException', status: 400}` (Cognito), `ThrottlingException` (the others) |
 * | server error | `error: {code: 'InternalErrorException', status: 500}`; without `status` it is 400 |
 * | permanent error | `error: {code: 'AccessDeniedException', status: 400}` |
 * | read lag | `error: {code: 'UserNotFoundException', status: 400}` on AdminGetUser |
 * | connection reset before the service | `reset: true` |
 * | response lost after the effect | `response: {abort_bytes: 0}` |
 * | response too late, effect at once | `response: {hold_ms: 4_000}` |
 * | effect after the client's time limit | `latency: 4_000` |
 * | no response and no effect | `timeout_ms: 4_000`; a client that waits that long gets a 504 |
 *
 * The SDK reports a reset and an exceeded limit as `TimeoutError` (code ECONNRESET, ETIMEDOUT), and a lost response as
 * `Error: aborted` (ECONNRESET) with the HTTP status of the response, which can be 200.
 *
 * Times are in milliseconds. An error has the protocol of the call; its `message` is the code by default.
 */
export type FaultEffect =
  | { readonly error: { readonly code: string; readonly status: number; readonly message?: string } }
  | { readonly reset: true }
  | { readonly response: { readonly abort_bytes: number } | { readonly hold_ms: number } }
  | { readonly latency: number }
  | { readonly timeout_ms: number };

export type FaultRule = FaultMatch & FaultCount & FaultEffect;

/** How often a rule fired, and its last action as microburst names it: `error:ThrottlingException`, `reset`. */
export interface Fired {
  readonly id: number;
  readonly times: number;
  readonly action: string;
}

export interface Faults {
  /** Appends rules. Returns their ids in the same order. */
  add(rules: readonly FaultRule[]): Promise<number[]>;
  /** Removes exactly these rules. A rule that does not exist is no error. */
  remove(ids: readonly number[]): Promise<void>;
  /** The rules among these that fired, including removed ones. */
  fired(ids: readonly number[]): Promise<Fired[]>;
}

const ruleList = z.array(z.object({ id: z.int(), until: z.number() }));
const statistics = z.object({
  by_rule: z.array(z.object({ id: z.int(), describe: z.string(), fired: z.int() })),
});

/**
 * The rules of a running fault proxy. Several clients can use one proxy: ids are unique, and a client removes only its own
 * rules. Counts are per rule and exist as long as the proxy. Microburst's log of single events is limited to 2,000 and
 * therefore not used.
 * @throws Error when the proxy rejects a rule or does not respond
 */
export function faultsAt(url: string): Faults {
  const request = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${url}/_microburst/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: HTTP ${response.status}: ${await response.text()}`);
    return response.json();
  };

  return {
    async add(rules) {
      const added = await request('PATCH', 'rules', rules.map(withUniqueExpiry));
      return ruleList.parse(added).map(({ id }) => id);
    },

    async remove(ids) {
      const present = ruleList.parse(await request('GET', 'rules'));
      const expiries = present.filter(({ id }) => ids.includes(id)).map(({ until }) => ({ until }));
      // An empty list would remove every rule.
      if (expiries.length > 0) await request('DELETE', 'rules', expiries);
    },

    async fired(ids) {
      const { by_rule: counts } = statistics.parse(await request('GET', 'stats'));
      return counts
        .filter(({ id }) => ids.includes(id))
        .map(({ id, fired, describe }) => ({ id, times: fired, action: describe }));
    },
  };
}

/** microburst removes rules by their fields, not by their ids: a unique expiry in the far future identifies each rule. */
const withUniqueExpiry = (rule: FaultRule) => ({ ...rule, until: FAR_AWAY + randomInt(2 ** 47) });
const FAR_AWAY = 10 ** 12;
