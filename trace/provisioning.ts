import type { DescribeExecutionOutput, ExecutionListItem } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { cleanOutcomes, OUTCOME_NOT_PUBLISHED } from '../contracts/outcomes.ts';
import { APP1, kindOf } from '../contracts/services.ts';
import type { UserPresence } from '../contracts/status.ts';
import { partsOfRollBackName } from '../handlers/shared/roll-back-names.ts';
import { failureOf, isFailedWith, remainingTargets, statusOf } from '../handlers/shared/status.ts';
import { operatorRemedy, permissionRemedy } from './explain.ts';
import type { Failure, LeftBehind, Summary } from './model.ts';

/** What is known of an execution: its item of ListExecutions, and the response of DescribeExecution once it was called. */
export interface KnownExecution {
  item: Partial<
    Pick<ExecutionListItem, 'executionArn' | 'name' | 'status' | 'startDate' | 'stopDate' | 'redriveCount'>
  >;
  execution?: DescribeExecutionOutput | undefined;
}

/** A provisioning at one service. */
export interface ServiceExecutions {
  /** Name of the service. */
  service: string;
  /** Absent when the service has no execution, or it started before the period. */
  main?: KnownExecution | undefined;
  /** Roll-back attempts in their order. */
  rollBacks: KnownExecution[];
}

/** Milliseconds between a failure and the start of its roll-back. A user counts as left behind only after them. */
export const GRACE = 60_000;

const generationInput = z.object({ creation_id: z.string() });

/** The generation in the input of the execution; `undefined` while the input is not read. */
export function generationOf({ main }: Pick<ServiceExecutions, 'main'>): string | undefined {
  const input = main?.execution?.input;
  return input === undefined ? undefined : generationInput.safeParse(JSON.parse(input)).data?.creation_id;
}

/**
 * The executions of one generation of a provisioning: App1's generation, or App2's when App1 has no execution. When a
 * provisioning_id was used again after its record had expired, executions of an earlier generation can still exist.
 */
export function ofOneGeneration(sides: readonly ServiceExecutions[]): readonly ServiceExecutions[] {
  const generation = sides.map(generationOf).find((one) => one !== undefined);
  if (generation === undefined) return sides;
  const isOfGeneration = (name = '') => partsOfRollBackName(name)?.creation_id === generation;
  return sides.map(({ service, main, rollBacks }) => ({
    service,
    main: [undefined, generation].includes(generationOf({ main })) ? main : undefined,
    rollBacks: rollBacks.filter(({ item }) => isOfGeneration(item.name)),
  }));
}

/** The subject in the input of any execution, also one that was not started by a service. */
const subjectInput = z
  .object({
    username: z.string().optional().catch(undefined),
    human_user_id: z.string().optional().catch(undefined),
  })
  .catch({});

const targetsInput = z.object({ targets: z.array(z.string()) });

/** The names of the targets in an input of App1, in the order of the iterations; empty in another input. */
export const targetsIn = (input: string | undefined): readonly string[] =>
  input === undefined ? [] : (targetsInput.safeParse(JSON.parse(input)).data?.targets ?? []);

/** Summarizes the executions of a provisioning at both services. @throws Error without an execution */
export function summaryOf(provisioning_id: string, all: readonly ServiceExecutions[], now: Date): Summary {
  const sides = ofOneGeneration(all);
  const executions = sides.flatMap(({ main, rollBacks }) => [
    ...(main === undefined ? [] : [main]),
    ...rollBacks,
  ]);
  const main = sides.find(({ main }) => main !== undefined)?.main ?? executions[0];
  if (main === undefined) throw new Error(`There is no execution of ${provisioning_id}.`);
  const running = executions.some(
    ({ item }) => item.status === 'RUNNING' || item.status === 'PENDING_REDRIVE',
  );
  const { username, human_user_id } = readSubject(executions);
  const failures = sides.flatMap(failuresOf);
  const left_behind = leftBehindBy(sides, running, now);
  const targets = requestedTargets(sides);
  const user = userOf(sides, targets);
  return {
    provisioning_id,
    ...(username === undefined ? {} : { username }),
    ...(human_user_id === undefined ? {} : { human_user_id }),
    status: main.item.status ?? 'RUNNING',
    running,
    started_at: (main.item.startDate ?? now).toISOString(),
    ...(main.item.stopDate === undefined ? {} : { stopped_at: main.item.stopDate.toISOString() }),
    failures,
    ...(user === undefined ? {} : { user }),
    ...(targets.length === 0 ? {} : { targets: usersAtTargets(sides, targets) }),
    left_behind,
    roll_backs: sides.reduce((count, { rollBacks }) => count + rollBacks.length, 0),
    remedies: remediesFor(left_behind, failures),
  };
}

function readSubject(executions: readonly KnownExecution[]): z.infer<typeof subjectInput> {
  for (const { execution } of executions) {
    if (execution?.input === undefined) continue;
    const found = subjectInput.parse(JSON.parse(execution.input));
    if (found.username !== undefined) return found;
  }
  return {};
}

/** The failure of the execution at a service, and that of its latest roll-back. */
function failuresOf({ service, main, rollBacks }: ServiceExecutions): Failure[] {
  return [main, rollBacks.at(-1)].flatMap((known) => {
    const failure = known?.execution === undefined ? undefined : failureOf(known.execution);
    const report =
      known?.execution === undefined ? undefined : statusOfExecution(known.execution, service).error;
    return failure === undefined || report === undefined
      ? []
      : [{ ...report, service, error: failure.error }];
  });
}

const statusOfExecution = (execution: DescribeExecutionOutput, service: string) =>
  statusOf(
    { ...execution, parsedInput: { provisioning_id: execution.name ?? '', ...readCancellation(execution) } },
    cleanOutcomes[kindOf(service)],
  );

/** Whether an execution is a cancellation that was started under the name of the creation. */
const readCancellation = ({ input = '{}' }: DescribeExecutionOutput): { cancelled?: true | undefined } =>
  z
    .object({ cancelled: z.literal(true).optional() })
    .catch({})
    .parse(JSON.parse(input));

/**
 * Whether an execution that has succeeded and was not described may be of an earlier generation: the execution of the
 * other service has not succeeded.
 */
export const mayBeOfEarlierGeneration = (
  { item, execution }: KnownExecution,
  all: readonly ServiceExecutions[],
): boolean =>
  item.status === 'SUCCEEDED' &&
  execution === undefined &&
  all.some(({ main }) => !['RUNNING', 'SUCCEEDED', undefined].includes(main?.item.status));

/** Whether the user exists according to a service; `undefined` while that is not known. */
function presenceAt(
  { service, main, rollBacks }: ServiceExecutions,
  all: readonly ServiceExecutions[],
): UserPresence | undefined {
  const latest = rollBacks.at(-1);
  if (latest !== undefined) {
    if (latest.item.status === 'SUCCEEDED') return 'absent';
    if (latest.item.status === 'RUNNING') return 'being_removed';
    if (latest.execution === undefined) return undefined;
    return isFailedWith(latest.execution, [OUTCOME_NOT_PUBLISHED]) ? 'absent' : 'being_removed';
  }
  if (main === undefined || main.item.status === 'RUNNING') return 'unknown';
  if (mayBeOfEarlierGeneration(main, all)) return undefined;
  if (main.item.status === 'SUCCEEDED') return 'present';
  return main.execution === undefined ? undefined : statusOfExecution(main.execution, service).user;
}

/** The names of the targets, from the first execution of App1 whose input is read. */
function requestedTargets(sides: readonly ServiceExecutions[]): readonly string[] {
  const executions = sides
    .filter(({ service }) => service === APP1)
    .flatMap(({ main, rollBacks }) => [main, ...rollBacks]);
  return executions.map((known) => targetsIn(known?.execution?.input)).find(({ length }) => length > 0) ?? [];
}

/**
 * The user at each target: according to the target, which owns the user pool, or according to App1 if the target has no
 * execution, or none in this account.
 */
function usersAtTargets(
  sides: readonly ServiceExecutions[],
  targets: readonly string[],
): NonNullable<Summary['targets']> {
  const app1 = sides.find(({ service }) => service === APP1);
  const latest = app1?.rollBacks.at(-1) ?? app1?.main;
  const remaining = latest?.execution === undefined ? undefined : remainingTargets(latest.execution);
  const atApp1 = app1 === undefined ? 'unknown' : presenceAt(app1, sides);
  return targets.map((target) => {
    const side = sides.find(({ service }) => service === target);
    const atTarget = side === undefined ? 'unknown' : presenceAt(side, sides);
    const isRemoved = remaining !== undefined && !remaining.includes(target);
    const user = atTarget === 'unknown' ? (isRemoved ? 'absent' : atApp1) : atTarget;
    return { target, ...(user === undefined ? {} : { user }) };
  });
}

/**
 * Whether the user exists. The targets own the user pools, so their state has precedence, except that a removal at any
 * service has precedence. With several targets it exists, or is absent, only if that holds at each of them.
 */
function userOf(sides: readonly ServiceExecutions[], targets: readonly string[]): UserPresence | undefined {
  const presences = sides.map((side) => presenceAt(side, sides));
  if (presences.includes(undefined)) return undefined;
  if (presences.includes('being_removed')) return 'being_removed';
  if (targets.length < 2) return presences.findLast((one) => one !== 'unknown') ?? 'unknown';
  const atTargets = new Set(usersAtTargets(sides, targets).map(({ user }) => user));
  const [user] = atTargets;
  return atTargets.size === 1 && (user === 'present' || user === 'absent') ? user : 'unknown';
}

function leftBehindBy(sides: readonly ServiceExecutions[], running: boolean, now: Date): LeftBehind {
  if (running) return 'nothing';
  const seen = sides.map((side) => presenceAt(side, sides));
  if (seen.includes(undefined)) return 'unknown';
  const left = leftBehindAfterGrace(sides, seen);
  // The roll-back starts automatically.
  return left !== 'nothing' && now.getTime() - lastStopAt(sides) < GRACE ? 'nothing' : left;
}

function leftBehindAfterGrace(
  sides: readonly ServiceExecutions[],
  presences: readonly (UserPresence | undefined)[],
): LeftBehind {
  // A request that did not come through App1 has executions at App2 only.
  const [first] = sides;
  const isOnlyOneKnown = sides.length === 1 || (first?.main === undefined && first?.rollBacks.length === 0);
  const shouldExist = presences[0] === 'present' || isOnlyOneKnown;
  if (presences.includes('being_removed') || (!shouldExist && presences.includes('present'))) return 'user';
  const isUnpublished = sides.some((side) => {
    const end = side.rollBacks.at(-1)?.execution ?? side.main?.execution;
    return end !== undefined && isFailedWith(end, [OUTCOME_NOT_PUBLISHED]);
  });
  return isUnpublished ? 'event' : 'nothing';
}

const lastStopAt = (sides: readonly ServiceExecutions[]): number =>
  Math.max(
    ...sides.flatMap(({ main, rollBacks }) =>
      [main, ...rollBacks].map((known) => known?.item.stopDate?.getTime() ?? 0),
    ),
  );

/** Whether DescribeExecution is needed to know the outcome. */
export const needsDescription = ({ item, execution }: KnownExecution): boolean =>
  execution === undefined && !['RUNNING', 'SUCCEEDED'].includes(item.status ?? '');

const leftBehindRemedies: Partial<Record<LeftBehind, string>> = {
  user: 'A user may be left behind. The sweep starts the next roll-back. If roll-backs keep failing, repair the cause of the latest one; the next one removes the user.',
  event:
    'No user is left, but the event of the outcome was not published. The sweep publishes it. If it keeps failing, check the event bus and the permission to publish on it.',
};

function remediesFor(left: LeftBehind, failures: readonly Failure[]): string[] {
  const urgent = leftBehindRemedies[left];
  const permissions = failures.map(permissionRemedy);
  const operator = failures.map((failure) => {
    const part = operatorRemedy(failure);
    return part === undefined ? undefined : `For the operator: ${part}`;
  });
  const all = [urgent, ...permissions, ...failures.map(({ remedy }) => remedy), ...operator];
  return [...new Set(all.filter((remedy) => remedy !== undefined))];
}
