import { GetExecutionHistoryCommand, type HistoryEvent, type SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { explainFailure, type FailureName } from '../../contracts/failures.ts';
import {
  type Attempt,
  errorName,
  type Service,
  type TimelinePart,
  type TimelineStep,
} from '../../contracts/status.ts';
import { bestEffort, executionArn } from './executions.ts';
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
      stepsOf(await historyOf(stepFunctions, executionArn(machine, execution)), {
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

/** The events of an execution, without the data of its states. */
async function historyOf(stepFunctions: Pick<SFNClient, 'send'>, arn: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await stepFunctions.send(
      new GetExecutionHistoryCommand({
        executionArn: arn,
        includeExecutionData: false,
        maxResults: 1000,
        ...(nextToken === undefined ? {} : { nextToken }),
      }),
    );
    events.push(...(page.events ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return events;
}

/**
 * The steps that a history tells of. No workflow here does two things at once, so what happens belongs to the step
 * that was entered last. An expression that failed counts as an attempt: its step did not get as far as a call, or could
 * not use the answer.
 */
export function stepsOf(
  events: readonly HistoryEvent[],
  of: Pick<TimelineStep, 'service' | 'workflow' | 'execution'>,
): TimelineStep[] {
  const steps: TimelineStep[] = [];
  for (const event of events) {
    const at = event.timestamp ?? new Date(0); // each event has one
    const started_at = at.toISOString();
    const step = steps.at(-1);
    const attempt = step?.attempts.at(-1);
    const entered = event.stateEnteredEventDetails?.name;
    if (entered !== undefined) steps.push({ ...of, step: entered, started_at, attempts: [] });
    else if (event.type === 'TaskScheduled') step?.attempts.push({ started_at });
    else if (event.type === 'EvaluationFailed')
      step?.attempts.push({ started_at, duration_ms: 0, ...errorOf(event) });
    else if (attempt !== undefined && ATTEMPT_ENDS.includes(event.type ?? ''))
      Object.assign(attempt, { duration_ms: since(attempt, at), ...errorOf(event) });
    else if (step !== undefined && event.stateExitedEventDetails !== undefined)
      step.duration_ms = since(step, at);
  }
  return steps;
}

const ATTEMPT_ENDS = ['TaskSucceeded', 'TaskFailed', 'TaskTimedOut', 'TaskStartFailed', 'TaskSubmitFailed'];

const since = ({ started_at }: { started_at: string }, at: Date): number =>
  Math.max(0, at.getTime() - Date.parse(started_at));

const UNNAMED: FailureName = 'StepFailed';

/** What an attempt failed with; nothing for one that went well. */
function errorOf(event: HistoryEvent): Pick<Attempt, 'error'> {
  if (event.type === 'TaskSucceeded') return {};
  const details =
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.taskStartFailedEventDetails ??
    event.taskSubmitFailedEventDetails ??
    event.evaluationFailedEventDetails;
  const name = errorName.safeParse(details?.error).data ?? UNNAMED;
  return { error: { name, code: explainFailure({ step: '', error: name }).code } };
}
