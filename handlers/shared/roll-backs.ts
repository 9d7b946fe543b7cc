import type { SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { END_NOT_ANNOUNCED } from '../../contracts/ends.ts';
import { type RollBackInput, rollBackInput } from '../../contracts/executions.ts';
import type { Origin } from '../../contracts/origin.ts';
import type { ProvisioningStatus } from '../../contracts/status.ts';
import { describe, type Execution, startOnce } from './executions.ts';
import { isEnd, statusOf } from './status.ts';

/**
 * Roll-backs of one provisioning: executions of the roll-back machine named `<provisioning_id>`,
 * `<provisioning_id>.2`, `.3`, … The next one is started when the one before has failed.
 */

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
  cleanEnds: readonly string[];
}

/** Username and human user are absent in what was cancelled before its request arrived. */
export interface Subject {
  provisioning_id: string;
  owner: string;
  username?: string;
  human_user_id?: string;
  on_behalf_of?: string | undefined;
  trace_id?: string | undefined;
  estimated_start_at?: string | undefined;
}

export type RollBack = Execution<RollBackInput>;

export function rollBackName(provisioningId: string, attempt: number): string {
  return attempt === 1 ? provisioningId : `${provisioningId}.${attempt}`;
}

/** Name of the attempt that follows the one of this name. */
export function nextRollBackName(name: string): string {
  const [provisioningId = name, attempt = '1'] = name.split('.');
  return rollBackName(provisioningId, Number(attempt) + 1);
}

/** Starts a provisioning's first roll-back. Nothing happens when there is one: a failed one is the sweep's matter. */
export function startRollBack(
  { stepFunctions, machines }: Pick<Workflows<z.ZodType<Subject>>, 'stepFunctions' | 'machines'>,
  input: RollBackInput,
): Promise<'started' | 'existed'> {
  const name = rollBackName(input.provisioning_id, 1);
  return startOnce(stepFunctions, machines.ROLL_BACK_STATE_MACHINE_ARN, name, input);
}

/**
 * What a roll-back of `origin` is started with; `undefined` when nothing can have been made, so there is nothing to
 * roll back.
 */
export function rollBackInputOf(input: Subject, origin: Origin): RollBackInput | undefined {
  const { provisioning_id, username, human_user_id, owner, on_behalf_of } = input;
  if (username === undefined || human_user_id === undefined) return undefined;
  const common = { provisioning_id, username, human_user_id, owner, ...origin };
  return on_behalf_of === undefined ? common : { ...common, on_behalf_of };
}

/**
 * The latest roll-back of a provisioning; `undefined` when there is none, or none yet. Attempts are numbered without
 * gaps, so the last of many is found in few looks.
 */
export async function latestRollBack(
  { stepFunctions, machines }: Pick<Workflows<z.ZodType<Subject>>, 'stepFunctions' | 'machines'>,
  provisioningId: string,
): Promise<RollBack | undefined> {
  const look = (attempt: number) =>
    describe(
      stepFunctions,
      machines.ROLL_BACK_STATE_MACHINE_ARN,
      rollBackName(provisioningId, attempt),
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
  const status = statusOf(execution, workflows.cleanEnds);
  if (status.user === 'absent') return { status, latest: execution };
  const rollBack = await latestRollBack(workflows, status.provisioning_id);
  if (rollBack === undefined) return { status, latest: execution };
  return { status: { ...status, user: presenceAfter(rollBack) }, latest: rollBack };
}

/** Whether the user is gone when a roll-back has come as far as this. */
export function presenceAfter({ status, error }: RollBack): 'absent' | 'being_removed' {
  const undone = status === 'SUCCEEDED' || isEnd({ status, error }, [END_NOT_ANNOUNCED]);
  return undone ? 'absent' : 'being_removed';
}
