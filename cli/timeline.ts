import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { workflowNameOf } from '../contracts/services.ts';
import type { ReceivedTimelineStep, TimelineStep } from '../contracts/status.ts';
import { describe, executionArn } from '../handlers/shared/executions.ts';
import { findHistory } from '../handlers/shared/history.ts';
import { rollBackName } from '../handlers/shared/roll-back-names.ts';
import { timelineSteps } from '../handlers/shared/timeline.ts';
import { type App1Context, getTimeline } from './app1-api.ts';
import { type Connection, tryRead } from './connect.ts';
import { explain } from './explain.ts';
import type { IncompleteService } from './json-output.ts';
import { listServices } from './services.ts';
import type { Session } from './session.ts';
import type { App1, Target } from './target-environment.ts';

/** The steps of a provisioning at all services in the order of their start, and the services whose steps are incomplete. */
export interface Timeline {
  timeline: ReceivedTimelineStep[];
  incomplete: IncompleteService[];
}

/** Reads the timeline of a provisioning. */
export type TimelineSource = (provisioningId: string) => Promise<Timeline>;

/**
 * Reads the timeline from App1, which returns the steps of all services to the owner. For other callers, and when App1
 * does not have all steps, reads the histories of the executions.
 */
export const timelineSource =
  ({ connection, propose }: Pick<Session, 'connection' | 'propose'>): TimelineSource =>
  async (id) => {
    const fromApi = await timelineFromApp1({ connection, propose }, id);
    if (fromApi !== undefined && fromApi.incomplete.length === 0) return fromApi;
    const fromHistories = await timelineFromHistories(connection)(id);
    return fromApi === undefined || fromHistories.incomplete.length <= fromApi.incomplete.length
      ? fromHistories
      : fromApi;
  };

/** `undefined` when the caller is not the owner or has no permission to call App1. */
async function timelineFromApp1(context: App1Context, id: string): Promise<Timeline | undefined> {
  try {
    const { timeline, timeline_incomplete = [] } = await getTimeline(context, id);
    const reason = 'no response in time, or more steps than App1 returns';
    return { timeline, incomplete: timeline_incomplete.map((service) => ({ service, reason })) };
  } catch (error) {
    if (['notFound', 'unreachable'].includes(explain(error).exit)) return undefined;
    throw error;
  }
}

/**
 * Reads the histories of the executions. The caller needs states:DescribeExecution and states:GetExecutionHistory in
 * the account of each service.
 */
export const timelineFromHistories =
  (connection: Connection): TimelineSource =>
  async (id) => {
    const stepFunctions = connection.client(SFNClient);
    const services = await listServices(connection);
    const parts = await Promise.all(
      services.map(async ({ name: service, outputs }) => {
        const steps = outputs.isAvailable
          ? await tryRead(() => readSteps(stepFunctions, service, outputs.value, id))
          : outputs;
        return steps.isAvailable
          ? { timeline: steps.value, incomplete: [] }
          : { timeline: [], incomplete: [{ service, reason: steps.error.message }] };
      }),
    );
    return {
      timeline: parts
        .flatMap(({ timeline }) => timeline)
        .sort((one, other) => Date.parse(one.started_at) - Date.parse(other.started_at)),
      incomplete: parts.flatMap(({ incomplete }) => incomplete),
    };
  };

/** The steps of the creation and of all of its roll-backs at one service. */
async function readSteps(
  stepFunctions: SFNClient,
  service: TimelineStep['service'],
  {
    state_machine_arn,
    roll_back_state_machine_arn,
  }: Pick<App1 | Target, 'state_machine_arn' | 'roll_back_state_machine_arn'>,
  id: string,
): Promise<TimelineStep[]> {
  const read = async (machine: string, execution: string) => {
    const events = await findHistory(stepFunctions, executionArn(machine, execution));
    return events === undefined
      ? undefined
      : timelineSteps(events, { service, workflow: workflowNameOf(machine), execution }, targets);
  };
  const main = await describe(stepFunctions, state_machine_arn, id, generationInput);
  if (main === undefined) return [];
  const { targets } = main.parsedInput;
  const generation = { provisioning_id: id, ...main.parsedInput };
  const steps = (await read(state_machine_arn, id)) ?? [];
  for (let attempt = 1; ; attempt += 1) {
    const more = await read(roll_back_state_machine_arn, rollBackName(generation, attempt));
    if (more === undefined) return steps;
    steps.push(...more);
  }
}

/** The part of an execution's input that names its roll-backs and, at App1, the targets of its iterations. */
const generationInput = z.object({ creation_id: z.string(), targets: z.array(z.string()).optional() });
