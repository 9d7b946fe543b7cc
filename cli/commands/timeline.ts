import { provisioningId } from '../../contracts/fields.ts';
import type { ReceivedTimelineStep } from '../../contracts/status.ts';
import { attemptIn } from '../../handlers/shared/roll-back-names.ts';
import { examples, type Program } from '../base.ts';
import { CliError } from '../cli-error.ts';
import type { Exit } from '../exit-status.ts';
import { formatSeconds, formatStepAt, formatTime } from '../format.ts';
import type { TimelineOutput } from '../json-output.ts';
import type { Run, Session } from '../session.ts';
import { colors } from '../support/colors.ts';
import { type TimelineSource, timelineSource } from '../timeline.ts';
import { by } from '../values.ts';

export async function timeline(
  session: Session,
  id: string,
  source: TimelineSource = timelineSource(session),
): Promise<Exit> {
  session.progress.update(`Reading at ${session.connection.displayName}`);
  const output: TimelineOutput = { provisioning_id: id, ...(await source(id)) };
  if (output.timeline.length === 0) {
    if (output.incomplete.length > 0)
      throw new CliError(
        'unreachable',
        'HISTORY_NOT_AVAILABLE',
        output.incomplete.map(({ service, reason }) => `${service}: ${reason}`).join(' '),
        'Use a profile that may read executions: states:DescribeExecution and states:GetExecutionHistory on the state machines.',
      );
    throw new CliError(
      'notFound',
      'NOT_FOUND',
      `There is no execution of ${id}.`,
      `Check the id: ${session.propose({ command: 'list' })}. Step Functions keeps histories for 90 days.`,
    );
  }
  session.print(output, formatTimeline(output));
  return 'ok';
}

/** Most characters of a line. */
const LINE_LENGTH = 80;

function formatTimeline({ provisioning_id, timeline: steps, incomplete }: TimelineOutput): string {
  const startedAt = Date.parse(steps[0]?.started_at ?? '');
  const ordered = inPrintedOrder(steps);
  const width = Math.max(...steps.map((step) => formatStepAt(step).length));
  const lines = ordered.flatMap((step, index) => {
    const before = ordered[index - 1];
    const isNew = before === undefined || titleOf(before) !== titleOf(step);
    return [...(isNew ? [colors.bold(titleOf(step))] : []), ...formatStep(step, startedAt, width)];
  });
  const head = `${provisioning_id}, from ${formatTime(steps[0]?.started_at ?? '')}`;
  const missing = incomplete.map(({ service, reason }) =>
    colors.yellow(`The steps of ${service} are incomplete: ${reason}`),
  );
  return [head, ...lines, ...missing].join('\n');
}

/** `app1 RollBackProvisioning, attempt 2`: identifies an execution of a provisioning. */
function titleOf({ service, workflow, execution }: ReceivedTimelineStep): string {
  const attempt = attemptIn(execution);
  return `${service} ${workflow}${attempt === 1 ? '' : `, attempt ${attempt}`}`;
}

/**
 * The steps as they are printed. With several targets, whose executions run at the same time, the steps of each execution
 * follow each other; else the order of their start.
 */
function inPrintedOrder(steps: readonly ReceivedTimelineStep[]): readonly ReceivedTimelineStep[] {
  const targets = new Set(steps.flatMap(({ target }) => target ?? []));
  if (targets.size < 2) return steps;
  const titles = [...new Set(steps.map(titleOf))];
  return titles.flatMap((title) => steps.filter((step) => titleOf(step) === title));
}

/** The line of a step; its failed attempts follow in a line of their own if they do not fit. */
function formatStep(step: ReceivedTimelineStep, startedAt: number, width: number): string[] {
  const { started_at, duration_ms, attempts } = step;
  const offset = `+${formatSeconds(Date.parse(started_at) - startedAt)}`.padStart(10);
  // A state without an attempt (Succeed, Fail, Choice) has no duration.
  const took =
    duration_ms === undefined ? (attempts.length > 0 ? 'running' : '') : formatSeconds(duration_ms);
  const line = `${offset}  ${formatStepAt(step).padEnd(width)}  ${took.padStart(8)}`;
  const failed = formatFailedAttempts(attempts);
  if (failed === undefined) return [line.trimEnd()];
  return line.length + 2 + failed.length <= LINE_LENGTH
    ? [`${line}  ${colors.red(failed)}`]
    : [line.trimEnd(), `${' '.repeat(offset.length + 4)}${colors.red(failed)}`];
}

/** `3 failed: TargetUnavailable 2 ×, ServiceThrottled`; `undefined` if no attempt has failed. */
function formatFailedAttempts(attempts: ReceivedTimelineStep['attempts']): string | undefined {
  const counts = new Map<string, number>();
  for (const { error } of attempts)
    if (error !== undefined) counts.set(error.name, (counts.get(error.name) ?? 0) + 1);
  if (counts.size === 0) return undefined;
  const names = [...counts].map(([name, count]) => (count === 1 ? name : `${name} ${count} ×`));
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return `${total} failed: ${names.join(', ')}`;
}

export const addTimeline = (program: Program, run: Run) =>
  program
    .command('timeline')
    .summary('print the steps of a provisioning at all services')
    .description(
      'Prints the steps of all services and of their roll-backs in the order of their start, with the failed attempts; with several targets, one execution after the other. Names the target of a step that App1 does for each target. Reports a service whose steps are in another account or not covered by your permissions.',
    )
    .argument('<provisioning_id>', 'the provisioning', by(provisioningId))
    .addHelpText(
      'after',
      examples(['the duration of each step', 'timeline 0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01']),
    )
    .action((id, _options, command) => run(command, (session) => timeline(session, id)));
