import { type ExecutionListItem, type ExecutionStatus, ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { GetParameterCommand, PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import * as z from 'zod';
import { rollBackInput } from '../../contracts/executions.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import { rollBackIfNeeded } from './ended-execution.ts';
import { withoutSecrets } from './errors.ts';
import { type Clock, describe, startOnce } from './executions.ts';
import { alsoAbout, logAbout, logger } from './logger.ts';
import { originAfter } from './origin.ts';
import { nextRollBackName, type Subject, type Workflows } from './roll-backs.ts';

/**
 * The sweep: finds executions that ended badly and were not rolled back, whatever was missed, and roll-backs that
 * failed themselves, and starts the roll-back that is due.
 *
 * It goes on from a mark: everything that ended before it is settled. The mark moves only over what was settled, so
 * that an outage, of AWS's events or of the sweep, loses nothing.
 */

/** Bounds of one run; the next run goes on where it stopped. */
export const limits = {
  /** Pages of a thousand executions each. When there are more, the mark stays until there are not. */
  pages: 100,
  /** Milliseconds in which new executions are still looked at. */
  time: (timeLimits.sweepFunction - 30) * 1000,
  /** Pause between two looks in milliseconds: DescribeExecution has a quota of 15 per second for the whole account. */
  pause: 200,
} as const;

/** Lists lag: what ended within this time, in milliseconds, is looked at again by the next run. */
const LISTING_LAG = 10 * 60 * 1000;

/** No execution lasts longer, so one that began this much before the mark, in milliseconds, ended before it. */
const LONGEST_EXECUTION = timeLimits.provisioning * 1000;

const ENDED_BADLY: ExecutionStatus[] = ['FAILED', 'TIMED_OUT', 'ABORTED'];

interface Services<Input extends z.ZodType<Subject>> {
  workflows: Workflows<Input>;
  ssm: Pick<SSMClient, 'send'>;
  /** Name of the parameter that holds the mark. */
  markParameter: string;
  clock: Clock;
}

/** What a run found. */
export interface SweepReport {
  /** Executions that ended badly since the mark, and were not settled by an earlier run. */
  ended_badly: number;
  /** Roll-backs that this run had to start: each was missed before, or failed. */
  started: number;
  /** Executions with an input that none of ours has: somebody started them by hand. */
  unreadable: number;
  /** Executions that could not be settled, or that there was no time for; the next run looks at them again. */
  left: number;
  /** Everything that ended before is settled. */
  settled_until: string;
}

interface Ended {
  name: string;
  stoppedAt: number;
  isRollBack: boolean;
}

/** @throws the errors of Step Functions' lists and of the parameter store */
export const sweep = <Input extends z.ZodType<Subject>>({
  workflows,
  ssm,
  markParameter,
  clock,
}: Services<Input>) => {
  /** What a warm function has settled after the mark; without it, each run would look at all of it again. */
  const settled = new Map<string, number>();
  return async (): Promise<SweepReport> => {
    const begun = clock.now();
    const mark = await readMark(ssm, markParameter);
    for (const [key, stoppedAt] of settled) if (stoppedAt < mark) settled.delete(key);
    const { ended: all, isComplete } = await endedSince(workflows, mark);
    const ended = all.filter((one) => !settled.has(keyOf(one)));
    const report = { ended_badly: ended.length, started: 0, unreadable: 0 };

    const left: Ended[] = [];
    for (const execution of ended) {
      if (clock.now() - begun > limits.time) {
        left.push(execution);
        continue;
      }
      await clock.sleep(limits.pause);
      const [provisioning_id] = execution.name.split('.');
      const finding = await logAbout({ provisioning_id, execution: execution.name }, () =>
        settleOne(workflows, execution),
      );
      if (finding === 'started') report.started += 1;
      if (finding === 'unreadable') report.unreadable += 1;
      if (finding === 'failed') left.push(execution);
      else settled.set(keyOf(execution), execution.stoppedAt);
    }

    const firstLeft = Math.min(begun - LISTING_LAG, ...left.map(({ stoppedAt }) => stoppedAt));
    const settledUntil = isComplete ? Math.max(mark, firstLeft) : mark;
    const settled_until = new Date(settledUntil).toISOString();
    if (settledUntil > mark)
      await ssm.send(new PutParameterCommand({ Name: markParameter, Value: settled_until, Overwrite: true }));
    return { ...report, left: left.length, settled_until };
  };
};

/** An execution that is started again and ends again is another finding. */
const keyOf = ({ name, stoppedAt, isRollBack }: Ended): string => `${isRollBack} ${name} ${stoppedAt}`;

/** A mark that was never set stands before all executions. */
const markValue = z.union([z.literal('never').transform(() => 0), z.iso.datetime().transform(Date.parse)]);

async function readMark(ssm: Pick<SSMClient, 'send'>, name: string): Promise<number> {
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name }));
  return markValue.parse(Parameter?.Value);
}

/** The executions of both machines that ended badly since the mark, those that ended first at first. */
async function endedSince(
  { stepFunctions, machines }: Pick<Workflows<z.ZodType<Subject>>, 'stepFunctions' | 'machines'>,
  mark: number,
): Promise<{ ended: Ended[]; isComplete: boolean }> {
  const ended: Ended[] = [];
  let pages = 0;
  for (const stateMachineArn of [machines.STATE_MACHINE_ARN, machines.ROLL_BACK_STATE_MACHINE_ARN]) {
    const isRollBack = stateMachineArn === machines.ROLL_BACK_STATE_MACHINE_ARN;
    for (const statusFilter of ENDED_BADLY) {
      let nextToken: string | undefined;
      let older = false;
      do {
        pages += 1;
        if (pages > limits.pages) return { ended: inOrder(ended), isComplete: false };
        const page = await stepFunctions.send(
          new ListExecutionsCommand({
            stateMachineArn,
            statusFilter,
            maxResults: 1000,
            ...(nextToken === undefined ? {} : { nextToken }),
          }),
        );
        const executions = page.executions ?? [];
        ended.push(
          ...executions.flatMap(({ name, stopDate }) =>
            name === undefined || stopDate === undefined || stopDate.getTime() < mark
              ? []
              : [{ name, stoppedAt: stopDate.getTime(), isRollBack }],
          ),
        );
        older = executions.some(beganBefore(mark - LONGEST_EXECUTION));
        nextToken = page.nextToken;
      } while (nextToken !== undefined && !older);
    }
  }
  return { ended: inOrder(ended), isComplete: true };
}

const inOrder = (ended: Ended[]): Ended[] => ended.sort((a, b) => a.stoppedAt - b.stoppedAt);

/** Lists come newest first. */
const beganBefore =
  (time: number) =>
  ({ startDate }: ExecutionListItem): boolean =>
    startDate !== undefined && startDate.getTime() < time;

async function settleOne<Input extends z.ZodType<Subject>>(
  workflows: Workflows<Input>,
  { name, isRollBack }: Ended,
): Promise<'clean' | 'started' | 'existed' | 'unreadable' | 'failed'> {
  try {
    return isRollBack ? await tryAgain(workflows, name) : await rollBackIfNeeded(workflows, name);
  } catch (thrown) {
    if (thrown instanceof z.ZodError || thrown instanceof SyntaxError) {
      logger.warn('An execution has an input that is none of ours', { execution: name });
      return 'unreadable';
    }
    const { name: error, message: reason } = withoutSecrets(thrown);
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
  alsoAbout({ trace_id: failed.parsedInput.trace_id });
  // An operator may have started it again since.
  if (failed.status === 'RUNNING' || failed.status === 'SUCCEEDED') return 'clean';
  const input = { ...failed.parsedInput, ...originAfter(machine, name, failed.parsedInput) };
  const start = await startOnce(stepFunctions, machine, nextRollBackName(name), input);
  if (start === 'started')
    logger.warn('Roll-back tried again', {
      provisioning_id: failed.parsedInput.provisioning_id,
      failed: name,
    });
  return start;
}
