import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { explainFailure, type FailureName } from '../../contracts/failures.ts';
import type { Service } from '../../contracts/services.ts';
import { type Attempt, errorName, type TimelinePart, type TimelineStep } from '../../contracts/status.ts';
import { bestEffort, executionArn } from './executions.ts';
import { type HistoryStep, readHistory, stepsOf } from './history.ts';
import { attemptIn, type Generation, rollBackName } from './roll-back-names.ts';
import { latestRollBack, type Subject, type Workflows } from './roll-backs.ts';

/** What a provisioning went through at one service, read from the histories of its executions. Names and times only. */

/** Roll-backs that are shown, the latest ones: GetExecutionHistory has a quota of 20 per second for the whole account. */
const ROLL_BACKS = 4;

/**
 * The steps of a provisioning's execution and of the roll-backs of its generation.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
 */
export async function timelineAt<Input extends z.ZodType<Subject>>(
  service: Service,
  workflows: Workflows<Input>,
  generation: Generation,
): Promise<TimelinePart> {
  const { stepFunctions, machines } = workflows;
  const latest = await latestRollBack(workflows, generation);
  const count = latest === undefined ? 0 : attemptIn(latest.name ?? '');
  const shown = Array.from({ length: Math.min(count, ROLL_BACKS) }, (_, n) => count - n);
  const executions = [
    [machines.STATE_MACHINE_ARN, generation.provisioning_id] as const,
    ...shown.map((n) => [machines.ROLL_BACK_STATE_MACHINE_ARN, rollBackName(generation, n)] as const),
  ];
  const parts = await Promise.all(
    executions.map(async ([machine, execution]) =>
      timelineSteps((await readHistory(stepFunctions, executionArn(machine, execution))).events, {
        service,
        workflow: machine.split(':').at(-1) ?? machine,
        execution,
      }),
    ),
  );
  return {
    timeline: inOrder(parts.flat()),
    ...(count > ROLL_BACKS ? { timeline_incomplete: [service] } : {}),
  };
}

/** The same; when it cannot be read, nothing, and that it is not complete: the status is worth having without it. */
export const availableTimeline = async <Input extends z.ZodType<Subject>>(
  service: Service,
  workflows: Workflows<Input>,
  generation: Generation,
): Promise<TimelinePart> =>
  (await bestEffort(() => timelineAt(service, workflows, generation))) ?? {
    timeline: [],
    timeline_incomplete: [service],
  };

/** The steps of both services in one list, in the order in which they began. */
export function merge(...parts: TimelinePart[]): TimelinePart {
  const incomplete = parts.flatMap(({ timeline_incomplete = [] }) => timeline_incomplete);
  return {
    timeline: inOrder(parts.flatMap(({ timeline }) => timeline)),
    ...(incomplete.length === 0 ? {} : { timeline_incomplete: incomplete }),
  };
}

const inOrder = (steps: TimelineStep[]): TimelineStep[] =>
  steps.sort((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at));

/** The steps that events record, as a timeline reports them. */
export const timelineSteps = (
  events: readonly HistoryEvent[],
  of: Pick<TimelineStep, 'service' | 'workflow' | 'execution'>,
): TimelineStep[] => stepsOf(events).map((step) => timelineStepOf(step, of));

const timelineStepOf = (
  { name, status, enteredAt, exitedAt, attempts }: HistoryStep,
  of: Pick<TimelineStep, 'service' | 'workflow' | 'execution'>,
): TimelineStep => ({
  ...of,
  step: name,
  started_at: enteredAt.toISOString(),
  ...(status === 'succeeded' || status === 'caught' ? durationOf(enteredAt, exitedAt) : {}),
  attempts: attempts.map(({ startedAt, endedAt, status, error }) => ({
    started_at: startedAt.toISOString(),
    ...(status === 'stopped' ? {} : durationOf(startedAt, endedAt)),
    ...(error === undefined ? {} : { error: namedError(error) }),
  })),
});

/** Nothing for what has not ended. */
const durationOf = (from: Date, to: Date | undefined): { duration_ms?: number } =>
  to === undefined ? {} : { duration_ms: Math.max(0, to.getTime() - from.getTime()) };

const UNNAMED: FailureName = 'StepFailed';

/** What an attempt failed with; a text that cannot be the name of an error is not repeated. */
function namedError(error: string): Attempt['error'] {
  const name = errorName.safeParse(error).data ?? UNNAMED;
  return { name, code: explainFailure({ step: '', error: name }).code };
}
