import type { SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { type RollBackInput, rollBackInput } from '../../contracts/executions.ts';
import type { FailureCause } from '../../contracts/failures.ts';
import type { Origin } from '../../contracts/origin.ts';
import { CANCELLED, OUTCOME_NOT_PUBLISHED } from '../../contracts/outcomes.ts';
import type { ProvisioningStatus } from '../../contracts/status.ts';
import { describe, type Execution, startOnce } from './executions.ts';
import { type Generation, rollBackName } from './roll-back-names.ts';
import { failureOf, isFailedWith, statusOf } from './status.ts';

/** Roll-backs of one generation of a provisioning. The next one is started when the one before has failed. */

/** A service's two machines. */
export interface Machines {
  STATE_MACHINE_ARN: string;
  ROLL_BACK_STATE_MACHINE_ARN: string;
}

/** How a service's executions are to be read. */
export interface Workflows<Input extends z.ZodType<Subject>> {
  stepFunctions: Pick<SFNClient, 'send'>;
  machines: Machines;
  /** Input of the executions that may have to be rolled back. */
  inputSchema: Input;
  /** Errors of ends after which nothing is left to do. */
  cleanOutcomes: readonly string[];
}

/** Username and human user are absent in what was cancelled before its request arrived. */
export interface Subject {
  provisioning_id: string;
  creation_id: string;
  owner: string;
  username?: string;
  human_user_id?: string;
  on_behalf_of?: string | undefined;
  trace_id?: string | undefined;
  estimated_start_at?: string | undefined;
}

export type RollBack = Execution<RollBackInput>;

/** Starts a generation's first roll-back. Nothing happens when there is one: a failed one is the sweep's matter. */
export function startRollBack(
  { stepFunctions, machines }: Pick<Workflows<z.ZodType<Subject>>, 'stepFunctions' | 'machines'>,
  input: RollBackInput,
): Promise<'started' | 'existed'> {
  const name = rollBackName(input, 1);
  return startOnce(stepFunctions, machines.ROLL_BACK_STATE_MACHINE_ARN, name, input);
}

/**
 * What a roll-back of an execution is started with, because of `origin`; `undefined` when nothing can have been made, so
 * there is nothing to roll back.
 */
export function rollBackInputOf(execution: Execution<Subject>, origin: Origin): RollBackInput | undefined {
  const { provisioning_id, creation_id, username, human_user_id, owner, on_behalf_of } =
    execution.parsedInput;
  if (username === undefined || human_user_id === undefined) return undefined;
  return {
    provisioning_id,
    creation_id,
    username,
    human_user_id,
    owner,
    ...origin,
    ...(on_behalf_of === undefined ? {} : { on_behalf_of }),
    had_succeeded: execution.status === 'SUCCEEDED',
    failure: failureOf(execution) ?? CANCELLED_BY_OWNER,
  };
}

/** Why there is a roll-back of an execution that has not failed: its owner wants the user no longer. */
export const CANCELLED_BY_OWNER: FailureCause = { step: 'Execution', error: CANCELLED };

/**
 * The latest roll-back of a generation; `undefined` when there is none, or none yet. Attempts are numbered without
 * gaps, so the last of many is found in few looks.
 */
export async function latestRollBack(
  { stepFunctions, machines }: Pick<Workflows<z.ZodType<Subject>>, 'stepFunctions' | 'machines'>,
  generation: Generation,
): Promise<RollBack | undefined> {
  const look = (attempt: number) =>
    describe(
      stepFunctions,
      machines.ROLL_BACK_STATE_MACHINE_ARN,
      rollBackName(generation, attempt),
      rollBackInput,
    );
  let latest = await look(1);
  let [there, absent] = [1, Number.POSITIVE_INFINITY];
  while (latest !== undefined && isFailed(latest) && absent - there > 1) {
    const attempt = absent === Number.POSITIVE_INFINITY ? there * 2 : Math.floor((there + absent) / 2);
    const found = await look(attempt);
    if (found === undefined) absent = attempt;
    else [latest, there] = [found, attempt];
  }
  return latest;
}

/** Only a failed attempt is followed by another one. */
const isFailed = ({ status }: RollBack): boolean => status !== 'RUNNING' && status !== 'SUCCEEDED';

/** State of a provisioning as its owner sees it, with what was rolled back since its end. */
export const currentStatus = async <Input extends z.ZodType<Subject>>(
  workflows: Workflows<Input>,
  execution: Execution<Subject>,
): Promise<ProvisioningStatus> => (await currentProgress(workflows, execution)).status;

/** The same, with the execution that it depends on now: the roll-back, if there is one. */
export async function currentProgress<Input extends z.ZodType<Subject>>(
  workflows: Workflows<Input>,
  execution: Execution<Subject>,
): Promise<{ status: ProvisioningStatus; latest: Execution<unknown> }> {
  const status = statusOf(execution, workflows.cleanOutcomes);
  // What is certain needs no further look, and neither does what a roll-back has not stopped yet.
  if (status.user === 'absent' || status.user === 'unknown') return { status, latest: execution };
  const rollBack = await latestRollBack(workflows, execution.parsedInput);
  if (rollBack === undefined) return { status, latest: execution };
  return { status: { ...status, user: presenceAfter(rollBack) }, latest: rollBack };
}

/** Whether the user is gone when a roll-back has come as far as this. */
export function presenceAfter({ status, error }: RollBack): 'absent' | 'being_removed' {
  const undone = status === 'SUCCEEDED' || isFailedWith({ status, error }, [OUTCOME_NOT_PUBLISHED]);
  return undone ? 'absent' : 'being_removed';
}
