import type { Provisioning, ShownProvisioning, WaitingFor } from './answers.ts';
import type { Proposed } from './command-line.ts';
import { colors } from './support/colors.ts';

/** How provisionings are shown: what happened, what is left behind, what to do. */

/** Says a command of this program as somebody types it who asks the same system. */
export type Propose = (proposed: Proposed) => string;

/** Adds what a person wants to know next. */
export function shown(provisioning: Provisioning, propose: Propose, retryOf?: string): ShownProvisioning {
  const badly = provisioning.status !== 'SUCCEEDED' && provisioning.status !== 'RUNNING';
  return {
    ...provisioning,
    ...(retryOf === undefined ? {} : { retry_of: retryOf }),
    ...(badly || provisioning.user === 'being_removed' ? { left_behind: leftOf(provisioning) } : {}),
    next: nextAfter(provisioning, propose),
  };
}

const leftOf = ({ user }: Provisioning) =>
  user === 'absent' ? ('nothing' as const) : ('maybe_a_user' as const);

function nextAfter(
  { provisioning_id: id, status, user, error, username, human_user_id }: Provisioning,
  propose: Propose,
): string | null {
  const watch = () => watchOf(id, propose);
  if (status === 'RUNNING') return watch();
  if (user === 'being_removed')
    return error?.code === 'ROLL_BACK_FAILED' ? propose({ command: 'doctor' }) : watch();
  if (error === undefined) return null;
  if (error.retryable) return propose({ command: 'retry', operands: [id] });
  if (username === undefined || human_user_id === undefined) return null;
  return propose({ command: 'create', operands: [username], options: [['--human-user', human_user_id]] });
}

/** The command that waits for the end of a provisioning. */
export const watchOf = (id: string, propose: Propose): string =>
  propose({ command: 'status', operands: [id], options: [['--watch']] });

/** Whether the provisioning is over, and nothing of it is under way any more. */
export const isOver = ({ status, user }: Pick<Provisioning, 'status' | 'user'>): boolean =>
  status !== 'RUNNING' && user !== 'being_removed';

const LEFT = {
  nothing: 'nothing',
  maybe_a_user: 'maybe the user: it is being removed, and the sweep tries again until it is gone',
} as const;

/** A provisioning, in some lines. */
export function card(one: ShownProvisioning): string {
  const { error } = one;
  const what = `${one.username ?? 'unknown user'}, for ${one.human_user_id ?? 'an unknown person'}`;
  const rows: [string, string | undefined][] = [
    ['provisioning', one.provisioning_id],
    ['user', `${what}: ${one.user.replace('_', ' ')}`],
    ['started', at(one.started_at)],
    ['ended', one.stopped_at === undefined ? undefined : `${at(one.stopped_at)}, after ${durationOf(one)}`],
    ['ends about', one.estimated_end_at === undefined ? undefined : at(one.estimated_end_at)],
    ['waits for', one.waiting_for === undefined ? undefined : waitText(one.waiting_for)],
    ['tries again', one.waiting_for?.retry_at === undefined ? undefined : at(one.waiting_for.retry_at)],
    ['retry of', one.retry_of],
    ['failed at', error?.step],
    ['why', error === undefined ? undefined : `${error.code}: ${error.message}`],
    ['left behind', one.left_behind === undefined ? undefined : LEFT[one.left_behind]],
    ['what to do', error === undefined || one.user === 'being_removed' ? undefined : error.remedy],
    ['next', one.next ?? undefined],
  ];
  return `${headline(one)}\n${table(rows)}`;
}

/** What a provisioning waits for, and since when. */
export const waitText = ({ what, target, step, since, code }: WaitingFor): string =>
  `${target ?? what.replaceAll('_', ' ')} since ${at(since)} (${code} in ${step})`;

function headline({ status, user }: ShownProvisioning): string {
  if (status === 'SUCCEEDED' && user === 'present') return colors.green('✔ SUCCEEDED');
  if (status === 'SUCCEEDED') return colors.yellow(`● SUCCEEDED, user ${user.replace('_', ' ')} now`);
  return status === 'RUNNING' ? colors.cyan('… RUNNING') : colors.red(`✖ ${status}`);
}

/** Names and values below each other; rows without a value are left out. */
export function table(rows: readonly [name: string, value: string | undefined][]): string {
  const there = rows.filter((row): row is [string, string] => row[1] !== undefined);
  const width = Math.max(...there.map(([name]) => name.length));
  return there.map(([name, value]) => `  ${colors.dim(name.padEnd(width))}  ${value}`).join('\n');
}

/** A point in time as people read it, in UTC as the logs have it. */
export const at = (timestamp: string): string => timestamp.replace('T', ' ').replace(/\.\d+Z$|Z$/, ' UTC');

const durationOf = ({ started_at, stopped_at = started_at }: Provisioning): string =>
  inSeconds(Date.parse(stopped_at) - Date.parse(started_at));

export const inSeconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
