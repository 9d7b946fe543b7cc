import type { SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { type RollBackInput, rollBackInput } from '../../contracts/executions.ts';
import type { FailureCause } from '../../contracts/failures.ts';
import type { Origin } from '../../contracts/origin.ts';
import { CANCELLED, OUTCOME_NOT_PUBLISHED } from '../../contracts/outcomes.ts';
import type { ProvisioningStatus, UserPresence } from '../../contracts/status.ts';
import { describe, type Execution, startOnce } from './executions.ts';
import { type Generation, rollBackName } from './roll-back-names.ts';
import { failureOf, isFailedWith, statusOf, withGone, withUser } from './status.ts';

/** Roll-backs of one generation of a provisioning. Another one is started only after the previous one has failed. */

/** The state machines of a service. */
export interface Machines {
  STATE_MACHINE_ARN: string;
  ROLL_BACK_STATE_MACHINE_ARN: string;
}

/** The state machines of a service, with the schema of their inputs and their clean outcomes. */
export interface Workflows<Input extends z.ZodType<ProvisioningSubject>> {
  stepFunctions: Pick<SFNClient, 'send'>;
  machines: Machines;
  /** Input of the executions that can be rolled back. */
  inputSchema: Input;
  /** Errors of outcomes after which nothing is left to do. */
  cleanOutcomes: readonly string[];
  /** At App1: names of the targets that are registered as gone. */
  gone?: readonly string[];
}

/** Input of an execution that can be rolled back. Without username if the cancellation arrived before the request. */
export interface ProvisioningSubject {
  provisioning_id: string;
  creation_id: string;
  owner: string;
  username?: string;
  human_user_id?: string;
  on_behalf_of?: string | undefined;
  targets?: string[] | undefined;
  trace_id?: string | undefined;
  estimated_start_at?: string | undefined;
}

export type RollBack = Execution<RollBackInput>;

/** Starts the first roll-back of a generation, unless one exists. The sweep starts another one after a failed one. */
export function startRollBack(
  { stepFunctions, machines }: Pick<Workflows<z.ZodType<ProvisioningSubject>>, 'stepFunctions' | 'machines'>,
  input: RollBackInput,
): Promise<'started' | 'existed'> {
  const name = rollBackName(input, 1);
  return startOnce(stepFunctions, machines.ROLL_BACK_STATE_MACHINE_ARN, name, input);
}

/**
 * The input of a roll-back; `undefined` if the execution cannot have created a user.
 * @param origin the request or execution that causes the roll-back
 */
export function rollBackInputOf(
  execution: Execution<ProvisioningSubject>,
  origin: Origin,
): RollBackInput | undefined {
  const { provisioning_id, creation_id, username, human_user_id, owner, on_behalf_of, targets } =
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
    ...(targets === undefined ? {} : { targets }),
    had_succeeded: execution.status === 'SUCCEEDED',
    failure: failureOf(execution) ?? CANCELLED_BY_OWNER,
  };
}

/** The failure of an execution that did not fail: its owner cancelled it. */
export const CANCELLED_BY_OWNER: FailureCause = { step: 'Execution', error: CANCELLED };

/**
 * The latest roll-back of a generation; `undefined` if none exists, or none yet. Attempts are numbered without gaps, so a
 * binary search finds the last one with few calls.
 */
export async function latestRollBack(
  { stepFunctions, machines }: Pick<Workflows<z.ZodType<ProvisioningSubject>>, 'stepFunctions' | 'machines'>,
  generation: Generation,
): Promise<RollBack | undefined> {
  const describeAttempt = (attempt: number) =>
    describe(
      stepFunctions,
      machines.ROLL_BACK_STATE_MACHINE_ARN,
      rollBackName(generation, attempt),
      rollBackInput,
    );
  let latest = await describeAttempt(1);
  let [existing, missing] = [1, Number.POSITIVE_INFINITY];
  while (latest !== undefined && isFailed(latest) && missing - existing > 1) {
    const attempt =
      missing === Number.POSITIVE_INFINITY ? existing * 2 : Math.floor((existing + missing) / 2);
    const found = await describeAttempt(attempt);
    if (found === undefined) missing = attempt;
    else [latest, existing] = [found, attempt];
  }
  return latest;
}

/** Only after a failed attempt another one can exist. */
const isFailed = ({ status }: RollBack): boolean => status !== 'RUNNING' && status !== 'SUCCEEDED';

/** Status of a provisioning for its owner, with the state of its latest roll-back. */
export const currentStatus = async <Input extends z.ZodType<ProvisioningSubject>>(
  workflows: Workflows<Input>,
  execution: Execution<ProvisioningSubject>,
): Promise<ProvisioningStatus> => (await currentProgress(workflows, execution)).status;

interface ProvisioningProgress {
  status: ProvisioningStatus;
  /** The presence that follows from the executions. They also complete if a target is gone; then `status` has another one. */
  presence: UserPresence;
  /** The execution that determines both: the latest roll-back, if one exists. */
  latest: Execution<unknown>;
}

/** Status of a provisioning, with what determines it. */
export async function currentProgress<Input extends z.ZodType<ProvisioningSubject>>(
  workflows: Workflows<Input>,
  execution: Execution<ProvisioningSubject>,
): Promise<ProvisioningProgress> {
  const own = statusOf(execution, workflows.cleanOutcomes);
  // `absent` is final, and a running execution has no roll-back that changes its status.
  const isFinal = own.user === 'absent' || own.user === 'unknown';
  const rollBack = isFinal ? undefined : await latestRollBack(workflows, execution.parsedInput);
  const status = rollBack === undefined ? own : withUser(own, presenceAfterRollBack(rollBack), rollBack);
  return {
    status: withGone(status, workflows.gone ?? []),
    presence: status.user,
    latest: rollBack ?? execution,
  };
}

/** Whether a roll-back has removed the user. */
export function presenceAfterRollBack({ status, error }: RollBack): 'absent' | 'being_removed' {
  const isCompensated = status === 'SUCCEEDED' || isFailedWith({ status, error }, [OUTCOME_NOT_PUBLISHED]);
  return isCompensated ? 'absent' : 'being_removed';
}
