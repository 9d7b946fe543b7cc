import { stripVTControlCharacters } from 'node:util';
import type { ProposedCommand } from './command-line.ts';
import type { Provisioning, ProvisioningReport } from './json-output.ts';
import { colors } from './support/colors.ts';

/** Formats provisionings for people: the outcome, what is left behind, and the next command. */

/** Formats a command of this program with the options that select the same system. */
export type Propose = (proposed: ProposedCommand) => string;

/** Adds what is left behind and the next command. */
export function toReport(provisioning: Provisioning, propose: Propose, retryOf?: string): ProvisioningReport {
  const hasFailed = provisioning.status !== 'SUCCEEDED' && provisioning.status !== 'RUNNING';
  return {
    ...provisioning,
    ...(retryOf === undefined ? {} : { retry_of: retryOf }),
    ...(hasFailed || provisioning.user === 'being_removed'
      ? { left_behind: leftBehindBy(provisioning) }
      : {}),
    next: nextCommand(provisioning, propose),
  };
}

function leftBehindBy({ user, targets = [] }: Provisioning): ProvisioningReport['left_behind'] {
  if (user === 'absent') return 'nothing';
  return user === 'unknown' && targets.some((at) => at.user === 'gone') ? 'not_checked' : 'maybe_a_user';
}

function nextCommand(
  { provisioning_id: id, status, user, error, username, human_user_id, targets = [] }: Provisioning,
  propose: Propose,
): string | null {
  const watch = () => watchCommand(id, propose);
  if (status === 'RUNNING') return watch();
  if (user === 'being_removed')
    return error?.code === 'ROLL_BACK_FAILED' ? propose({ command: 'doctor' }) : watch();
  if (error === undefined) return null;
  // A target that is gone accepts no retry.
  if (targets.some((at) => at.user === 'gone')) return propose({ command: 'targets' });
  if (error.retryable) return propose({ command: 'retry', operands: [id] });
  if (username === undefined || human_user_id === undefined) return null;
  return propose({
    command: 'create',
    operands: [username],
    options: [['--human-user', human_user_id], ...targets.map(({ target }) => ['--target', target] as const)],
  });
}

/** The command that waits until a provisioning has finished. */
export const watchCommand = (id: string, propose: Propose): string =>
  propose({ command: 'status', operands: [id], options: [['--watch']] });

/** Whether the provisioning has finished and no roll-back of it is running. */
export const isFinished = ({ status, user }: Pick<Provisioning, 'status' | 'user'>): boolean =>
  status !== 'RUNNING' && user !== 'being_removed';

/** What is left behind, and where. */
function formatLeftBehind(
  left: NonNullable<ProvisioningReport['left_behind']>,
  report: Provisioning,
): string {
  switch (left) {
    case 'nothing':
      return 'nothing';
    case 'maybe_a_user':
      return `maybe the user${formatAt(namesAt('being_removed', report))}: it is being removed; the sweep retries until it is removed`;
    case 'not_checked':
      return `not known${formatAt(namesAt('gone', report))}: a target that is registered as gone is not checked`;
  }
}

/** Names of the targets at which the user has this presence. */
const namesAt = (user: string, { targets = [] }: Provisioning): string[] =>
  targets.flatMap((at) => (at.user === user ? [at.target] : []));

/** ` at payments, orders`; empty without a target. */
const formatAt = (targets: readonly string[]): string =>
  targets.length === 0 ? '' : ` at ${targets.join(', ')}`;

/** The presence of the user, and the targets at which it is being removed. */
export const formatUser = (provisioning: Provisioning): string =>
  provisioning.user.replace('_', ' ') +
  (provisioning.user === 'being_removed' ? formatAt(namesAt('being_removed', provisioning)) : '');

/** A provisioning as a headline and rows. */
export function formatReport(report: ProvisioningReport): string {
  const { error } = report;
  const user = `${report.username ?? 'unknown user'}, for ${report.human_user_id ?? 'an unknown person'}`;
  const rows: [string, string | undefined][] = [
    ['provisioning', report.provisioning_id],
    ['user', `${user}: ${report.user.replace('_', ' ')}`],
    ['targets', formatTargets(report.targets)],
    ['started', formatTime(report.started_at)],
    [
      'finished',
      report.stopped_at === undefined
        ? undefined
        : `${formatTime(report.stopped_at)}, after ${formatDuration(report)}`,
    ],
    [
      'estimated end',
      report.estimated_end_at === undefined ? undefined : formatTime(report.estimated_end_at),
    ],
    ['waits for', report.waiting_for === undefined ? undefined : formatWait(report.waiting_for)],
    [
      'next retry',
      report.waiting_for?.retry_at === undefined ? undefined : formatTime(report.waiting_for.retry_at),
    ],
    ['retry of', report.retry_of],
    ['failed at', error === undefined ? undefined : formatStepAt(error)],
    ['why', error === undefined ? undefined : `${error.code}: ${error.message}`],
    [
      'left behind',
      report.left_behind === undefined ? undefined : formatLeftBehind(report.left_behind, report),
    ],
    ['what to do', error === undefined || report.user === 'being_removed' ? undefined : error.remedy],
    ['next', report.next ?? undefined],
  ];
  return `${headline(report)}\n${formatRows(rows)}`;
}

/** `RequestUserCreation at payments`; only the step if it belongs to no target. */
export const formatStepAt = ({ step, target }: { step: string; target?: string | undefined }): string =>
  `${step}${formatAt(target === undefined ? [] : [target])}`;

/** `payments: present; old: gone, not checked`, one line for each target that does not fit; `undefined` without targets. */
const formatTargets = (targets: ProvisioningReport['targets']): string | undefined =>
  targets === undefined
    ? undefined
    : inLines(
        targets.map(
          ({ target, user }) =>
            `${target}: ${user === 'gone' ? 'gone, not checked' : user.replace('_', ' ')}`,
        ),
      );

/** Characters of a line, of which the names of the rows take the first ones. */
const LINE_LENGTH = 80;
const VALUE_LENGTH = LINE_LENGTH - '  estimated end  '.length;

/** Joins texts by semicolons, in as many lines as their lengths need. */
function inLines(texts: readonly string[]): string {
  const lines: string[] = [];
  for (const text of texts) {
    const longer = `${lines.at(-1)}; ${text}`;
    if (lines.length > 0 && longer.length < VALUE_LENGTH) lines.splice(-1, 1, longer);
    else lines.push(text);
  }
  return lines.join(';\n');
}

/** What a provisioning waits for, since when, and the error. */
export const formatWait = ({
  what,
  target,
  step,
  since,
  code,
}: NonNullable<Provisioning['waiting_for']>): string =>
  `${target ?? what.replaceAll('_', ' ')} since ${formatTime(since)} (${code} in ${step})`;

function headline({ status, user }: ProvisioningReport): string {
  if (status === 'SUCCEEDED' && user === 'present') return colors.green('✔ SUCCEEDED');
  if (status === 'SUCCEEDED') return colors.yellow(`● SUCCEEDED, user ${user.replace('_', ' ')} now`);
  return status === 'RUNNING' ? colors.cyan('… RUNNING') : colors.red(`✖ ${status}`);
}

/** Names and values in two columns. Rows without a value are omitted; the further lines of a value are indented. */
export function formatRows(rows: readonly [name: string, value: string | undefined][]): string {
  const present = rows.filter((row): row is [string, string] => row[1] !== undefined);
  const width = Math.max(...present.map(([name]) => name.length));
  const indent = ' '.repeat(width + 4);
  return present
    .map(([name, value]) => `  ${colors.dim(name.padEnd(width))}  ${value.replaceAll('\n', `\n${indent}`)}`)
    .join('\n');
}

/** A table with a header. The last column is not padded. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => lengthOf(row[column] ?? ''))),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => `${cell}${' '.repeat((widths[column] ?? 0) - lengthOf(cell))}`)
      .join('  ')
      .trimEnd();
  return [colors.dim(line(header)), ...rows.map(line)].join('\n');
}

/** The number of visible characters of a text that may contain colours. */
const lengthOf = (text: string): number => stripVTControlCharacters(text).length;

/** `2026-01-31 12:00:00 UTC`. Logs are in UTC, too. */
export const formatTime = (timestamp: string): string =>
  timestamp.replace('T', ' ').replace(/\.\d+Z$|Z$/, ' UTC');

const formatDuration = ({ started_at, stopped_at = started_at }: Provisioning): string =>
  formatSeconds(Date.parse(stopped_at) - Date.parse(started_at));

export const formatSeconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
