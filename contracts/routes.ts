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
 * The routes of both APIs: what is deployed and what is documented. One row per route; infra wires each row to its
 * function, and the OpenAPI documents are made of the rows.
 */

export interface Parameter {
  readonly in: 'path' | 'query' | 'header';
  readonly meaning: string;
  readonly schema: z.ZodType;
  readonly required?: true;
  readonly example: string;
}

/** What a request can carry beside its body. */
export const parameters = {
  provisioning_id: {
    in: 'path',
    meaning: `The id that the POST answered with. It can be asked about for ${RECORD_DAYS} days after the end.`,
    schema: provisioningId,
    required: true,
    example: '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01',
  },
  include: {
    in: 'query',
    meaning:
      'Adds to the status the steps of both services with their attempts. Ask for it when it is read by somebody.',
    schema: include,
    example: 'timeline',
  },
  'Idempotency-Key': {
    in: 'header',
    meaning: `Chosen by the caller. However often a request is sent with one key, it is one provisioning, until ${RECORD_DAYS} days after its end. A key that is sent again after that begins a new one, which fails with \`USER_ALREADY_EXISTS\` and touches nothing while the user of the first one exists.`,
    schema: idempotencyKey,
    example: 'order-4711',
  },
  /** The same header at App2, where it has to be the provisioning_id. */
  'Idempotency-Key of App2': {
    in: 'header',
    meaning: `The provisioning_id. However often a request is sent with one id, it is one creation, until ${RECORD_DAYS} days after its end. A request of another generation (\`Creation-Id\`) creates nothing as long as App2 has the record of the first one, and touches no user of it afterwards.`,
    schema: provisioningId,
    required: true,
    example: '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01',
  },
  'On-Behalf-Of': {
    in: 'header',
    meaning: 'Whom App1 has verified as the caller of its own API. App2 records it and cannot check it.',
    schema: onBehalfOf.optional(),
    example: '111122223333/AROAEXAMPLEID',
  },
  'Creation-Id': {
    in: 'header',
    meaning:
      'The generation of the provisioning: a UUID that App1 draws whenever it starts one. It tells a repeat of a request from a new provisioning under an id that has been forgotten. App2 draws one for a client that sends none.',
    schema: creationId.optional(),
    example: '6f0b7c52-3c1e-4d0a-8a55-0f6f3f2c9b11',
  },
  username: {
    in: 'query',
    meaning:
      'Name of the user that the creation was to make. App2 needs it when it has no record of the creation: it looks the user up by this name.',
    schema: storedUsername.optional(),
    example: 'ada',
  },
  'x-use-cognito': {
    in: 'header',
    meaning:
      'Only while a legacy endpoint is being replaced: `true` has the workflow make the user. Otherwise of no effect.',
    schema: z.string(),
    example: 'true',
  },
  Prefer: {
    in: 'header',
    meaning: `\`wait=N\` (RFC 7240): answer when the end is reached, or after N seconds, ${MAX_WAIT_SECONDS} at most. A preference that is not understood is ignored.`,
    schema: z.string(),
    example: 'wait=1',
  },
  /** The same header where App2 may send a notification instead. */
  'Prefer of App1': {
    in: 'header',
    meaning: `\`wait=N\` as everywhere; with \`respond-async\` beside it the client accepts a completion notification on App2's bus, so that it may be answered at once when many are waiting.`,
    schema: z.string(),
    example: 'respond-async, wait=1',
  },
} as const satisfies Record<string, Parameter>;
export type ParameterName = keyof typeof parameters;

/** What answers carry beside their body. */
export const answerHeaders = {
  Location: {
    meaning: 'Where the status is.',
    schema: z.string(),
    example: '/v1/create-service-user/0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01',
  },
  'Preference-Applied': {
    meaning:
      'For how long the answer was held back at most; or that it was not, and a completion notification follows. Absent when there was no such preference.',
    schema: z.string().regex(/^(wait=\d+|respond-async)$/),
    example: 'wait=1',
  },
  'X-Provisioned-By': {
    meaning:
      'Only while a legacy endpoint is being replaced: who has served the request. The answers of `legacy` are its own, passed on with status and body.',
    schema: z.enum(['workflow', 'legacy']),
    example: 'workflow',
  },
  'Retry-After': {
    meaning: 'Seconds after which it is worth asking again; absent when nothing more is to come.',
    schema: z.string().regex(/^\d+$/),
    example: '1',
  },
} as const satisfies Record<string, { meaning: string; schema: z.ZodType; example: string }>;
export type AnswerHeader = keyof typeof answerHeaders;

export interface Answer {
  readonly meaning: string;
  /** Absent for an answer without a body. */
  readonly body?: z.ZodType;
  readonly headers?: readonly AnswerHeader[];
  /** Operations that this answer leads to, with its `provisioning_id`. */
  readonly leadsTo?: readonly string[];
}

export interface Route extends Pick<Access, 'method' | 'path'> {
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly ParameterName[];
  readonly body?: z.ZodType;
  /** By HTTP status. */
  readonly answers: Readonly<Record<number, Answer>>;
  readonly problems: readonly ProblemCode[];
}

/** What a removal does not end at once; a token is checked by its signature. */
const TOKENS_END =
  'It cannot sign in any more; a token that it was issued before is let in until it ends, at most 16 minutes later (one minute with the setting `check_user_in_pool: all` of App2).';

/** What the gateway may answer on every route (infra/constructs/problem-responses.ts), also to a body that none asks for. */
const everyRoute = [
  'FORBIDDEN',
  'PAYLOAD_TOO_LARGE',
  'THROTTLED',
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
] as const;
const everyBody = ['INVALID_REQUEST', 'UNSUPPORTED_MEDIA_TYPE'] as const;
const afterTheEnd = ['Preference-Applied', 'Retry-After'] as const;

const removal = {
  202: {
    meaning: 'The user is being removed. Sending the request again tells how far it is.',
    body: provisioningStatus,
    headers: ['Retry-After'],
  },
  204: { meaning: 'The user of this provisioning is absent, and stays so.' },
} as const;

const accepted = {
  200: {
    meaning: 'The end was reached in the time that the caller prefers to wait.',
    body: provisioningStatus,
    headers: ['Location', ...afterTheEnd],
  },
  202: {
    meaning: 'Accepted: ask for its end at `status_url`.',
    body: provisioningAccepted,
    headers: ['Location', ...afterTheEnd],
    leadsTo: ['getProvisioning', 'cancelProvisioning'],
  },
} as const;

export const app1Routes = {
  startProvisioning: {
    method: 'POST',
    path: 'create-service-user',
    summary: 'Have a service user made',
    description:
      'Accepts the request and has a user made at App2. Nothing is half-made: it ends with a user that can sign in, or with none. Send an Idempotency-Key, so that a request whose answer was lost can be sent again.',
    parameters: ['Idempotency-Key', 'Prefer', 'x-use-cognito'],
    body: createServiceUserRequest,
    answers: {
      200: { ...accepted[200], headers: [...accepted[200].headers, 'X-Provisioned-By'] },
      202: { ...accepted[202], headers: [...accepted[202].headers, 'X-Provisioned-By'] },
    },
    problems: [...everyBody, 'IDEMPOTENCY_CONFLICT', 'LEGACY_UNAVAILABLE', 'LEGACY_TIMEOUT', ...everyRoute],
  },
  getProvisioning: {
    method: 'GET',
    path: 'create-service-user/{provisioning_id}',
    summary: 'Ask what became of it',
    description:
      'The status of a provisioning, for its owner: the IAM role or user that sent the POST. For anybody else there is none. While App2 or a service of AWS cannot be used, the provisioning waits, for two hours in each step and for a day while it is undone; `waiting_for` says for what.',
    parameters: ['provisioning_id', 'include', 'Prefer'],
    answers: {
      200: { meaning: 'How far it has come.', body: provisioningStatus, headers: afterTheEnd },
    },
    problems: ['INVALID_REQUEST', 'NOT_FOUND', ...everyRoute],
  },
  cancelProvisioning: {
    method: 'DELETE',
    path: 'create-service-user/{provisioning_id}',
    summary: 'The user is wanted no longer',
    description: `Whatever state the provisioning is in, the user that it made is gone afterwards. ${TOKENS_END} It can be sent as often as needed. A provisioning that waits for App2 ends at once when it has asked App2 for nothing yet, otherwise when App2 is back.`,
    parameters: ['provisioning_id', 'Prefer'],
    answers: removal,
    problems: ['NOT_FOUND', ...everyRoute],
  },
  retryProvisioning: {
    method: 'POST',
    path: 'create-service-user/{provisioning_id}/retry',
    summary: 'Try a failed provisioning again',
    description:
      'Starts a new provisioning with what the former one was asked for, password included, which nobody has to know again. It has an id of its own. Without an Idempotency-Key, a retry that is sent again is the same one.',
    parameters: ['provisioning_id', 'Idempotency-Key', 'Prefer'],
    answers: accepted,
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
    summary: 'Have a user created',
    description:
      'Creates a service user in retriable steps and undoes them when one fails. The password comes encrypted under the key `cross-service-encryption-key`, bound to the provisioning and the username.',
    parameters: ['Idempotency-Key of App2', 'Creation-Id', 'On-Behalf-Of', 'Prefer of App1'],
    body: createUserRequest,
    answers: {
      200: {
        meaning: 'It has ended.',
        body: provisioningStatus,
        headers: ['Location', ...afterTheEnd],
        leadsTo: ['getUserCreation', 'cancelUserCreation'],
      },
      202: {
        meaning: 'Accepted: ask for its end at the Location.',
        body: provisioningStatus,
        headers: ['Location', ...afterTheEnd],
        leadsTo: ['getUserCreation', 'cancelUserCreation'],
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
    summary: 'Ask what became of it',
    description:
      'The status of a creation, for the service whose machine client sent the POST. For others there is none, nor for another generation. With `username` App2 looks into its pool first, which has wider quotas than the record of the creation.',
    parameters: ['provisioning_id', 'Creation-Id', 'username', 'include', 'Prefer'],
    answers: {
      200: { meaning: 'How far it has come.', body: provisioningStatus, headers: afterTheEnd },
    },
    problems: ['INVALID_REQUEST', 'UNAUTHENTICATED', 'NOT_FOUND', ...everyRoute],
  },
  cancelUserCreation: {
    ...app2Access.cancelUserCreation,
    summary: 'The user is wanted no longer',
    description:
      'Whatever state the creation is in, the user that it made is gone afterwards. An id that App2 does not know (any more) is taken, so that a POST that comes later creates nothing; then App2 looks whether the pool has a user of it, for which it needs `username`. The user of another generation is left untouched. ' +
      TOKENS_END,
    parameters: ['provisioning_id', 'username', 'Creation-Id', 'Prefer'],
    answers: removal,
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
    summary: 'Stand for the business of App2',
    description: 'Answers who was recognised, and what was received. For service users.',
    parameters: [],
    body: sampleRequest,
    answers: { 200: { meaning: 'Who was recognised, and what was received.', body: sampleReply } },
    problems: [...everyBody, 'UNAUTHENTICATED', ...everyRoute],
  },
} as const satisfies Record<keyof typeof app2Access, Route>;
