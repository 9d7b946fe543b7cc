import * as z from 'zod';
import { provisioningAccepted } from '../contracts/app1-api.ts';
import { MAX_WAIT_SECONDS } from '../contracts/headers.ts';
import { problem } from '../contracts/problems.ts';
import { type TimelinePart, timelinePart } from '../contracts/status.ts';
import { type Provisioning, provisioning } from './answers.ts';
import { CliError } from './cli-error.ts';
import { aheadOf, clockProblem } from './clock.ts';
import type { Connection } from './connect.ts';
import type { Exit } from './exit-status.ts';
import type { Propose } from './format.ts';

/** App1's API as the commands use it. */

/** For how many seconds App1 can be asked to wait for the end. */
export const LONGEST_WAIT = MAX_WAIT_SECONDS;

/** A repeat that may be answered with either. */
const startedOrEnded = z.union([
  provisioning,
  z.object(provisioningAccepted.shape).pick({ provisioning_id: true, status: true }),
]);
export type Started = Pick<Provisioning, 'provisioning_id' | 'status'>;

interface NewUser {
  username: string;
  password: string;
  human_user_id: string;
}

/** How App1 is asked, and how to say a command that asks the same system. */
export interface Asking {
  connection: Pick<Connection, 'callApp1'>;
  propose: Propose;
}

/** `POST /create-service-user` */
export const requestUser = async (asking: Asking, user: NewUser, key: string): Promise<Started> => {
  const { callApp1 } = asking.connection;
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  return read(
    asking,
    await callApp1('POST', '/create-service-user', headers, JSON.stringify(user)),
    startedOrEnded,
  );
};

/** `POST /create-service-user/{id}/retry` */
export const requestRetry = async (asking: Asking, id: string, key: string | undefined): Promise<Started> => {
  const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
  return read(
    asking,
    await asking.connection.callApp1('POST', `/create-service-user/${id}/retry`, headers),
    startedOrEnded,
  );
};

/** `GET /create-service-user/{id}` */
export const askStatus = async (asking: Asking, id: string, { wait = 0 } = {}): Promise<Provisioning> =>
  read(
    asking,
    await asking.connection.callApp1('GET', `/create-service-user/${id}`, waiting(wait)),
    provisioning,
  );

/** `GET /create-service-user/{id}?include=timeline` */
export const askTimeline = async (asking: Asking, id: string): Promise<TimelinePart> =>
  read(
    asking,
    await asking.connection.callApp1('GET', `/create-service-user/${id}?include=timeline`),
    timelinePart,
  );

/** `DELETE /create-service-user/{id}`: how it stands while the user is being removed; `undefined` when nothing is left. */
export async function requestRemoval(
  asking: Asking,
  id: string,
  { wait = 0 } = {},
): Promise<Provisioning | undefined> {
  const response = await asking.connection.callApp1('DELETE', `/create-service-user/${id}`, waiting(wait));
  return response.status === 204 ? undefined : read(asking, response, provisioning);
}

/** `seconds` for which App1 is asked to wait for the end before it answers. */
const waiting = (seconds: number): Record<string, string> =>
  seconds > 0 ? { prefer: `wait=${seconds}` } : {};

/** @throws CliError for every answer that is not a success */
async function read<Schema extends z.ZodType>(
  { propose }: Asking,
  response: Response,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const text = await response.text();
  const body = parsed(text);
  if (response.ok) {
    const answer = schema.safeParse(body);
    if (answer.success) return answer.data;
    throw unreadable(response.status, propose);
  }
  if (response.status === 403) {
    const wrongClock = clockProblem(aheadOf(response.headers.get('date'), Date.now()));
    if (wrongClock !== undefined) throw wrongClock;
  }
  const told = z.object({ ...problem.shape, code: z.string() }).safeParse(body);
  if (!told.success) throw unreadable(response.status, propose);
  const { code, title, detail, errors = [] } = told.data;
  const fields = errors.map(
    (fault) => `${fault.pointer === '' ? 'The request' : fault.pointer} ${fault.detail}.`,
  );
  throw new CliError(
    exitAfter(response.status),
    code,
    [`${title}.`, ...fields].join(' '),
    code === 'NOT_FOUND'
      ? `Check the id (${propose({ command: 'list' })}), and that you sign as who asked for it.`
      : detail,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const unreadable = (status: number, propose: Propose) =>
  new CliError(
    'unreachable',
    'NOT_APP1',
    `The answer (HTTP ${status}) is not one of App1.`,
    `Check the address of the API: ${propose({ command: 'doctor' })}, or \`--api-url\`.`,
  );

function exitAfter(status: number): Exit {
  if (status === 404) return 'notFound';
  if (status === 409) return 'conflict';
  return [400, 413, 415].includes(status) ? 'usage' : 'unreachable';
}
