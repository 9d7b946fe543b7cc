import * as z from 'zod';
import { provisioningAccepted } from '../contracts/app1-api.ts';
import { problem } from '../contracts/problems.ts';
import { type Provisioning, provisioning, timelinePart } from './answers.ts';
import { aheadOf, clockProblem } from './clock.ts';
import type { Connection } from './connect.ts';
import type { Exit } from './exits.ts';
import { CliProblem } from './problem.ts';

/** App1's API as the commands use it. Each call asks App1 to wait for the end, for so many seconds at most. */

const WAIT_SECONDS = 20;

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

type CallApp1 = Pick<Connection, 'callApp1'>;

/** `POST /create-service-user` */
export const requestUser = async ({ callApp1 }: CallApp1, user: NewUser, key: string): Promise<Started> => {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  return read(await callApp1('POST', '/create-service-user', headers, JSON.stringify(user)), startedOrEnded);
};

/** `POST /create-service-user/{id}/retry` */
export const requestRetry = async (
  { callApp1 }: CallApp1,
  id: string,
  key: string | undefined,
): Promise<Started> => {
  const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
  return read(await callApp1('POST', `/create-service-user/${id}/retry`, headers), startedOrEnded);
};

/** `GET /create-service-user/{id}` */
export const askStatus = async (
  { callApp1 }: CallApp1,
  id: string,
  { wait = false } = {},
): Promise<Provisioning> =>
  read(await callApp1('GET', `/create-service-user/${id}`, waiting(wait)), provisioning);

/** `GET /create-service-user/{id}?include=timeline` */
export const askTimeline = async (
  { callApp1 }: CallApp1,
  id: string,
): Promise<z.infer<typeof timelinePart>> =>
  read(await callApp1('GET', `/create-service-user/${id}?include=timeline`), timelinePart);

/** `DELETE /create-service-user/{id}`: how it stands while the user is being removed; `undefined` when nothing is left. */
export async function requestRemoval(
  { callApp1 }: CallApp1,
  id: string,
  { wait = false } = {},
): Promise<Provisioning | undefined> {
  const response = await callApp1('DELETE', `/create-service-user/${id}`, waiting(wait));
  return response.status === 204 ? undefined : read(response, provisioning);
}

const waiting = (wait: boolean): Record<string, string> => (wait ? { prefer: `wait=${WAIT_SECONDS}` } : {});

/** @throws CliProblem for every answer that is not a success */
async function read<Schema extends z.ZodType>(response: Response, schema: Schema): Promise<z.infer<Schema>> {
  const text = await response.text();
  const body = parsed(text);
  if (response.ok) {
    const answer = schema.safeParse(body);
    if (answer.success) return answer.data;
    throw unreadable(response.status);
  }
  if (response.status === 403) {
    const wrongClock = clockProblem(aheadOf(response.headers.get('date'), Date.now()));
    if (wrongClock !== undefined) throw wrongClock;
  }
  const told = z.object({ ...problem.shape, code: z.string() }).safeParse(body);
  if (!told.success) throw unreadable(response.status);
  const { code, title, detail, errors = [] } = told.data;
  const fields = errors.map(
    (fault) => `${fault.pointer === '' ? 'The request' : fault.pointer} ${fault.detail}.`,
  );
  throw new CliProblem(
    exitAfter(response.status),
    code,
    [`${title}.`, ...fields].join(' '),
    code === 'NOT_FOUND'
      ? 'Check the id with `npx provision list`, and that you sign as who asked for it.'
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

const unreadable = (status: number) =>
  new CliProblem(
    'unreachable',
    'NOT_APP1',
    `The answer (HTTP ${status}) is not one of App1.`,
    'Check the address of the API: `npx provision doctor`, or `--api-url`.',
  );

function exitAfter(status: number): Exit {
  if (status === 404) return 'notFound';
  if (status === 409) return 'conflict';
  return [400, 413, 415].includes(status) ? 'usage' : 'unreachable';
}
