import { GetExecutionHistoryCommand, type HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { explainFailure } from '../contracts/failures.ts';
import { executionArn } from '../handlers/shared/executions.ts';
import { rollBackName } from '../handlers/shared/roll-backs.ts';
import type { TimelineStep, Unseen } from './answers.ts';
import { type App1, type App2, type Connection, seen } from './connect.ts';

/** What a provisioning went through at both services, in the order in which it happened, as far as it can be seen. */
export interface Timeline {
  timeline: TimelineStep[];
  unseen: Unseen[];
}

/** Where a timeline comes from. */
export type TimelineSource = (provisioningId: string) => Promise<Timeline>;

/** From the histories of the executions, with the rights of who asks: states:GetExecutionHistory in both accounts. */
export const timelineFromHistories =
  (connection: Connection): TimelineSource =>
  async (id) => {
    const stepFunctions = connection.client(SFNClient);
    const services = [
      { service: 'app1', find: connection.app1 },
      { service: 'app2', find: connection.app2 },
    ] as const;
    const parts = await Promise.all(
      services.map(async ({ service, find }) => {
        const looked = await seen(async () => stepsAt(stepFunctions, service, await find(), id));
        return looked.there
          ? { timeline: looked.value, unseen: [] }
          : { timeline: [], unseen: [{ service, why: looked.why.message }] };
      }),
    );
    return {
      timeline: parts
        .flatMap(({ timeline }) => timeline)
        .sort((one, other) => Date.parse(one.started_at) - Date.parse(other.started_at)),
      unseen: parts.flatMap(({ unseen }) => unseen),
    };
  };

type Of = Pick<TimelineStep, 'service' | 'workflow' | 'execution'>;

/** The steps of the creation and of all of its roll-backs at one service. */
async function stepsAt(
  stepFunctions: SFNClient,
  service: TimelineStep['service'],
  {
    state_machine_arn,
    roll_back_state_machine_arn,
  }: Pick<App1 | App2, 'state_machine_arn' | 'roll_back_state_machine_arn'>,
  id: string,
): Promise<TimelineStep[]> {
  const read = async (machine: string, execution: string) => {
    const events = await historyOf(stepFunctions, executionArn(machine, execution));
    return events === undefined
      ? undefined
      : stepsOf(events, { service, workflow: machine.split(':').at(-1) ?? machine, execution });
  };
  const steps = (await read(state_machine_arn, id)) ?? [];
  for (let attempt = 1; ; attempt += 1) {
    const more = await read(roll_back_state_machine_arn, rollBackName(id, attempt));
    if (more === undefined) return steps;
    steps.push(...more);
  }
}

/** `undefined` when there is no such execution. */
async function historyOf(stepFunctions: SFNClient, arn: string): Promise<HistoryEvent[] | undefined> {
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await stepFunctions
      .send(
        new GetExecutionHistoryCommand({
          executionArn: arn,
          includeExecutionData: false,
          maxResults: 1000,
          ...(nextToken === undefined ? {} : { nextToken }),
        }),
      )
      .catch((error: unknown) => {
        if (error instanceof Error && error.name === 'ExecutionDoesNotExist') return undefined;
        throw error;
      });
    if (page === undefined) return undefined;
    events.push(...(page.events ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return events;
}

const ATTEMPT_ENDS = ['TaskSucceeded', 'TaskFailed', 'TaskTimedOut', 'TaskStartFailed', 'TaskSubmitFailed'];

/** The steps that a history tells of. No workflow does two things at once: what happens is of the step entered last. */
export function stepsOf(events: readonly HistoryEvent[], of: Of): TimelineStep[] {
  const steps: TimelineStep[] = [];
  for (const event of events) {
    const { timestamp: time = new Date(0), type = '' } = event;
    const step = steps.at(-1);
    const attempt = step?.attempts.at(-1);
    const entered = event.stateEnteredEventDetails?.name;
    const took = (begun: string) => Math.max(0, time.getTime() - Date.parse(begun));
    if (entered !== undefined)
      steps.push({ ...of, step: entered, started_at: time.toISOString(), attempts: [] });
    else if (step === undefined) continue;
    else if (event.stateExitedEventDetails !== undefined || type.startsWith('Execution'))
      step.duration_ms ??= took(step.started_at);
    else if (type === 'TaskScheduled') step.attempts.push({ started_at: time.toISOString() });
    else if (attempt !== undefined && ATTEMPT_ENDS.includes(type)) {
      attempt.duration_ms = took(attempt.started_at);
      const name = type === 'TaskSucceeded' ? undefined : errorOf(event);
      if (name !== undefined)
        attempt.error = { name, code: explainFailure({ step: step.step, error: name }).code };
    }
  }
  return steps;
}

const errorOf = (event: HistoryEvent): string =>
  (
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.taskStartFailedEventDetails ??
    event.taskSubmitFailedEventDetails
  )?.error ?? 'StepFailed';
