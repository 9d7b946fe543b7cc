import type * as z from 'zod';
import type { CreateUserRequest } from '../../../contracts/app2-api.ts';
import type { UserCreationInput } from '../../../contracts/executions.ts';
import type { FailureName } from '../../../contracts/failures.ts';
import { CREATION_ID_HEADER, RESPOND_ASYNC } from '../../../contracts/headers.ts';
import { TRACE_HEADER } from '../../../contracts/origin.ts';
import { problem, problems } from '../../../contracts/problems.ts';
import { type ReceivedTimelinePart, receivedStatus } from '../../../contracts/status.ts';
import { timeLimits } from '../../../contracts/time-limits.ts';
import { StepError } from '../../shared/errors.ts';
import { traceHeader } from '../../shared/trace-header.ts';
import type { TargetToken, TokenSource } from './target-token.ts';

/** The fields of the target's status that App1 evaluates. */
export const creationStatus = receivedStatus.pick({
  status: true,
  user: true,
  estimated_end_at: true,
  error: true,
  timeline: true,
  timeline_incomplete: true,
});
export type CreationStatus = z.infer<typeof creationStatus>;

/** A generation of a provisioning. With it the target distinguishes a repeated request from a new one with the same key. */
type Generation = Pick<UserCreationInput, 'provisioning_id' | 'creation_id'>;

/** Client of the target's admin endpoints. Each method is idempotent. */
export interface TargetClient {
  /** `notifies`: the target will send a completion notification, so the status need not be polled. */
  requestUserCreation(
    generation: Generation,
    request: CreateUserRequest,
    context?: RequestContext,
  ): Promise<{ status: CreationStatus; notifies: boolean }>;
  /** Reads the status of a creation. With the username the target reads the user from its pool first. */
  readStatus(generation: Generation, username: string): Promise<CreationStatus>;
  /** Cancels a creation or removes its user. `absent`: no user of this generation exists or will be created. */
  cancelUserCreation(
    generation: Generation,
    username: string,
    context?: RequestContext,
  ): Promise<CreationStatus | 'absent'>;
  /** Reads the target's part of the timeline; empty if the target has no record of the creation. */
  readTimeline(generation: Generation): Promise<ReceivedTimelinePart>;
}

/** Context of a request to the target. */
export interface RequestContext {
  /** The caller of App1's API, for `On-Behalf-Of`. */
  onBehalfOf?: string | undefined;
  /** Trace id of the request. */
  traceId?: string | undefined;
}

function headersOf(
  { creation_id }: Pick<Generation, 'creation_id'>,
  { onBehalfOf, traceId }: RequestContext = {},
): Record<string, string> {
  const trace = traceHeader(traceId);
  return {
    [CREATION_ID_HEADER]: creation_id,
    ...(onBehalfOf === undefined ? {} : { 'On-Behalf-Of': onBehalfOf }),
    ...(trace === undefined ? {} : { [TRACE_HEADER]: trace }),
  };
}

/** Path of a creation, with the username for the target's read of its pool. */
const pathOf = ({ provisioning_id }: Generation, username: string): string =>
  `/admin/create-user/${provisioning_id}?username=${encodeURIComponent(username)}`;

interface Services {
  apiUrl: string;
  tokens: TokenSource;
  fetch: typeof globalThis.fetch;
}

/** HTTP statuses that are transient, in addition to 5xx: Request Timeout and Too Many Requests. */
const TRANSIENT_STATUSES = [408, 429];

export function targetClient({ apiUrl, tokens, fetch }: Services): TargetClient {
  const base = apiUrl.replace(/\/$/, '');

  /** Sends a request with a token. If the target refuses the token, signs in again and retries once within the time limit. */
  const send = async (
    method: string,
    path: string,
    headers: Record<string, string>,
    { body, timeoutSeconds = timeLimits.targetRequest }: { body?: object; timeoutSeconds?: number } = {},
  ) => {
    const token = await tokens.get();
    const signal = AbortSignal.timeout(timeoutSeconds * 1000);
    const attempt = ({ value }: TargetToken) =>
      fetch(`${base}${path}`, {
        method,
        headers: { ...headers, Authorization: `Bearer ${value}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'error',
        signal,
      }).catch((error: unknown) => {
        throw new StepError('TargetUnavailable', `No response from the target: ${nameOf(error)}.`);
      });
    const response = await attempt(token);
    return response.status === 401 ? attempt(await tokens.get(token)) : response;
  };

  return {
    async requestUserCreation(generation, request, context = {}) {
      const response = await send(
        'POST',
        '/admin/create-user',
        {
          'Content-Type': 'application/json',
          'Idempotency-Key': generation.provisioning_id,
          Prefer: `${RESPOND_ASYNC}, wait=${timeLimits.targetWait}`,
          ...headersOf(generation, context),
        },
        { body: request },
      );
      const notifies = response.headers.get('Preference-Applied') === RESPOND_ASYNC;
      return { status: await readStatus(response), notifies };
    },

    async readStatus(generation, username) {
      const response = await send('GET', pathOf(generation, username), headersOf(generation));
      // The target has accepted the creation, so it does not find it yet (eventual consistency).
      if (response.status === 404)
        throw new StepError('UserCreationPending', 'The target does not find the creation yet.');
      return readStatus(response);
    },

    async cancelUserCreation(generation, username, context) {
      const response = await send('DELETE', pathOf(generation, username), {
        Prefer: `wait=${timeLimits.targetWait}`,
        ...headersOf(generation, context),
      });
      // The target has a record or user of another generation with this id, and none of this generation.
      const isAbsent = response.status === 204 || (await codeOf(response)) === 'USER_OF_EARLIER_PROVISIONING';
      return isAbsent ? 'absent' : readStatus(response);
    },

    async readTimeline(generation) {
      const path = `/admin/create-user/${generation.provisioning_id}?include=timeline`;
      const response = await send('GET', path, headersOf(generation), {
        timeoutSeconds: timeLimits.targetTimeline,
      });
      if (response.status === 404) return { timeline: [] };
      const { timeline, timeline_incomplete } = await readStatus(response);
      if (timeline === undefined)
        throw new StepError('TargetRequestRefused', 'The response of the target has no timeline.');
      return { timeline, ...(timeline_incomplete === undefined ? {} : { timeline_incomplete }) };
    },
  };
}

async function readStatus(response: Response): Promise<CreationStatus> {
  if (response.ok) {
    const body: unknown = await response.json().catch((error: unknown) => {
      // The body is incomplete. The request is idempotent, so it can be sent again.
      throw new StepError('TargetUnavailable', `The response of the target is incomplete: ${nameOf(error)}.`);
    });
    const status = creationStatus.safeParse(body);
    if (status.success) return status.data;
  }
  throw new StepError(await failureOf(response), `The target returned HTTP ${response.status}.`);
}

async function failureOf(response: Response): Promise<FailureName> {
  const { status: httpStatus } = response;
  const code = await codeOf(response);
  if (code === 'QUEUE_FULL') return 'TargetQueueFull';
  if (code === 'USER_OF_EARLIER_PROVISIONING') return 'UserAlreadyExists';
  if (httpStatus === 401) return 'TargetAuthenticationFailed';
  return httpStatus >= 500 || TRANSIENT_STATUSES.includes(httpStatus)
    ? 'TargetUnavailable'
    : 'TargetRequestRefused';
}

/** Problem codes that are more specific than their HTTP status. Only for these statuses the body is read. */
const SPECIFIC_CODES = ['QUEUE_FULL', 'USER_OF_EARLIER_PROVISIONING'] as const;

/** The specific problem code of a response; `undefined` without one. */
async function codeOf(response: Response): Promise<(typeof SPECIFIC_CODES)[number] | undefined> {
  const possible = SPECIFIC_CODES.filter((code) => problems[code].status === response.status);
  if (possible.length === 0) return undefined;
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  const parsed = problem.safeParse(body).data;
  return possible.find((code) => code === parsed?.code);
}

const nameOf = (error: unknown) => (error instanceof Error ? error.name : 'unknown');
