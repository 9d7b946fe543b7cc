import { provisioningId } from '../../contracts/fields.ts';
import type { TimelineStep } from '../../contracts/status.ts';
import { attemptIn } from '../../handlers/shared/roll-back-names.ts';
import type { TimelineAnswer } from '../answers.ts';
import { examples, type Program } from '../base.ts';
import { CliError } from '../cli-error.ts';
import type { Exit } from '../exit-status.ts';
import { at, inSeconds } from '../format.ts';
import type { Run, Session } from '../session.ts';
import { colors } from '../support/colors.ts';
import { type TimelineSource, timelineSource } from '../timeline.ts';
import { by } from '../values.ts';

export async function timeline(
  session: Session,
  id: string,
  source: TimelineSource = timelineSource(session),
): Promise<Exit> {
  session.progress.say(`Reading at ${session.connection.where}`);
  const answer: TimelineAnswer = { provisioning_id: id, ...(await source(id)) };
  if (answer.timeline.length === 0) {
    if (answer.unseen.length > 0)
      throw new CliError(
        'unreachable',
        'OUT_OF_SIGHT',
        answer.unseen.map(({ service, why }) => `${service}: ${why}`).join(' '),
        'Use a profile that may read executions: states:DescribeExecution and states:GetExecutionHistory on the machines.',
      );
    throw new CliError(
      'notFound',
      'NOT_FOUND',
      `There is no execution of ${id}.`,
      `Check the id: ${session.propose({ command: 'list' })}. Step Functions keeps histories for 90 days.`,
    );
  }
  session.answer(answer, shownTimeline(answer));
  return 'ok';
}

function shownTimeline({ provisioning_id, timeline: steps, unseen }: TimelineAnswer): string {
  const begun = Date.parse(steps[0]?.started_at ?? '');
  const width = Math.max(...steps.map(({ step }) => step.length));
  const lines = steps.flatMap((step, index) => {
    const { service, workflow, execution } = step;
    const before = steps[index - 1];
    const isNew = before === undefined || before.workflow !== workflow || before.execution !== execution;
    const attempt = attemptIn(execution);
    const title = `${service} ${workflow}${attempt === 1 ? '' : `, attempt ${attempt}`}`;
    return [...(isNew ? [colors.bold(title)] : []), row(step, begun, width)];
  });
  const head = `${provisioning_id}, from ${at(steps[0]?.started_at ?? '')}`;
  const missing = unseen.map(({ service, why }) => colors.yellow(`${service} cannot be seen: ${why}`));
  return [head, ...lines, ...missing].join('\n');
}

function row(
  { step, started_at, duration_ms, attempts }: TimelineStep,
  begun: number,
  width: number,
): string {
  const offset = `+${inSeconds(Date.parse(started_at) - begun)}`.padStart(10);
  // A step that only ends is over at once, and has no time of its own.
  const took = duration_ms === undefined ? (attempts.length > 0 ? 'running' : '') : inSeconds(duration_ms);
  const errors = attempts.flatMap(({ error }) => (error === undefined ? [] : [error.name]));
  const failed =
    errors.length === 0 ? '' : `  ${colors.red(`${errors.length} failed: ${errors.join(', ')}`)}`;
  return `${offset}  ${step.padEnd(width)}  ${took.padStart(8)}${failed}`;
}

export const addTimeline = (program: Program, run: Run) =>
  program
    .command('timeline')
    .summary('what it went through, step by step, at both services')
    .description(
      'Shows the steps of both services and of their roll-backs, in the order in which they began, with the attempts that failed. What is in another account, or out of your permissions, is named.',
    )
    .argument('<provisioning_id>', 'the provisioning', by(provisioningId))
    .addHelpText('after', examples(['where the time went', 'timeline 0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01']))
    .action((id, _options, command) => run(command, (session) => timeline(session, id)));
