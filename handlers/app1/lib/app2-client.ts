import type { CreateUserRequest } from '../../../contracts/app2-api.ts';
import type { UserCreationInput } from '../../../contracts/executions.ts';
import type { FailureName } from '../../../contracts/failures.ts';
import { CREATION_ID_HEADER, RESPOND_ASYNC } from '../../../contracts/headers.ts';
import { TRACE_HEADER } from '../../../contracts/origin.ts';
import { problem, problems } from '../../../contracts/problems.ts';
import { type ReceivedStatus, receivedStatus, type TimelinePart } from '../../../contracts/status.ts';
import { timeLimits } from '../../../contracts/time-limits.ts';
import { StepError } from '../../shared/errors.ts';
import { traceHeader } from '../../shared/trace-header.ts';
import type { App2Token, TokenSource } from './app2-token.ts';

/** What App2 is asked about: without the generation it could not tell a repeat from a new provisioning under an old key. */
type Generation = Pick<UserCreationInput, 'provisioning_id' | 'creation_id'>;

/** App2's admin endpoints as App1 sees them. Each method can be repeated: App2 knows the generation. */
export interface App2Client {
  /** `notifies`: App2 will send a completion notification, so the status need not be polled. */
  requestUserCreation(
    generation: Generation,
    request: CreateUserRequest,
    about?: About,
  ): Promise<{ status: ReceivedStatus; notifies: boolean }>;
  /** The state of a creation; by the name of the user App2 looks it up in its pool first. */
  readStatus(generation: Generation, username: string): Promise<ReceivedStatus>;
  /** `absent`: no user of this generation is there, and none will come. `username` is that of the request. */
  cancelUserCreation(
    generation: Generation,
    username: string,
    about?: About,
  ): Promise<ReceivedStatus | 'absent'>;
  /** What happened at App2; nothing when App2 has not heard of it. */
  readTimeline(generation: Generation): Promise<TimelinePart>;
}

/** What App2 is told beside the request. */
export interface About {
  /** The caller whom App1 has verified, as App2 records it. */
  onBehalfOf?: string | undefined;
  /** The trace that the request belongs to. */
  traceId?: string | undefined;
  /** Whether App2's completion notifications arrive. */
  acceptsCallback?: boolean;
}

function headersOf(
  { creation_id }: Pick<Generation, 'creation_id'>,
  { onBehalfOf, traceId }: About = {},
): Record<string, string> {
  const trace = traceHeader(traceId);
  return {
    [CREATION_ID_HEADER]: creation_id,
    ...(onBehalfOf === undefined ? {} : { 'On-Behalf-Of': onBehalfOf }),
    ...(trace === undefined ? {} : { [TRACE_HEADER]: trace }),
  };
}

/** Path of a creation, with the name by which App2 can look the user up. */
const addressOf = ({ provisioning_id }: Generation, username: string): string =>
  `/admin/create-user/${provisioning_id}?username=${encodeURIComponent(username)}`;

interface Services {
  apiUrl: string;
  tokens: TokenSource;
  fetch: typeof globalThis.fetch;
}

/** Answers that say nothing of the request but that the target cannot serve it now: all 5xx, and these. */
const TRY_AGAIN = [408, 429];

export function app2Client({ apiUrl, tokens, fetch }: Services): App2Client {
  const base = apiUrl.replace(/\/$/, '');

  /** Sends with a token; one that App2 refuses is renewed once, within the same time limit in seconds. */
  const send = async (
    method: string,
    path: string,
    headers: Record<string, string>,
    { body, within = timeLimits.app2Request }: { body?: object; within?: number } = {},
  ) => {
    const token = await tokens.get();
    const signal = AbortSignal.timeout(within * 1000);
    const attempt = ({ value }: App2Token) =>
      fetch(`${base}${path}`, {
        method,
        headers: { ...headers, Authorization: `Bearer ${value}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'error',
        signal,
      }).catch((error: unknown) => {
        throw new StepError('TargetUnavailable', `App2 did not answer: ${nameOf(error)}.`);
      });
    const response = await attempt(token);
    return response.status === 401 ? attempt(await tokens.get(token)) : response;
  };

  return {
    async requestUserCreation(generation, request, about = {}) {
      const response = await send(
        'POST',
        '/admin/create-user',
        {
          'Content-Type': 'application/json',
          'Idempotency-Key': generation.provisioning_id,
          Prefer: `${about.acceptsCallback === true ? `${RESPOND_ASYNC}, ` : ''}wait=${timeLimits.app2Wait}`,
          ...headersOf(generation, about),
        },
        { body: request },
      );
      const notifies = response.headers.get('Preference-Applied') === RESPOND_ASYNC;
      return { status: await readStatus(response), notifies };
    },

    async readStatus(generation, username) {
      const response = await send('GET', addressOf(generation, username), headersOf(generation));
      // It was accepted: what cannot be seen is not seen yet.
      if (response.status === 404)
        throw new StepError('UserCreationPending', 'App2 does not see the creation yet.');
      return readStatus(response);
    },

    async cancelUserCreation(generation, username, about) {
      const response = await send('DELETE', addressOf(generation, username), {
        Prefer: `wait=${timeLimits.app2Wait}`,
        ...headersOf(generation, about),
      });
      // What App2 has under this id is another generation's, and it has looked: none of this one is there.
      const isAbsent = response.status === 204 || (await codeOf(response)) === 'USER_OF_EARLIER_PROVISIONING';
      return isAbsent ? 'absent' : readStatus(response);
    },

    async readTimeline(generation) {
      const path = `/admin/create-user/${generation.provisioning_id}?include=timeline`;
      const response = await send('GET', path, headersOf(generation), { within: timeLimits.app2Timeline });
      if (response.status === 404) return { timeline: [] };
      const { timeline, timeline_incomplete } = await readStatus(response);
      if (timeline === undefined)
        throw new StepError('App2RequestRefused', 'App2 answered without a timeline.');
      return { timeline, ...(timeline_incomplete === undefined ? {} : { timeline_incomplete }) };
    },
  };
}

async function readStatus(response: Response): Promise<ReceivedStatus> {
  if (response.ok) {
    const body: unknown = await response.json().catch((error: unknown) => {
      // The answer began and did not arrive as a whole; what it says App2 says again.
      throw new StepError('TargetUnavailable', `App2's answer was cut off: ${nameOf(error)}.`);
    });
    const status = receivedStatus.safeParse(body);
    if (status.success) return status.data;
  }
  throw new StepError(await failureOf(response), `App2 answered with HTTP ${response.status}.`);
}

async function failureOf(response: Response): Promise<FailureName> {
  const { status: httpStatus } = response;
  const code = await codeOf(response);
  if (code === 'QUEUE_FULL') return 'App2QueueFull';
  if (code === 'USER_OF_EARLIER_PROVISIONING') return 'UserAlreadyExists';
  if (httpStatus === 401) return 'App2AuthenticationFailed';
  return httpStatus >= 500 || TRY_AGAIN.includes(httpStatus) ? 'TargetUnavailable' : 'App2RequestRefused';
}

/** Codes that mean something else than their HTTP status does; the body of no other answer is read. */
const TELLING = ['QUEUE_FULL', 'USER_OF_EARLIER_PROVISIONING'] as const;

/** Which of these codes an answer has, if it has one. */
async function codeOf(response: Response): Promise<(typeof TELLING)[number] | undefined> {
  const possible = TELLING.filter((code) => problems[code].status === response.status);
  if (possible.length === 0) return undefined;
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  const told = problem.safeParse(body).data;
  return possible.find((code) => code === told?.code);
}

const nameOf = (error: unknown) => (error instanceof Error ? error.name : 'unknown');
