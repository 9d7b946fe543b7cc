import type { DescribeExecutionOutput, ExecutionListItem } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { cleanOutcomes, OUTCOME_NOT_PUBLISHED } from '../contracts/outcomes.ts';
import type { Service } from '../contracts/services.ts';
import type { UserPresence } from '../contracts/status.ts';
import { partsOfRollBackName } from '../handlers/shared/roll-back-names.ts';
import { failureOf, isFailedWith, statusOf } from '../handlers/shared/status.ts';
import { operatorsPart, remedyOfRights } from './explain.ts';
import type { Failure, LeftBehind, Summary } from './model.ts';

/** What is known of an execution: the list's line, and more once it was looked up. */
export interface Look {
  item: Partial<
    Pick<ExecutionListItem, 'executionArn' | 'name' | 'status' | 'startDate' | 'stopDate' | 'redriveCount'>
  >;
  execution?: DescribeExecutionOutput | undefined;
}

/** A provisioning at one service. */
export interface Side {
  service: Service;
  /** Absent when it never came there, or began before the time that is looked at. */
  main?: Look | undefined;
  /** Attempts to roll it back, in their order. */
  rollBacks: Look[];
}

/** How long after a bad end its roll-back may take to begin before something counts as left, in milliseconds. */
export const GRACE = 60_000;

const started = z.object({ creation_id: z.string() });

/** The generation of a provisioning, as its execution was started with; `undefined` while that was not read. */
export function generationOf({ main }: Pick<Side, 'main'>): string | undefined {
  const input = main?.execution?.input;
  return input === undefined ? undefined : started.safeParse(JSON.parse(input)).data?.creation_id;
}

/**
 * What belongs to one generation of a provisioning: App1's, or App2's when App1 has none. When a provisioning_id was used
 * again after its record had expired, executions of an earlier generation may still be there; they tell nothing of this.
 */
export function ofOneGeneration(sides: readonly Side[]): readonly Side[] {
  const generation = sides.map(generationOf).find((one) => one !== undefined);
  if (generation === undefined) return sides;
  const isOfIt = (name = '') => partsOfRollBackName(name)?.creation_id === generation;
  return sides.map(({ service, main, rollBacks }) => ({
    service,
    main: [undefined, generation].includes(generationOf({ main })) ? main : undefined,
    rollBacks: rollBacks.filter(({ item }) => isOfIt(item.name)),
  }));
}

/** Of the input of any execution, ours or not. */
const subject = z
  .object({
    username: z.string().optional().catch(undefined),
    human_user_id: z.string().optional().catch(undefined),
  })
  .catch({});

/** One provisioning as both services know it. */
export function summaryOf(provisioning_id: string, all: readonly Side[], now: Date): Summary {
  const sides = ofOneGeneration(all);
  const looks = sides.flatMap(({ main, rollBacks }) => [...(main === undefined ? [] : [main]), ...rollBacks]);
  const head = sides.find(({ main }) => main !== undefined)?.main ?? looks[0];
  if (head === undefined) throw new Error(`There is no execution of ${provisioning_id}.`);
  const running = looks.some(({ item }) => item.status === 'RUNNING' || item.status === 'PENDING_REDRIVE');
  const { username, human_user_id } = subjectOf(looks);
  const failures = sides.flatMap(failuresOf);
  const left = leftOf(sides, running, now);
  const user = userOf(sides);
  return {
    provisioning_id,
    ...(username === undefined ? {} : { username }),
    ...(human_user_id === undefined ? {} : { human_user_id }),
    status: head.item.status ?? 'RUNNING',
    running,
    started_at: (head.item.startDate ?? now).toISOString(),
    ...(head.item.stopDate === undefined ? {} : { stopped_at: head.item.stopDate.toISOString() }),
    failures,
    ...(user === undefined ? {} : { user }),
    left,
    roll_backs: sides.reduce((count, { rollBacks }) => count + rollBacks.length, 0),
    remedies: remediesFor(left, failures),
  };
}

function subjectOf(looks: readonly Look[]): z.infer<typeof subject> {
  for (const { execution } of looks) {
    if (execution?.input === undefined) continue;
    const found = subject.parse(JSON.parse(execution.input));
    if (found.username !== undefined) return found;
  }
  return {};
}

/** Why it failed there, and why it could not be undone. */
function failuresOf({ service, main, rollBacks }: Side): Failure[] {
  return [main, rollBacks.at(-1)].flatMap((look) => {
    const failure = look?.execution === undefined ? undefined : failureOf(look.execution);
    const report = look?.execution === undefined ? undefined : statusOfLook(look.execution, service).error;
    return failure === undefined || report === undefined
      ? []
      : [{ ...report, service, error: failure.error }];
  });
}

const statusOfLook = (execution: DescribeExecutionOutput, service: Service) =>
  statusOf(
    { ...execution, parsedInput: { provisioning_id: execution.name ?? '', ...cancellationIn(execution) } },
    cleanOutcomes[service],
  );

/** Whether an execution is no creation, but a cancellation that took the name. */
const cancellationIn = ({ input = '{}' }: DescribeExecutionOutput): { cancelled?: true | undefined } =>
  z
    .object({ cancelled: z.literal(true).optional() })
    .catch({})
    .parse(JSON.parse(input));

/**
 * Whether an execution that has succeeded, and was not read, may be one of an earlier generation: another service's has
 * not succeeded.
 */
export const isDoubtful = ({ item, execution }: Look, all: readonly Side[]): boolean =>
  item.status === 'SUCCEEDED' &&
  execution === undefined &&
  all.some(({ main }) => !['RUNNING', 'SUCCEEDED', undefined].includes(main?.item.status));

/** Whether the user is there according to a service; `undefined` while that is not known. */
function presenceAt({ service, main, rollBacks }: Side, all: readonly Side[]): UserPresence | undefined {
  const latest = rollBacks.at(-1);
  if (latest !== undefined) {
    if (latest.item.status === 'SUCCEEDED') return 'absent';
    if (latest.item.status === 'RUNNING') return 'being_removed';
    if (latest.execution === undefined) return undefined;
    return isFailedWith(latest.execution, [OUTCOME_NOT_PUBLISHED]) ? 'absent' : 'being_removed';
  }
  if (main === undefined || main.item.status === 'RUNNING') return 'unknown';
  if (isDoubtful(main, all)) return undefined;
  if (main.item.status === 'SUCCEEDED') return 'present';
  return main.execution === undefined ? undefined : statusOfLook(main.execution, service).user;
}

/** The user lives at App2, so what App2 says weighs more; one that is being removed anywhere is not there for good. */
function userOf(sides: readonly Side[]): UserPresence | undefined {
  const seen = sides.map((side) => presenceAt(side, sides));
  if (seen.includes(undefined)) return undefined;
  if (seen.includes('being_removed')) return 'being_removed';
  return seen.findLast((one) => one !== 'unknown') ?? 'unknown';
}

function leftOf(sides: readonly Side[], running: boolean, now: Date): LeftBehind {
  if (running) return 'nothing';
  const seen = sides.map((side) => presenceAt(side, sides));
  if (seen.includes(undefined)) return 'unknown';
  const left = leftAfter(sides, seen);
  // Its roll-back begins by itself.
  return left !== 'nothing' && now.getTime() - lastEnd(sides) < GRACE ? 'nothing' : left;
}

function leftAfter(sides: readonly Side[], seen: readonly (UserPresence | undefined)[]): LeftBehind {
  // Who asked App2 past App1 has only what App2 says.
  const [first] = sides;
  const atOne = sides.length === 1 || (first?.main === undefined && first?.rollBacks.length === 0);
  const wanted = seen[0] === 'present' || atOne;
  if (seen.includes('being_removed') || (!wanted && seen.includes('present'))) return 'user';
  const untold = sides.some((side) => {
    const end = side.rollBacks.at(-1)?.execution ?? side.main?.execution;
    return end !== undefined && isFailedWith(end, [OUTCOME_NOT_PUBLISHED]);
  });
  return untold ? 'announcement' : 'nothing';
}

const lastEnd = (sides: readonly Side[]): number =>
  Math.max(
    ...sides.flatMap(({ main, rollBacks }) =>
      [main, ...rollBacks].map((look) => look?.item.stopDate?.getTime() ?? 0),
    ),
  );

/** Whether nothing certain can be said of it before it was looked up. */
export const isUnclear = ({ item, execution }: Look): boolean =>
  execution === undefined && !['RUNNING', 'SUCCEEDED'].includes(item.status ?? '');

const remediesOfLeft: Partial<Record<LeftBehind, string>> = {
  user: 'A user may be left behind. The sweep starts the next roll-back by itself; if roll-backs keep failing, put right what the latest one says, and the next one removes the user.',
  announcement:
    'No user is left, but the event that says so was not published. The sweep publishes it; if it keeps failing, look at the event bus and the right to publish on it.',
};

function remediesFor(left: LeftBehind, failures: readonly Failure[]): string[] {
  const urgent = remediesOfLeft[left];
  const permissions = failures.map(remedyOfRights);
  const operator = failures.map((failure) => {
    const part = operatorsPart(failure);
    return part === undefined ? undefined : `The operator: ${part}`;
  });
  const all = [urgent, ...permissions, ...failures.map(({ remedy }) => remedy), ...operator];
  return [...new Set(all.filter((remedy) => remedy !== undefined))];
}
