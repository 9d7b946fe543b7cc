import { provisioningId } from '../../contracts/fields.ts';
import type { ReceivedTimelineStep } from '../../contracts/status.ts';
import { attemptIn } from '../../handlers/shared/roll-back-names.ts';
import { examples, type Program } from '../base.ts';
import { CliError } from '../cli-error.ts';
import type { Exit } from '../exit-status.ts';
import { formatSeconds, formatTime } from '../format.ts';
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

function formatTimeline({ provisioning_id, timeline: steps, incomplete }: TimelineOutput): string {
  const startedAt = Date.parse(steps[0]?.started_at ?? '');
  const width = Math.max(...steps.map(({ step }) => step.length));
  const lines = steps.flatMap((step, index) => {
    const { service, workflow, execution } = step;
    const before = steps[index - 1];
    const isNew = before === undefined || before.workflow !== workflow || before.execution !== execution;
    const attempt = attemptIn(execution);
    const title = `${service} ${workflow}${attempt === 1 ? '' : `, attempt ${attempt}`}`;
    return [...(isNew ? [colors.bold(title)] : []), formatStep(step, startedAt, width)];
  });
  const head = `${provisioning_id}, from ${formatTime(steps[0]?.started_at ?? '')}`;
  const missing = incomplete.map(({ service, reason }) =>
    colors.yellow(`The steps of ${service} are incomplete: ${reason}`),
  );
  return [head, ...lines, ...missing].join('\n');
}

function formatStep(
  { step, started_at, duration_ms, attempts }: ReceivedTimelineStep,
  startedAt: number,
  width: number,
): string {
  const offset = `+${formatSeconds(Date.parse(started_at) - startedAt)}`.padStart(10);
  // A state without an attempt (Succeed, Fail, Choice) has no duration.
  const took =
    duration_ms === undefined ? (attempts.length > 0 ? 'running' : '') : formatSeconds(duration_ms);
  const errors = attempts.flatMap(({ error }) => (error === undefined ? [] : [error.name]));
  const failed =
    errors.length === 0 ? '' : `  ${colors.red(`${errors.length} failed: ${errors.join(', ')}`)}`;
  return `${offset}  ${step.padEnd(width)}  ${took.padStart(8)}${failed}`;
}

export const addTimeline = (program: Program, run: Run) =>
  program
    .command('timeline')
    .summary('print the steps of a provisioning at all services')
    .description(
      'Prints the steps of all services and of their roll-backs in the order of their start, with the failed attempts. Reports a service whose steps are in another account or not covered by your permissions.',
    )
    .argument('<provisioning_id>', 'the provisioning', by(provisioningId))
    .addHelpText(
      'after',
      examples(['the duration of each step', 'timeline 0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01']),
    )
    .action((id, _options, command) => run(command, (session) => timeline(session, id)));
