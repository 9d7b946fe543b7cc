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
import { type OldestStart, oldestStart } from './oldest-running.ts';
import { originAfter } from './origin.ts';
import { nextRollBackName, provisioningIdIn } from './roll-back-names.ts';
import type { Subject, Workflows } from './roll-backs.ts';

/**
 * The sweep: finds executions that failed and were not rolled back, whatever was missed, and roll-backs that failed
 * themselves, and starts the roll-back that is due.
 *
 * Each machine has a list of executions per status, and each list a high-water mark: everything in it that stopped
 * before is settled. The mark moves only over what was settled, so that an outage, of AWS's events or of the sweep,
 * loses nothing.
 *
 * What can hold leftovers is read and settled first: everything of the roll-back machine, and what was stopped or timed
 * out. FAILED executions of the main machine come last, with a share of their own. Nearly all of them failed clean,
 * callers can make as many of them as they like, and ListExecutions does not say which they are; those that the rule on
 * status changes has recorded as clean cost no DescribeExecution.
 */

/** Bounds of one run; the next run goes on where it stopped. */
export const limits = {
  /**
   * Pages of a thousand executions each: of a list that can hold leftovers, and of the failed ones. ListExecutions has a
   * quota of 100 at once in the smallest regions.
   */
  pages: { first: 10, last: 200 },
  /**
   * Milliseconds after the run's begin in which executions of the first lists are still described, in which the last list
   * is still read, and in which executions of it are still described.
   */
  time: {
    first: (timeLimits.sweepFunction - 80) * 1000,
    read: (timeLimits.sweepFunction - 50) * 1000,
    last: (timeLimits.sweepFunction - 30) * 1000,
  },
} as const;

/** Lists lag: what stopped within this time, in milliseconds, is looked at again by the next run. */
const LISTING_LAG = 10 * 60 * 1000;

/** No execution lasts longer, in milliseconds. Used while it is not known which was the oldest running one. */
const LONGEST_EXECUTION = Math.max(timeLimits.provisioning, timeLimits.provisioningRollBack) * 1000;

/** Observations that are kept per machine. Without those in between, lists are read further back, not less. */
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

/** Name of a list in the state. */
export const listKey = ({ machine, status }: List): string => `${machine} ${status}`;

interface Services<Input extends z.ZodType<Subject>> {
  workflows: Workflows<Input>;
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  /** Table of the high-water marks and of the clean outcomes. */
  tableName: string;
  /** How many executions are described per second: the sweep's share of the quota. */
  describesPerSecond: number;
  clock: Clock;
}

/** What a run found. */
export interface SweepReport {
  /** Executions that failed, timed out or were stopped since the marks, and were not settled by an earlier run. */
  failed: number;
  /** Those of them that were recorded as clean, and were not described. */
  known_clean: number;
  /** Roll-backs that this run had to start: each was missed before, or failed. */
  started: number;
  /** Executions with an input that none of ours has: somebody started them by hand. */
  unreadable: number;
  /** Executions that could not be settled, or that there was no time for; the next run looks at them again. */
  left: number;
  /** The lowest of the high-water marks: everything that stopped before is settled. */
  high_water_mark: string;
  /** For how many seconds the oldest running execution has run; 0 when none runs. */
  oldest_running_seconds: number;
}

interface Finished extends List {
  name: string;
  stoppedAt: number;
}

/** What was read of a list, and where to go on. */
interface Reading {
  list: List;
  high_water_mark: number;
  finished: Finished[];
  /** When the reading began, in this run or in an earlier one. */
  since: number;
  /** When the first execution stopped that an earlier run has read and could not settle; infinite when there is none. */
  firstLeft: number;
  nextToken: string | undefined;
}

/** @throws the errors of Step Functions' lists and of the table */
export const sweep = <Input extends z.ZodType<Subject>>({
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
  /** What a warm function has settled after the marks; without it, each run would look at all of it again. */
  const settled = new Map<string, number>();

  return async (): Promise<SweepReport> => {
    const startedAt = clock.now();
    const state = await readSweepState(table);
    const report = { failed: 0, known_clean: 0, started: 0, unreadable: 0, left: 0 };

    const settle = async (finished: readonly Finished[], until: number): Promise<Finished[]> => {
      const left: Finished[] = [];
      for (const execution of finished) {
        if (clock.now() - startedAt > until) {
          left.push(execution);
          continue;
        }
        await clock.sleep(1000 / describesPerSecond);
        const provisioning_id = provisioningIdIn(execution.name);
        const finding = await withLogContext({ provisioning_id, execution: execution.name }, () =>
          settleOne(workflows, execution),
        );
        if (finding === 'started') report.started += 1;
        if (finding === 'unreadable') report.unreadable += 1;
        if (finding === 'failed') left.push(execution);
        else settled.set(keyOf(execution), execution.stoppedAt);
        if (finding === 'clean' && isOf(lastList)(execution)) await outcomes.record(execution);
      }
      report.left += left.length;
      return left;
    };

    /** Reads a list from its newest execution, or from where the last run stopped, as far back as is needed. */
    const read = async (list: List, bounds: Bounds): Promise<Reading> => {
      const { high_water_mark, reading } = state.lists[listKey(list)] ?? { high_water_mark: 0 };
      const pages = (from: string | undefined) =>
        readPages(
          workflows.stepFunctions,
          { stateMachineArn: machineArns[list.machine], statusFilter: list.status },
          { ...bounds, from, oldest: oldestPossibleStart(state, list.machine, high_water_mark) },
        );
      let goesOn = reading;
      const { executions, nextToken } = await pages(reading?.next_token).catch((error: unknown) => {
        // A token lives for a day; without it the list is read from its beginning.
        if (!hasErrorName(error, 'InvalidToken')) throw error;
        goesOn = undefined;
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
        since: goesOn?.since ?? startedAt,
        firstLeft: goesOn?.first_left ?? Number.POSITIVE_INFINITY,
        nextToken,
      };
    };

    /** Notes what the oldest running executions are; gives for how many seconds the oldest of all has run. */
    const observe = async (): Promise<number> => {
      const starts: number[] = [];
      for (const machine of ['main', 'roll-back'] as const) {
        const oldest = await oldestStart(workflows.stepFunctions, machineArns[machine]);
        if (oldest.start !== undefined) starts.push(oldest.start);
        state.observations[machine] = withObservation(state.observations[machine] ?? [], oldest, {
          now: clock.now(),
          lowest: lowestMark(state, machine),
        });
      }
      const now = clock.now();
      return Math.round((now - Math.min(now, ...starts)) / 1000);
    };

    const isUnsettled = (execution: Finished) => !settled.has(keyOf(execution));

    const first: Reading[] = [];
    for (const list of firstLists) first.push(await read(list, { pages: limits.pages.first }));
    const found = inOrder(first.flatMap(({ finished }) => finished)).filter(isUnsettled);
    report.failed += found.length;
    const left = await settle(found, limits.time.first);
    for (const reading of first) state.lists[listKey(reading.list)] = stateAfter(reading, left);
    await writeSweepState(table, state, clock.now());
    const oldest_running_seconds = await observe();

    const last = await read(lastList, {
      pages: limits.pages.last,
      isInTime: () => clock.now() - startedAt <= limits.time.read,
    });
    const failed = last.finished.filter(isUnsettled);
    const unknown = inOrder(await outcomes.withoutRecord(failed));
    report.failed += failed.length;
    report.known_clean = failed.length - unknown.length;
    state.lists[listKey(lastList)] = stateAfter(last, await settle(unknown, limits.time.last));
    await writeSweepState(table, state, clock.now());

    const lowest = lowestMark(state);
    for (const [key, stoppedAt] of settled) if (stoppedAt < lowest) settled.delete(key);
    return { ...report, high_water_mark: new Date(lowest).toISOString(), oldest_running_seconds };
  };
};

const isOf =
  ({ machine, status }: List) =>
  (one: List): boolean =>
    one.machine === machine && one.status === status;

/** An execution that is redriven and finishes again is another finding. */
const keyOf = ({ machine, name, stoppedAt }: Finished): string => `${machine} ${name} ${stoppedAt}`;

const inOrder = (finished: Finished[]): Finished[] => finished.sort((a, b) => a.stoppedAt - b.stoppedAt);

/** The lowest mark of all lists, or of those of a machine. */
const lowestMark = ({ lists }: SweepState, machine?: MachineKey): number =>
  Math.min(
    ...[...firstLists, lastList]
      .filter((list) => machine === undefined || list.machine === machine)
      .map((list) => lists[listKey(list)]?.high_water_mark ?? 0),
  );

/** The pages of a list, from the newest execution or from a token on, until one started before `oldest`. */
async function readPages(
  stepFunctions: Pick<SFNClient, 'send'>,
  list: { stateMachineArn: string; statusFilter: Failure },
  { from, oldest, pages, isInTime = () => true }: PageOptions,
): Promise<{ executions: ExecutionListItem[]; nextToken: string | undefined }> {
  const all: ExecutionListItem[] = [];
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
    // The quota is used up: the next run goes on here.
    if (read === undefined) break;
    const { executions = [] } = read;
    all.push(...executions);
    nextToken = executions.some(startedBefore(oldest)) ? undefined : read.nextToken;
  }
  return { executions: all, nextToken };
}

interface PageOptions extends Bounds {
  from: string | undefined;
  /** What started before cannot have stopped after the mark. */
  oldest: number;
}

interface Bounds {
  pages: number;
  isInTime?: () => boolean;
}

/** Lists come newest first. */
const startedBefore =
  (time: number) =>
  ({ startDate }: ExecutionListItem): boolean =>
    startDate !== undefined && startDate.getTime() < time;

/** When an execution that stopped after the mark can have started at the earliest. */
function oldestPossibleStart({ observations }: SweepState, machine: MachineKey, mark: number): number {
  const before = (observations[machine] ?? []).filter(({ at }) => at <= mark);
  return before.at(-1)?.oldest_start ?? mark - LONGEST_EXECUTION;
}

/** The state of a list after what was read of it has been settled, but for what is left. */
function stateAfter(
  { list, high_water_mark, firstLeft, since, nextToken }: Reading,
  left: readonly Finished[],
): ListState {
  const first_left = Math.min(firstLeft, ...left.filter(isOf(list)).map(({ stoppedAt }) => stoppedAt));
  if (nextToken === undefined)
    return { high_water_mark: Math.max(high_water_mark, Math.min(since - LISTING_LAG, first_left)) };
  const isAnyLeft = first_left !== Number.POSITIVE_INFINITY;
  return {
    high_water_mark,
    reading: { next_token: nextToken, since, ...(isAnyLeft ? { first_left } : {}) },
  };
}

/** The observations with another one, without those that no list of the machine needs any more. */
function withObservation(
  observations: readonly Observation[],
  { start, isComplete }: OldestStart,
  { now, lowest }: { now: number; lowest: number },
): Observation[] {
  // What has started a moment ago may not be in the list yet.
  const oldest_start = Math.min(start ?? now, now - LISTING_LAG);
  const all = [...observations, ...(isComplete ? [{ at: now, oldest_start }] : [])];
  const [first, ...others] = all.filter((_one, n) => (all[n + 1]?.at ?? now + 1) > lowest);
  return first === undefined ? [] : [first, ...others.slice(1 - OBSERVATIONS)];
}

async function settleOne<Input extends z.ZodType<Subject>>(
  workflows: Workflows<Input>,
  { name, machine }: Finished,
): Promise<'clean' | 'started' | 'existed' | 'unreadable' | 'failed'> {
  try {
    return machine === 'roll-back'
      ? await tryAgain(workflows, name)
      : await rollBackIfNeeded(workflows, name);
  } catch (thrown) {
    if (thrown instanceof z.ZodError || thrown instanceof SyntaxError) {
      logger.warn('An execution has an input that is none of ours', { execution: name });
      return 'unreadable';
    }
    const { name: error, message: reason } = classifyError(thrown);
    logger.error('An execution could not be settled', { execution: name, error, reason });
    return 'failed';
  }
}

/** Starts the attempt after a roll-back that failed or could not be announced, unless there is one. */
async function tryAgain(
  { stepFunctions, machines }: Pick<Workflows<z.ZodType<Subject>>, 'stepFunctions' | 'machines'>,
  name: string,
): Promise<'clean' | 'started' | 'existed'> {
  const machine = machines.ROLL_BACK_STATE_MACHINE_ARN;
  const failed = await describe(stepFunctions, machine, name, rollBackInput);
  if (failed === undefined) throw new Error('A roll-back that is listed cannot be seen.');
  addLogContext({ trace_id: failed.parsedInput.trace_id });
  // An operator may have started it again since.
  if (failed.status === 'RUNNING' || failed.status === 'SUCCEEDED') return 'clean';
  const input = { ...failed.parsedInput, ...originAfter(machine, name, failed.parsedInput) };
  const start = await startOnce(stepFunctions, machine, nextRollBackName(name, input), input);
  if (start === 'started')
    logger.warn('Roll-back tried again', {
      provisioning_id: failed.parsedInput.provisioning_id,
      failed: name,
    });
  return start;
}
