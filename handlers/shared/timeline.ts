import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { explainFailure, type FailureName } from '../../contracts/failures.ts';
import { workflowNameOf } from '../../contracts/services.ts';
import {
  type Attempt,
  errorName,
  type ReceivedTimelinePart,
  type ReceivedTimelineStep,
  type TimelinePart,
  type TimelineStep,
} from '../../contracts/status.ts';
import { bestEffort, executionArn } from './executions.ts';
import { type HistoryStep, readHistory, stepsOf } from './history.ts';
import { attemptIn, type Generation, rollBackName } from './roll-back-names.ts';
import { latestRollBack, type ProvisioningSubject, type Workflows } from './roll-backs.ts';

/** The timeline of a provisioning at one service, from the histories of its executions: names and times only. */

/** Most roll-backs in a timeline, the latest ones: GetExecutionHistory has a quota of 20 per second and account. */
const MAX_ROLL_BACKS = 4;

/**
 * Reads the steps of a provisioning's execution and of the roll-backs of its generation.
 * @param generation at App1 with the names of the targets, in the order of the iterations
 * docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
 */
export async function timelineAt<Input extends z.ZodType<ProvisioningSubject>>(
  service: string,
  workflows: Workflows<Input>,
  generation: Generation & { targets?: readonly string[] },
): Promise<TimelinePart> {
  const { stepFunctions, machines } = workflows;
  const latest = await latestRollBack(workflows, generation);
  const count = latest === undefined ? 0 : attemptIn(latest.name ?? '');
  const attempts = Array.from({ length: Math.min(count, MAX_ROLL_BACKS) }, (_, n) => count - n);
  const executions = [
    [machines.STATE_MACHINE_ARN, generation.provisioning_id] as const,
    ...attempts.map((n) => [machines.ROLL_BACK_STATE_MACHINE_ARN, rollBackName(generation, n)] as const),
  ];
  const parts = await Promise.all(
    executions.map(async ([machine, execution]) =>
      timelineSteps(
        (await readHistory(stepFunctions, executionArn(machine, execution))).events,
        { service, workflow: workflowNameOf(machine), execution },
        generation.targets,
      ),
    ),
  );
  return {
    timeline: inOrder(parts.flat()),
    ...(count > MAX_ROLL_BACKS ? { timeline_incomplete: [service] } : {}),
  };
}

/** As `timelineAt`, but if it cannot be read, an empty timeline that is marked as incomplete. */
export const availableTimeline = async <Input extends z.ZodType<ProvisioningSubject>>(
  service: string,
  workflows: Workflows<Input>,
  generation: Generation & { targets?: readonly string[] },
): Promise<TimelinePart> =>
  (await bestEffort(() => timelineAt(service, workflows, generation))) ?? {
    timeline: [],
    timeline_incomplete: [service],
  };

/** Merges timelines into one, in the order of the start times. */
export function merge(...parts: ReceivedTimelinePart[]): ReceivedTimelinePart {
  const incomplete = parts.flatMap(({ timeline_incomplete = [] }) => timeline_incomplete);
  return {
    timeline: inOrder(parts.flatMap(({ timeline }) => timeline)),
    ...(incomplete.length === 0 ? {} : { timeline_incomplete: incomplete }),
  };
}

const inOrder = <Step extends ReceivedTimelineStep>(steps: Step[]): Step[] =>
  steps.sort((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at));

/**
 * The steps of a history as steps of a timeline.
 * @param targets at App1: names of the targets, in the order of the iterations
 */
export const timelineSteps = (
  events: readonly HistoryEvent[],
  execution: Pick<TimelineStep, 'service' | 'workflow' | 'execution'>,
  targets?: readonly string[],
): TimelineStep[] => stepsOf(events).map((step) => timelineStepOf(step, execution, targets));

/** A step of a history as a step of a timeline. */
export const timelineStepOf = (
  { name, status, enteredAt, exitedAt, attempts, iterations }: HistoryStep,
  execution: Pick<TimelineStep, 'service' | 'workflow' | 'execution'>,
  targets: readonly string[] = [],
): TimelineStep => ({
  ...execution,
  step: name,
  ...targetOf(iterations, targets),
  started_at: enteredAt.toISOString(),
  ...(status === 'succeeded' || status === 'caught' ? durationOf(enteredAt, exitedAt) : {}),
  attempts: attempts.map(({ startedAt, endedAt, status, error }) => ({
    started_at: startedAt.toISOString(),
    ...(status === 'stopped' ? {} : durationOf(startedAt, endedAt)),
    ...(error === undefined ? {} : { error: namedError(error) }),
  })),
});

/** The target of a step in an iteration over the targets. */
function targetOf(
  iterations: HistoryStep['iterations'],
  targets: readonly string[],
): Pick<TimelineStep, 'target'> {
  const target = targets[iterations?.[0]?.index ?? -1];
  return target === undefined ? {} : { target };
}

/** The duration in milliseconds; absent without an end. */
const durationOf = (from: Date, to: Date | undefined): { duration_ms?: number } =>
  to === undefined ? {} : { duration_ms: Math.max(0, to.getTime() - from.getTime()) };

const UNNAMED: FailureName = 'StepFailed';

/** The error of an attempt. A text that is not the name of an error is replaced. */
function namedError(error: string): Attempt['error'] {
  const name = errorName.safeParse(error).data ?? UNNAMED;
  return { name, code: explainFailure({ step: '', error: name }).code };
}
