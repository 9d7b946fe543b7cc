import type { CreateUserRequest } from '../../contracts/app2-api.ts';
import type { FailureName } from '../../contracts/failures.ts';
import { RESPOND_ASYNC } from '../../contracts/headers.ts';
import { TRACE_HEADER } from '../../contracts/origin.ts';
import { problem, problems } from '../../contracts/problems.ts';
import { type ReceivedStatus, receivedStatus, type TimelinePart } from '../../contracts/status.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import { StepError } from '../shared/errors.ts';
import { traceHeader } from '../shared/trace.ts';
import type { App2Token, TokenSource } from './app2-token.ts';

/** App2's admin endpoints as App1 sees them. Each method can be repeated: App2 knows the provisioning_id. */
export interface App2Client {
  /** `announced`: App2 will tell the end by an event, and is not to be asked for it. */
  requestUserCreation(
    provisioningId: string,
    request: CreateUserRequest,
    about?: About,
  ): Promise<{ status: ReceivedStatus; announced: boolean }>;
  readStatus(provisioningId: string): Promise<ReceivedStatus>;
  cancelUserCreation(provisioningId: string, about?: About): Promise<ReceivedStatus | 'absent'>;
  /** What happened at App2; nothing when App2 has not heard of it. */
  readTimeline(provisioningId: string): Promise<TimelinePart>;
}

/** What App2 is told beside the request. */
export interface About {
  /** The caller whom App1 has verified, as App2 records it. */
  onBehalfOf?: string | undefined;
  /** The trace that the request belongs to. */
  traceId?: string | undefined;
  /** Whether what App2 announces is heard. */
  hears?: boolean;
}

function headersOf({ onBehalfOf, traceId }: About): Record<string, string> {
  const trace = traceHeader(traceId);
  return {
    ...(onBehalfOf === undefined ? {} : { 'On-Behalf-Of': onBehalfOf }),
    ...(trace === undefined ? {} : { [TRACE_HEADER]: trace }),
  };
}

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
    async requestUserCreation(provisioningId, request, about = {}) {
      const response = await send(
        'POST',
        '/admin/create-user',
        {
          'Content-Type': 'application/json',
          'Idempotency-Key': provisioningId,
          Prefer: `${about.hears === true ? `${RESPOND_ASYNC}, ` : ''}wait=${timeLimits.app2Wait}`,
          ...headersOf(about),
        },
        { body: request },
      );
      const announced = response.headers.get('Preference-Applied') === RESPOND_ASYNC;
      return { status: await readStatus(response), announced };
    },

    async readStatus(provisioningId) {
      return readStatus(await send('GET', `/admin/create-user/${provisioningId}`, {}));
    },

    async cancelUserCreation(provisioningId, about = {}) {
      const response = await send('DELETE', `/admin/create-user/${provisioningId}`, {
        Prefer: `wait=${timeLimits.app2Wait}`,
        ...headersOf(about),
      });
      return response.status === 204 ? 'absent' : readStatus(response);
    },

    async readTimeline(provisioningId) {
      const path = `/admin/create-user/${provisioningId}?include=timeline`;
      const response = await send('GET', path, headersOf({}), { within: timeLimits.app2Timeline });
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
  if (httpStatus === problems.QUEUE_FULL.status && (await isFull(response))) return 'App2QueueFull';
  if (httpStatus === 401) return 'App2AuthenticationFailed';
  return httpStatus >= 500 || TRY_AGAIN.includes(httpStatus) ? 'TargetUnavailable' : 'App2RequestRefused';
}

const isFull = (response: Response): Promise<boolean> =>
  response.json().then(
    (body: unknown) => problem.safeParse(body).data?.code === 'QUEUE_FULL',
    () => false,
  );

const nameOf = (error: unknown) => (error instanceof Error ? error.name : 'unknown');
