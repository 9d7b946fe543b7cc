import * as z from 'zod';
import { provisioningAccepted } from '../contracts/app1-api.ts';
import { problem } from '../contracts/problems.ts';
import { type ReceivedTimelinePart, receivedTimelinePart } from '../contracts/status.ts';
import { CliError } from './cli-error.ts';
import { clockError, clockOffsetTo } from './clock.ts';
import type { Connection } from './connect.ts';
import type { Exit } from './exit-status.ts';
import type { Propose } from './format.ts';
import { type Provisioning, provisioning } from './json-output.ts';

/** Client of App1's API. */

/** The response to a repeated request is either of these. */
const startedOrFinished = z.union([
  provisioning,
  z.object(provisioningAccepted.shape).pick({ provisioning_id: true, status: true }),
]);
export type Started = Pick<Provisioning, 'provisioning_id' | 'status'>;

interface NewUser {
  username: string;
  password: string;
  human_user_id: string;
  /** The targets at which the user is created; by default App1 selects them. */
  targets?: readonly string[];
}

/** The connection to App1, and how to name a command for the same system. */
export interface App1Context {
  connection: Pick<Connection, 'callApp1'>;
  propose: Propose;
}

/** `POST /create-service-user` */
export const requestUser = async (context: App1Context, user: NewUser, key: string): Promise<Started> => {
  const { callApp1 } = context.connection;
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  return readResponse(
    context,
    await callApp1('POST', '/create-service-user', headers, JSON.stringify(user)),
    startedOrFinished,
  );
};

/** `POST /create-service-user/{id}/retry` */
export const requestRetry = async (
  context: App1Context,
  id: string,
  key: string | undefined,
): Promise<Started> => {
  const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
  return readResponse(
    context,
    await context.connection.callApp1('POST', `/create-service-user/${id}/retry`, headers),
    startedOrFinished,
  );
};

/** `GET /create-service-user/{id}` */
export const getProvisioning = async (
  context: App1Context,
  id: string,
  { wait = 0 } = {},
): Promise<Provisioning> =>
  readResponse(
    context,
    await context.connection.callApp1('GET', `/create-service-user/${id}`, waitHeaders(wait)),
    provisioning,
  );

/** `GET /create-service-user/{id}?include=timeline` */
export const getTimeline = async (context: App1Context, id: string): Promise<ReceivedTimelinePart> =>
  readResponse(
    context,
    await context.connection.callApp1('GET', `/create-service-user/${id}?include=timeline`),
    receivedTimelinePart,
  );

/**
 * `DELETE /create-service-user/{id}`: the state while the user is being removed, or when the removal has finished without a
 * check of a target that is gone; `undefined` when the user is removed (204).
 */
export async function requestRemoval(
  context: App1Context,
  id: string,
  { wait = 0 } = {},
): Promise<Provisioning | undefined> {
  const response = await context.connection.callApp1(
    'DELETE',
    `/create-service-user/${id}`,
    waitHeaders(wait),
  );
  return response.status === 204 ? undefined : readResponse(context, response, provisioning);
}

/** The header `Prefer: wait=N`: App1 responds when the provisioning has finished, or after `seconds`. */
const waitHeaders = (seconds: number): Record<string, string> =>
  seconds > 0 ? { prefer: `wait=${seconds}` } : {};

/** @throws CliError for every response that is not a success */
async function readResponse<Schema extends z.ZodType>(
  { propose }: App1Context,
  response: Response,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const text = await response.text();
  const body = parseJson(text);
  if (response.ok) {
    const result = schema.safeParse(body);
    if (result.success) return result.data;
    throw notApp1(response.status, propose);
  }
  if (response.status === 403) {
    const clockFault = clockError(clockOffsetTo(response.headers.get('date'), Date.now()));
    if (clockFault !== undefined) throw clockFault;
  }
  const problemBody = z.object({ ...problem.shape, code: z.string() }).safeParse(body);
  if (!problemBody.success) throw notApp1(response.status, propose);
  const { code, title, detail, errors = [] } = problemBody.data;
  const fields = errors.map(
    (fault) => `${fault.pointer === '' ? 'The request' : fault.pointer} ${fault.detail}.`,
  );
  throw new CliError(
    exitFor(response.status),
    code,
    [`${title}.`, ...fields].join(' '),
    code === 'NOT_FOUND'
      ? `Check the id (${propose({ command: 'list' })}), and that your credentials are those of the owner.`
      : detail,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const notApp1 = (status: number, propose: Propose) =>
  new CliError(
    'unreachable',
    'NOT_APP1',
    `The response (HTTP ${status}) is not one of App1.`,
    `Check the address of the API: ${propose({ command: 'doctor' })}, or \`--api-url\`.`,
  );

function exitFor(status: number): Exit {
  if (status === 404) return 'notFound';
  if (status === 409) return 'conflict';
  return [400, 413, 415].includes(status) ? 'usage' : 'unreachable';
}
