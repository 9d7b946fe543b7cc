import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  type ExecutionListItem,
  type ExecutionStatus,
  ListExecutionsCommand,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { rollBackInput } from '../../contracts/executions.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import { cleanOutcomes } from './clean-outcomes.ts';
import { classifyError, hasErrorName } from './errors.ts';
import { type Clock, describe, startOnce } from './executions.ts';
import { rollBackIfNeeded } from './finished-execution.ts';
import {
  type ListState,
  type Observation,
  readSweepState,
  type SweepState,
  writeSweepState,
} from './high-water-marks.ts';
import { addLogContext, logger, withLogContext } from './logger.ts';
import { type OldestStart, readOldestStart } from './oldest-running.ts';
import { originAfter } from './origin.ts';
import { nextRollBackName, provisioningIdIn } from './roll-back-names.ts';
import type { ProvisioningSubject, Workflows } from './roll-backs.ts';

/**
 * The sweep: a scheduled reconciliation. It finds failed executions without a roll-back, and failed roll-backs, and
 * starts the missing roll-back.
 *
 * Each state machine has a list of executions per status, and each list a high-water mark: every execution that stopped
 * before the mark is processed. The mark advances only over processed executions, so that an outage of AWS's events or of
 * the sweep loses nothing.
 *
 * Lists of executions that can have left a user come first: those of the roll-back machine, and aborted and timed-out
 * executions. FAILED executions of the main machine come last, with a time budget of their own: nearly all of them have a
 * clean outcome, callers can cause any number of them, and ListExecutions omits the outcome. Executions that are recorded
 * as clean (clean-outcomes.ts) need no DescribeExecution.
 */

/** Limits of one run. The next run continues at the same position. */
export const limits = {
  /**
   * Pages of a thousand executions each, per list. ListExecutions has a bucket size of 100 in most regions.
   */
  pages: { first: 10, last: 200 },
  /**
   * Milliseconds after the start of the run until which executions of the first lists are processed, the last list is
   * read, and its executions are processed.
   */
  time: {
    first: (timeLimits.sweepFunction - 80) * 1000,
    read: (timeLimits.sweepFunction - 50) * 1000,
    last: (timeLimits.sweepFunction - 30) * 1000,
  },
} as const;

/** ListExecutions is eventually consistent: the next run reads executions of this time again. Milliseconds. */
const LISTING_LAG = 10 * 60 * 1000;

/** Longest duration of an execution in milliseconds. Used without an observation of the oldest running execution. */
const LONGEST_EXECUTION = Math.max(timeLimits.provisioning, timeLimits.provisioningRollBack) * 1000;

/** Most stored observations per state machine. With fewer observations, lists are read further back. */
const OBSERVATIONS = 12;

type Failure = Extract<ExecutionStatus, 'FAILED' | 'TIMED_OUT' | 'ABORTED'>;
type MachineKey = 'main' | 'roll-back';

interface List {
  machine: MachineKey;
  status: Failure;
}

const firstLists: readonly List[] = [
  { machine: 'roll-back', status: 'FAILED' },
  { machine: 'roll-back', status: 'TIMED_OUT' },
  { machine: 'roll-back', status: 'ABORTED' },
  { machine: 'main', status: 'TIMED_OUT' },
  { machine: 'main', status: 'ABORTED' },
];
const lastList: List = { machine: 'main', status: 'FAILED' };

/** Key of a list in the stored state. */
export const listKey = ({ machine, status }: List): string => `${machine} ${status}`;

interface Services<Input extends z.ZodType<ProvisioningSubject>> {
  workflows: Workflows<Input>;
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  /** Table of the high-water marks and of the clean outcomes. */
  tableName: string;
  /** Rate of DescribeExecution calls: the sweep's share of the quota. */
  describesPerSecond: number;
  clock: Clock;
}

/** Result of a run. */
export interface SweepReport {
  /** Executions that failed, timed out or were aborted after the marks, and that no earlier run processed. */
  failed: number;
  /** Executions of `failed` that were recorded as clean, and not described. */
  known_clean: number;
  /** Roll-backs that this run started. */
  started: number;
  /** Executions whose input does not match the schema: started by hand. */
  unreadable: number;
  /** Executions that could not be processed, or not in time. The next run processes them. */
  remaining: number;
  /** The lowest high-water mark: every execution that stopped before is processed. */
  high_water_mark: string;
  /** Age of the oldest running execution in seconds; 0 without one. */
  oldest_running_seconds: number;
}

interface FinishedExecution extends List {
  name: string;
  stoppedAt: number;
}

/** The executions that were read from a list, and the position of the next read. */
interface Reading {
  list: List;
  high_water_mark: number;
  finished: FinishedExecution[];
  /** Start of the read, in this run or in an earlier one. */
  since: number;
  /** Stop time of the first execution that an earlier run read and could not process; infinite without one. */
  firstUnprocessed: number;
  nextToken: string | undefined;
}

/**
 * Creates the sweep. Each call is one run.
 * @throws the errors of ListExecutions and of the table
 */
export const sweep = <Input extends z.ZodType<ProvisioningSubject>>({
  workflows,
  dynamoDb,
  tableName,
  describesPerSecond,
  clock,
}: Services<Input>) => {
  const table = { dynamoDb, tableName };
  const outcomes = cleanOutcomes(table);
  const machineArns: Record<MachineKey, string> = {
    main: workflows.machines.STATE_MACHINE_ARN,
    'roll-back': workflows.machines.ROLL_BACK_STATE_MACHINE_ARN,
  };
  /** Executions after the marks that earlier runs of this execution environment processed, with their stop times. */
  const processed = new Map<string, number>();

  return async (): Promise<SweepReport> => {
    const startedAt = clock.now();
    const state = await readSweepState(table);
    const report = { failed: 0, known_clean: 0, started: 0, unreadable: 0, remaining: 0 };

    /** Processes executions until a time limit; returns the remaining ones. */
    const processAll = async (
      finished: readonly FinishedExecution[],
      until: number,
    ): Promise<FinishedExecution[]> => {
      const remaining: FinishedExecution[] = [];
      for (const execution of finished) {
        if (clock.now() - startedAt > until) {
          remaining.push(execution);
          continue;
        }
        await clock.sleep(1000 / describesPerSecond);
        const provisioning_id = provisioningIdIn(execution.name);
        const finding = await withLogContext({ provisioning_id, execution: execution.name }, () =>
          processOne(workflows, execution),
        );
        if (finding === 'started') report.started += 1;
        if (finding === 'unreadable') report.unreadable += 1;
        if (finding === 'failed') remaining.push(execution);
        else processed.set(keyOf(execution), execution.stoppedAt);
        if (finding === 'clean' && isOf(lastList)(execution)) await outcomes.record(execution);
      }
      report.remaining += remaining.length;
      return remaining;
    };

    /** Reads a list from its newest execution, or from the position of the last run, until an execution that is too old. */
    const read = async (list: List, bounds: Bounds): Promise<Reading> => {
      const { high_water_mark, reading } = state.lists[listKey(list)] ?? { high_water_mark: 0 };
      const pages = (from: string | undefined) =>
        readPages(
          workflows.stepFunctions,
          { stateMachineArn: machineArns[list.machine], statusFilter: list.status },
          { ...bounds, from, oldest: oldestPossibleStart(state, list.machine, high_water_mark) },
        );
      let continued = reading;
      const { executions, nextToken } = await pages(reading?.next_token).catch((error: unknown) => {
        // A token expires after a day. Then the list is read from its start.
        if (!hasErrorName(error, 'InvalidToken')) throw error;
        continued = undefined;
        return pages(undefined);
      });
      const finished = executions.flatMap(({ name, stopDate }) =>
        name === undefined || stopDate === undefined || stopDate.getTime() < high_water_mark
          ? []
          : [{ ...list, name, stoppedAt: stopDate.getTime() }],
      );
      return {
        list,
        high_water_mark,
        finished,
        since: continued?.since ?? startedAt,
        firstUnprocessed: continued?.first_unprocessed ?? Number.POSITIVE_INFINITY,
        nextToken,
      };
    };

    /** Stores an observation of the oldest running executions; returns the age of the oldest one in seconds. */
    const observe = async (): Promise<number> => {
      const starts: number[] = [];
      for (const machine of ['main', 'roll-back'] as const) {
        const oldest = await readOldestStart(workflows.stepFunctions, machineArns[machine]);
        if (oldest.start !== undefined) starts.push(oldest.start);
        state.observations[machine] = withObservation(state.observations[machine] ?? [], oldest, {
          now: clock.now(),
          lowest: lowestMark(state, machine),
        });
      }
      const now = clock.now();
      return Math.round((now - Math.min(now, ...starts)) / 1000);
    };

    const isUnprocessed = (execution: FinishedExecution) => !processed.has(keyOf(execution));

    const first: Reading[] = [];
    for (const list of firstLists) first.push(await read(list, { pages: limits.pages.first }));
    const found = inOrder(first.flatMap(({ finished }) => finished)).filter(isUnprocessed);
    report.failed += found.length;
    const remaining = await processAll(found, limits.time.first);
    for (const reading of first) state.lists[listKey(reading.list)] = stateAfter(reading, remaining);
    await writeSweepState(table, state, clock.now());
    const oldest_running_seconds = await observe();

    const last = await read(lastList, {
      pages: limits.pages.last,
      isInTime: () => clock.now() - startedAt <= limits.time.read,
    });
    const failed = last.finished.filter(isUnprocessed);
    const unknown = inOrder(await outcomes.withoutRecord(failed));
    report.failed += failed.length;
    report.known_clean = failed.length - unknown.length;
    state.lists[listKey(lastList)] = stateAfter(last, await processAll(unknown, limits.time.last));
    await writeSweepState(table, state, clock.now());

    const lowest = lowestMark(state);
    for (const [key, stoppedAt] of processed) if (stoppedAt < lowest) processed.delete(key);
    return { ...report, high_water_mark: new Date(lowest).toISOString(), oldest_running_seconds };
  };
};

const isOf =
  ({ machine, status }: List) =>
  (list: List): boolean =>
    list.machine === machine && list.status === status;

/** With the stop time, because an execution that is redriven and finishes again must be processed again. */
const keyOf = ({ machine, name, stoppedAt }: FinishedExecution): string => `${machine} ${name} ${stoppedAt}`;

const inOrder = (finished: FinishedExecution[]): FinishedExecution[] =>
  finished.sort((a, b) => a.stoppedAt - b.stoppedAt);

/** The lowest high-water mark of all lists, or of the lists of one state machine. */
const lowestMark = ({ lists }: SweepState, machine?: MachineKey): number =>
  Math.min(
    ...[...firstLists, lastList]
      .filter((list) => machine === undefined || list.machine === machine)
      .map((list) => lists[listKey(list)]?.high_water_mark ?? 0),
  );

/** Reads pages of a list, from the newest execution or from a token, until an execution started before `oldest`. */
async function readPages(
  stepFunctions: Pick<SFNClient, 'send'>,
  list: { stateMachineArn: string; statusFilter: Failure },
  { from, oldest, pages, isInTime = () => true }: PageOptions,
): Promise<{ executions: ExecutionListItem[]; nextToken: string | undefined }> {
  const allExecutions: ExecutionListItem[] = [];
  let nextToken = from;
  for (let page = 0; page === 0 || (nextToken !== undefined && page < pages && isInTime()); page += 1) {
    const command = new ListExecutionsCommand({
      ...list,
      maxResults: 1000,
      ...(nextToken === undefined ? {} : { nextToken }),
    });
    const read = await stepFunctions.send(command).catch((error: unknown) => {
      if (page === 0 || classifyError(error).name !== 'ServiceThrottled') throw error;
      return undefined;
    });
    // The quota is used up: the next run continues here.
    if (read === undefined) break;
    const { executions = [] } = read;
    allExecutions.push(...executions);
    nextToken = executions.some(startedBefore(oldest)) ? undefined : read.nextToken;
  }
  return { executions: allExecutions, nextToken };
}

interface PageOptions extends Bounds {
  from: string | undefined;
  /** An execution that started before cannot have stopped after the mark. */
  oldest: number;
}

interface Bounds {
  pages: number;
  isInTime?: () => boolean;
}

/** Lists are newest first, so the first such execution ends the read. */
const startedBefore =
  (time: number) =>
  ({ startDate }: ExecutionListItem): boolean =>
    startDate !== undefined && startDate.getTime() < time;

/** The earliest possible start of an execution that stopped after the mark. */
function oldestPossibleStart({ observations }: SweepState, machine: MachineKey, mark: number): number {
  const before = (observations[machine] ?? []).filter(({ at }) => at <= mark);
  return before.at(-1)?.oldest_start ?? mark - LONGEST_EXECUTION;
}

/** The state of a list after its executions are processed, except the remaining ones. */
function stateAfter(
  { list, high_water_mark, firstUnprocessed, since, nextToken }: Reading,
  remaining: readonly FinishedExecution[],
): ListState {
  const stopTimes = remaining.filter(isOf(list)).map(({ stoppedAt }) => stoppedAt);
  const first_unprocessed = Math.min(firstUnprocessed, ...stopTimes);
  if (nextToken === undefined)
    return { high_water_mark: Math.max(high_water_mark, Math.min(since - LISTING_LAG, first_unprocessed)) };
  const isAnyLeft = first_unprocessed !== Number.POSITIVE_INFINITY;
  return {
    high_water_mark,
    reading: { next_token: nextToken, since, ...(isAnyLeft ? { first_unprocessed } : {}) },
  };
}

/** Adds an observation, and drops those that no list of the state machine needs any more. */
function withObservation(
  observations: readonly Observation[],
  { start, isComplete }: OldestStart,
  { now, lowest }: { now: number; lowest: number },
): Observation[] {
  // An execution that started just now may not be in the list yet.
  const oldest_start = Math.min(start ?? now, now - LISTING_LAG);
  const all = [...observations, ...(isComplete ? [{ at: now, oldest_start }] : [])];
  const [first, ...others] = all.filter((_, n) => (all[n + 1]?.at ?? now + 1) > lowest);
  return first === undefined ? [] : [first, ...others.slice(1 - OBSERVATIONS)];
}

async function processOne<Input extends z.ZodType<ProvisioningSubject>>(
  workflows: Workflows<Input>,
  { name, machine }: FinishedExecution,
): Promise<'clean' | 'started' | 'existed' | 'unreadable' | 'failed'> {
  try {
    return machine === 'roll-back'
      ? await retryRollBack(workflows, name)
      : await rollBackIfNeeded(workflows, name);
  } catch (thrown) {
    if (thrown instanceof z.ZodError || thrown instanceof SyntaxError) {
      logger.warn('Execution input not valid', { execution: name });
      return 'unreadable';
    }
    const { name: error, message: reason } = classifyError(thrown);
    logger.error('Execution not processed', { execution: name, error, reason });
    return 'failed';
  }
}

/** Starts the next attempt after a roll-back that failed or whose event was not published, unless one exists. */
async function retryRollBack(
  { stepFunctions, machines }: Pick<Workflows<z.ZodType<ProvisioningSubject>>, 'stepFunctions' | 'machines'>,
  name: string,
): Promise<'clean' | 'started' | 'existed'> {
  const machine = machines.ROLL_BACK_STATE_MACHINE_ARN;
  const failed = await describe(stepFunctions, machine, name, rollBackInput);
  if (failed === undefined) throw new Error('DescribeExecution does not find a listed roll-back.');
  addLogContext({ trace_id: failed.parsedInput.trace_id });
  // An operator may have redriven it in between.
  if (failed.status === 'RUNNING' || failed.status === 'SUCCEEDED') return 'clean';
  const input = { ...failed.parsedInput, ...originAfter(machine, name, failed.parsedInput) };
  const start = await startOnce(stepFunctions, machine, nextRollBackName(name, input), input);
  if (start === 'started')
    logger.warn('Roll-back retried', {
      provisioning_id: failed.parsedInput.provisioning_id,
      failed: name,
    });
  return start;
}
