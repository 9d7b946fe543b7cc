import * as z from 'zod';
import { createServiceUserRequest, provisioningAccepted } from './app1-api.ts';
import { type Access, app2Access } from './app2-access.ts';
import { createUserRequest, sampleReply, sampleRequest } from './app2-api.ts';
import { creationId, provisioningId, storedUsername } from './fields.ts';
import { idempotencyKey, MAX_WAIT_SECONDS, onBehalfOf } from './headers.ts';
import type { ProblemCode } from './problems.ts';
import { include, provisioningStatus } from './status.ts';
import { RECORD_DAYS } from './time-limits.ts';

/**
 * The routes of both APIs, one row per route. The stacks connect each row to its function, the authorizer reads the
 * groups, and the OpenAPI documents are generated from the rows.
 */

export interface Parameter {
  readonly in: 'path' | 'query' | 'header';
  readonly meaning: string;
  readonly schema: z.ZodType;
  readonly required?: true;
  readonly example: string;
}

/** Path, query and header parameters. */
export const parameters = {
  provisioning_id: {
    in: 'path',
    meaning: `The id that the POST returned. Its status can be read for ${RECORD_DAYS} days after the provisioning has finished.`,
    schema: provisioningId,
    required: true,
    example: '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01',
  },
  include: {
    in: 'query',
    meaning:
      'Adds the steps of both services with their attempts to the status. It needs more calls: use it for people, not for polling.',
    schema: include,
    example: 'timeline',
  },
  'Idempotency-Key': {
    in: 'header',
    meaning: `Chosen by the caller. Repeated requests with one key are one provisioning, until ${RECORD_DAYS} days after it has finished. After that the key starts a new provisioning. While the user of the first one exists, the new one fails with \`USER_ALREADY_EXISTS\` and changes nothing.`,
    schema: idempotencyKey,
    example: 'order-4711',
  },
  /** The same header at App2, where it must be the provisioning_id. */
  'Idempotency-Key of App2': {
    in: 'header',
    meaning: `The provisioning_id. Repeated requests with one id are one creation, until ${RECORD_DAYS} days after it has finished. A request of another generation (\`Creation-Id\`) creates nothing while App2 has the record of the first one, and never changes a user of the first one.`,
    schema: provisioningId,
    required: true,
    example: '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01',
  },
  'On-Behalf-Of': {
    in: 'header',
    meaning: "The caller of App1's API, as App1 has verified it. App2 records it and cannot verify it.",
    schema: onBehalfOf.optional(),
    example: '111122223333/AROAEXAMPLEID',
  },
  'Creation-Id': {
    in: 'header',
    meaning:
      'The generation of the provisioning: a UUID that App1 generates for each provisioning. It distinguishes a repeated request from a new provisioning with an id whose record has expired. For a client without the header App2 generates one.',
    schema: creationId.optional(),
    example: '6f0b7c52-3c1e-4d0a-8a55-0f6f3f2c9b11',
  },
  username: {
    in: 'query',
    meaning:
      'Name of the user of the creation. App2 finds the user by this name if it has no record of the creation.',
    schema: storedUsername.optional(),
    example: 'ada',
  },
  'x-use-cognito': {
    in: 'header',
    meaning:
      'Only while a legacy endpoint is being replaced: with `true` the workflow creates the user. Otherwise it has no effect.',
    schema: z.string(),
    example: 'true',
  },
  Prefer: {
    in: 'header',
    meaning: `\`wait=N\` (RFC 7240): the response is sent when the provisioning has finished, or after N seconds, at most ${MAX_WAIT_SECONDS}. An invalid preference is ignored.`,
    schema: z.string(),
    example: 'wait=1',
  },
  /** The same header where App2 may send a notification instead. */
  'Prefer of App1': {
    in: 'header',
    meaning: `\`wait=N\` as in other requests. With \`respond-async\` as well, the client accepts an immediate response, and a completion notification on App2's bus.`,
    schema: z.string(),
    example: 'respond-async, wait=1',
  },
} as const satisfies Record<string, Parameter>;
export type ParameterName = keyof typeof parameters;

/** Headers of responses. */
export const responseHeaders = {
  Location: {
    meaning: 'URL of the status.',
    schema: z.string(),
    example: '/v1/create-service-user/0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01',
  },
  'Preference-Applied': {
    meaning:
      'The applied wait in seconds; or `respond-async`, if a completion notification follows. Absent without such a preference.',
    schema: z.string().regex(/^(wait=\d+|respond-async)$/),
    example: 'wait=1',
  },
  'X-Provisioned-By': {
    meaning:
      'Only while a legacy endpoint is being replaced: the backend that served the request. For `legacy`, status and body are those of the legacy endpoint.',
    schema: z.enum(['workflow', 'legacy']),
    example: 'workflow',
  },
  'Retry-After': {
    meaning: 'Seconds until the next poll; absent if the status is final.',
    schema: z.string().regex(/^\d+$/),
    example: '1',
  },
} as const satisfies Record<string, { meaning: string; schema: z.ZodType; example: string }>;
export type ResponseHeader = keyof typeof responseHeaders;

export interface RouteResponse {
  readonly meaning: string;
  /** Absent for a response without a body. */
  readonly body?: z.ZodType;
  readonly headers?: readonly ResponseHeader[];
  /** OpenAPI links: operations that take the `provisioning_id` of this response. */
  readonly links?: readonly string[];
}

export interface Route extends Pick<Access, 'method' | 'path'> {
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly ParameterName[];
  readonly body?: z.ZodType;
  /** By HTTP status. */
  readonly responses: Readonly<Record<number, RouteResponse>>;
  readonly problems: readonly ProblemCode[];
}

/** A removal does not revoke issued tokens: the authorizer checks a token by its signature. */
const ISSUED_TOKENS =
  'The user cannot sign in any more. A token that was issued before stays valid until it expires, at most 16 minutes later (one minute with the setting `check_user_in_pool: all` of App2).';

/** Problems that API Gateway can return on every route (infra/constructs/problem-responses.ts). */
const everyRoute = [
  'FORBIDDEN',
  'PAYLOAD_TOO_LARGE',
  'THROTTLED',
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
] as const;
const everyBody = ['INVALID_REQUEST', 'UNSUPPORTED_MEDIA_TYPE'] as const;
const waitHeaders = ['Preference-Applied', 'Retry-After'] as const;

const removal = {
  202: {
    meaning: 'The user is being removed. The same request returns the present status.',
    body: provisioningStatus,
    headers: ['Retry-After'],
  },
  204: { meaning: 'The user of this provisioning is absent and will not be created.' },
} as const;

const accepted = {
  200: {
    meaning: 'The provisioning finished within the preferred wait.',
    body: provisioningStatus,
    headers: ['Location', ...waitHeaders],
  },
  202: {
    meaning: 'Accepted. Poll `status_url` for the outcome.',
    body: provisioningAccepted,
    headers: ['Location', ...waitHeaders],
    links: ['getProvisioning', 'cancelProvisioning'],
  },
} as const;

export const app1Routes = {
  startProvisioning: {
    method: 'POST',
    path: 'create-service-user',
    summary: 'Provision a service user',
    description:
      'Starts a provisioning, which creates a user at each of its targets. It finishes with a user that can sign in at each of them, or with no user at any. Until it has finished, a user may exist at some of them. Send an Idempotency-Key, so that you can repeat a request whose response was lost.',
    parameters: ['Idempotency-Key', 'Prefer', 'x-use-cognito'],
    body: createServiceUserRequest,
    responses: {
      200: { ...accepted[200], headers: [...accepted[200].headers, 'X-Provisioned-By'] },
      202: { ...accepted[202], headers: [...accepted[202].headers, 'X-Provisioned-By'] },
    },
    problems: [...everyBody, 'IDEMPOTENCY_CONFLICT', 'LEGACY_UNAVAILABLE', 'LEGACY_TIMEOUT', ...everyRoute],
  },
  getProvisioning: {
    method: 'GET',
    path: 'create-service-user/{provisioning_id}',
    summary: 'Read the status of a provisioning',
    description:
      'Returns the status of a provisioning to its owner: the IAM role or user that sent the POST. Other callers receive the 404 of an unknown id. While a target or an AWS service is not available, the provisioning waits: two hours in each step, 24 hours in the compensation. `waiting_for` contains the reason.',
    parameters: ['provisioning_id', 'include', 'Prefer'],
    responses: {
      200: { meaning: 'The status.', body: provisioningStatus, headers: waitHeaders },
    },
    problems: ['INVALID_REQUEST', 'NOT_FOUND', ...everyRoute],
  },
  cancelProvisioning: {
    method: 'DELETE',
    path: 'create-service-user/{provisioning_id}',
    summary: 'Cancel a provisioning or deprovision its user',
    description: `Stops the provisioning if it is running, and removes its user at each target. ${ISSUED_TOKENS} The request is idempotent. A provisioning that waits for a target finishes immediately if it has not requested the creation there yet, otherwise when the target is available again.`,
    parameters: ['provisioning_id', 'Prefer'],
    responses: {
      200: {
        meaning:
          'The removal has finished, but a target is registered as gone, so its pool is not checked: `user` is `unknown`.',
        body: provisioningStatus,
      },
      ...removal,
    },
    problems: ['NOT_FOUND', ...everyRoute],
  },
  retryProvisioning: {
    method: 'POST',
    path: 'create-service-user/{provisioning_id}/retry',
    summary: 'Retry a failed provisioning',
    description:
      'Starts a new provisioning from the stored request of the failed one, including its encrypted password. The new provisioning has an id of its own. Without an Idempotency-Key, repeated retries of one provisioning are one provisioning.',
    parameters: ['provisioning_id', 'Idempotency-Key', 'Prefer'],
    responses: accepted,
    problems: [
      'INVALID_REQUEST',
      'NOT_FOUND',
      'PROVISIONING_IN_PROGRESS',
      'NOT_RETRYABLE',
      'IDEMPOTENCY_CONFLICT',
      ...everyRoute,
    ],
  },
} as const satisfies Record<string, Route>;

export const app2Routes = {
  startUserCreation: {
    ...app2Access.startUserCreation,
    summary: 'Create a service user',
    description:
      'Creates a service user in steps that are retried, and compensates them if one fails. The client encrypts the password under the key with the alias `<service>-cross-service-key`, with the provisioning_id and the username in the encryption context.',
    parameters: ['Idempotency-Key of App2', 'Creation-Id', 'On-Behalf-Of', 'Prefer of App1'],
    body: createUserRequest,
    responses: {
      200: {
        meaning: 'The creation has finished.',
        body: provisioningStatus,
        headers: ['Location', ...waitHeaders],
        links: ['getUserCreation', 'cancelUserCreation'],
      },
      202: {
        meaning: 'Accepted. Poll the URL in `Location` for the outcome.',
        body: provisioningStatus,
        headers: ['Location', ...waitHeaders],
        links: ['getUserCreation', 'cancelUserCreation'],
      },
    },
    problems: [
      ...everyBody,
      'UNAUTHENTICATED',
      'NOT_FOUND',
      'IDEMPOTENCY_CONFLICT',
      'USER_OF_EARLIER_PROVISIONING',
      'QUEUE_FULL',
      ...everyRoute,
    ],
  },
  getUserCreation: {
    ...app2Access.getUserCreation,
    summary: 'Read the status of a creation',
    description:
      'Returns the status of a creation to the service whose machine client sent the POST. Other clients, and requests with another generation, receive a 404. With `username` App2 reads the user from its pool first: AdminGetUser has a higher quota than DescribeExecution.',
    parameters: ['provisioning_id', 'Creation-Id', 'username', 'include', 'Prefer'],
    responses: {
      200: { meaning: 'The status.', body: provisioningStatus, headers: waitHeaders },
    },
    problems: ['INVALID_REQUEST', 'UNAUTHENTICATED', 'NOT_FOUND', ...everyRoute],
  },
  cancelUserCreation: {
    ...app2Access.cancelUserCreation,
    summary: 'Cancel a creation or remove its user',
    description:
      'Stops the creation if it is running, and removes its user. If App2 has no record of the id, it reserves the id, so that a later POST creates nothing; then it checks its pool for the user of this id, for which it needs `username`. A user of another generation is not changed. ' +
      ISSUED_TOKENS,
    parameters: ['provisioning_id', 'username', 'Creation-Id', 'Prefer'],
    responses: removal,
    problems: [
      'INVALID_REQUEST',
      'UNAUTHENTICATED',
      'NOT_FOUND',
      'USER_OF_EARLIER_PROVISIONING',
      ...everyRoute,
    ],
  },
  sample: {
    ...app2Access.sample,
    summary: 'Call the example of a business endpoint',
    description: 'Returns the username of the caller and the received data. For service users.',
    parameters: [],
    body: sampleRequest,
    responses: { 200: { meaning: 'The username of the caller and the received data.', body: sampleReply } },
    problems: [...everyBody, 'UNAUTHENTICATED', ...everyRoute],
  },
} as const satisfies Record<keyof typeof app2Access, Route>;
