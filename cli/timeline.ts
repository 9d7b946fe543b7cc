import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import type { TimelineStep } from '../contracts/status.ts';
import { describe, executionArn } from '../handlers/shared/executions.ts';
import { findHistory } from '../handlers/shared/history.ts';
import { rollBackName } from '../handlers/shared/roll-back-names.ts';
import { timelineSteps } from '../handlers/shared/timeline.ts';
import type { Unseen } from './answers.ts';
import { type Asking, askTimeline } from './app1-api.ts';
import { type Connection, seen } from './connect.ts';
import { explain } from './explain.ts';
import type { Session } from './session.ts';
import type { App1, App2 } from './target-environment.ts';

/** What a provisioning went through at both services, in the order in which it happened, as far as it can be seen. */
export interface Timeline {
  timeline: TimelineStep[];
  unseen: Unseen[];
}

/** TargetEnvironment a timeline comes from. */
export type TimelineSource = (provisioningId: string) => Promise<Timeline>;

/**
 * From App1, which tells the owner of both services; from the histories for everybody else, and where App1 does not
 * know all of it.
 */
export const timelineSource =
  ({ connection, propose }: Pick<Session, 'connection' | 'propose'>): TimelineSource =>
  async (id) => {
    const told = await fromApp1({ connection, propose }, id);
    if (told !== undefined && told.unseen.length === 0) return told;
    const read = await timelineFromHistories(connection)(id);
    return told === undefined || read.unseen.length <= told.unseen.length ? read : told;
  };

/** `undefined` for whoever is not the owner, or may not ask App1. */
async function fromApp1(asking: Asking, id: string): Promise<Timeline | undefined> {
  try {
    const { timeline, timeline_incomplete = [] } = await askTimeline(asking, id);
    const why = 'it did not answer in time, or has more than App1 shows';
    return { timeline, unseen: timeline_incomplete.map((service) => ({ service, why })) };
  } catch (error) {
    if (['notFound', 'unreachable'].includes(explain(error).exit)) return undefined;
    throw error;
  }
}

/**
 * From the histories of the executions, with the permissions of who asks: states:DescribeExecution and
 * states:GetExecutionHistory in both accounts.
 */
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
    const events = await findHistory(stepFunctions, executionArn(machine, execution));
    return events === undefined
      ? undefined
      : timelineSteps(events, { service, workflow: machine.split(':').at(-1) ?? machine, execution });
  };
  const main = await describe(stepFunctions, state_machine_arn, id, started);
  if (main === undefined) return [];
  const generation = { provisioning_id: id, ...main.parsedInput };
  const steps = (await read(state_machine_arn, id)) ?? [];
  for (let attempt = 1; ; attempt += 1) {
    const more = await read(roll_back_state_machine_arn, rollBackName(generation, attempt));
    if (more === undefined) return steps;
    steps.push(...more);
  }
}

/** What of an execution's input its roll-backs are found by. */
const started = z.object({ creation_id: z.string() });
