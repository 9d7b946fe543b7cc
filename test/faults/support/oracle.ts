import * as z from 'zod';
import { sourceOf } from '../../../contracts/events/catalogue.ts';
import { sequenceViolations } from '../../../contracts/events/sequences.ts';
import { readEvent } from '../../../contracts/events/subscriber.ts';
import { cancelledCreationInput } from '../../../contracts/executions.ts';
import { cleanOutcomes, targetOutcome } from '../../../contracts/outcomes.ts';
import { APP1 } from '../../../contracts/services.ts';
import { type ProvisioningStatus, provisioningStatus } from '../../../contracts/status.ts';
import type { PoolUser, PublishedEvent, System } from '../../../local/system.ts';
import { writtenSince } from '../../e2e/support/written.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { secretFinder } from '../../support/secret-finder.ts';
import { allowAbsenceReports, falseAbsenceReports } from './absence-reports.ts';
import { POLL_INTERVAL_MS } from './concurrency.ts';
import { type DeployedTarget, deployedTargets, system, targetsOf } from './deployed.ts';
import { findExecution, rollBackAttempts, rollBackOf } from './executions.ts';
import { changesOf, stampedUsers, type UnrelatedUser } from './pool.ts';
import { changedRepeats } from './repeats.ts';

/**
 * The test oracle: verifies the invariants I1-I6 and I8 for a provisioning at all of its targets. It reads the status API,
 * the pools, the events, the executions and the logs, and nothing else.
 */

/** A provisioning that was requested. */
export interface Provisioning {
  id: string;
  /** Its generation, if the case has several generations of one id. */
  creation_id?: string;
  username: string;
  password: string;
  human_user_id: string;
  /** Names of its targets; without the field those at which the cases of the file provision users. */
  targets?: readonly string[];
}

/** Deviations that a case causes by itself, and that are therefore allowed. */
export interface Allowance {
  /** Longest time until the provisioning has finished, in milliseconds. */
  within?: number;
  /** The buses reject events until the sweep, so no event reports the outcome. */
  withoutEvents?: boolean;
  /** The rule on status changes does not work, so a roll-back may start later. */
  rollBackLater?: boolean;
  /** An administrator has deleted or replaced the user, so it may be missing after a success. */
  replaced?: boolean;
  /** Names of targets that were registered as gone for a time: a compensation leaves the user there. */
  gone?: readonly string[];
}

/** Longest time from a failed execution to the start of its roll-back, in milliseconds. */
const ROLL_BACK_STARTS_WITHIN = 15_000;

/** Waits until a provisioning has finished: its status is not RUNNING, and its user is not being removed. */
export async function waitForOutcome(id: string, within = 120_000): Promise<ProvisioningStatus> {
  return eventually(
    async () => {
      const response = await system.status(id);
      if (response.status !== 200)
        throw new Error(`App1 responded with ${response.status}: ${JSON.stringify(response.body)}`);
      const status = provisioningStatus.parse(response.body);
      if (status.status === 'RUNNING' || status.user === 'being_removed')
        throw new Error(`The provisioning ${id} has not finished: ${status.status}, ${status.user}.`);
      return status;
    },
    within,
    POLL_INTERVAL_MS,
  );
}

/** A state machine with executions of a provisioning, at App1 or at one of its targets. */
interface MachineAt {
  machine: keyof typeof rollBackOf;
  at: System;
}

const machinesOf = (provisioning: Provisioning): MachineAt[] => [
  { machine: 'ProvisionServiceUser', at: system },
  ...targetsOf(provisioning).map(
    (target): MachineAt => ({ machine: 'CreateServiceUser', at: target.system }),
  ),
];

/** Waits until no roll-back runs: the status does not show one that only publishes its event. */
async function waitForRollBacks(provisioning: Provisioning, within = 120_000): Promise<void> {
  const { id } = provisioning;
  await eventually(
    async () => {
      const all = await Promise.all(
        machinesOf(provisioning).map(({ machine, at }) => rollBackAttempts(rollBackOf[machine], id, at)),
      );
      if (all.flat().some(({ status }) => status === 'RUNNING'))
        throw new Error(`${id} is being rolled back.`);
    },
    within,
    POLL_INTERVAL_MS,
  );
}

/** Violations of the invariants by a provisioning that was accepted; empty if there are none. */
export async function violations(provisioning: Provisioning, allowed: Allowance = {}): Promise<string[]> {
  const status = await waitForOutcome(provisioning.id, allowed.within).catch((error: unknown) =>
    String(error),
  );
  if (typeof status === 'string') return [`I6: ${status}`];
  await waitForRollBacks(provisioning, allowed.within);
  const found =
    status.status === 'SUCCEEDED' && isPresent(status)
      ? await violationsOfSuccess(provisioning, status, allowed)
      : await violationsOfFailure(provisioning, status, allowed);
  return [
    ...found,
    ...wrongUsers(provisioning, status, allowed),
    ...(await eventViolations(provisioning, status.started_at, allowed)),
    ...(await lateRollBacks(provisioning, allowed)),
    ...(await unexplainedAbsenceReports(provisioning, allowed)),
    ...(await effectsElsewhere(provisioning, status.started_at)),
  ];
}

/** Whether the user is present, as far as the status says: a target that is gone makes the user as a whole unknown. */
const isPresent = ({ user, targets = [] }: ProvisioningStatus): boolean =>
  user === 'present' || (user === 'unknown' && targets.some((at) => at.user === 'present'));

/** I8: reports of an absent user that exists, except at a target that was registered as gone. */
async function unexplainedAbsenceReports(
  provisioning: Provisioning,
  { gone = [] }: Allowance,
): Promise<string[]> {
  if (falseAbsenceReports(provisioning.id).length > 0 && gone.length > 0)
    for (const name of await targetsGone(provisioning))
      if (gone.includes(name)) allowAbsenceReports(provisioning.id, name);
  return falseAbsenceReports(provisioning.id);
}

/** Whether a provisioning has created the user. */
const isUserOf = (user: PoolUser | undefined, { id, creation_id }: Provisioning): boolean =>
  user?.attributes['custom:provisioning_id'] === id &&
  (creation_id === undefined || user.attributes['custom:creation_id'] === creation_id);

/** I1: the user exists at each target, and the events report it. */
async function violationsOfSuccess(
  provisioning: Provisioning,
  { started_at }: ProvisioningStatus,
  { replaced = false }: Allowance,
): Promise<string[]> {
  const targets = targetsOf(provisioning);
  const expected = new Map([[sourceOf(APP1), ['ServiceUserProvisioned']]]);
  for (const { source } of targets) expected.set(source, ['ServiceUserCreated']);
  return [
    ...(await missingLastEvents(provisioning, started_at, expected)),
    ...(await Promise.all(targets.map((target) => violationsOfUser(target, provisioning, replaced)))).flat(),
  ];
}

/** I1: the user exists at a target, CONFIRMED, with the caller's password, in its group. */
async function violationsOfUser(
  { name, system: at }: DeployedTarget,
  provisioning: Provisioning,
  replaced: boolean,
): Promise<string[]> {
  const { id, username, password, human_user_id } = provisioning;
  const user = await at.user(username);
  if (replaced && !isUserOf(user, provisioning)) return [];
  if (user === undefined) return [`I1: ${id} succeeded, but there is no user ${username} at ${name}.`];
  const found: string[] = [];
  const report = (what: string) => found.push(`I1: ${username} at ${name} ${what}.`);
  if (user.status !== 'CONFIRMED' || !user.enabled) report(`is ${user.status}`);
  if (!isUserOf(user, provisioning)) report('has another ownership stamp');
  if (user.attributes['custom:human_user_id'] !== human_user_id) report('belongs to another human user');
  if (user.groups.join() !== 'service-user') report(`is in groups [${user.groups}]`);
  const signIn = await at.signIn(username, password).catch((error: unknown) => error);
  if (typeof signIn !== 'string') report(`cannot sign in: ${String(signIn)}`);
  return found;
}

/** The user at each target in a status, if it differs from the user of the whole provisioning. */
function wrongUsers(
  provisioning: Provisioning,
  { user, targets = [] }: ProvisioningStatus,
  { gone = [] }: Allowance,
): string[] {
  const { id } = provisioning;
  const names = targetsOf(provisioning).map(({ name }) => name);
  const reported = targets.map(({ target }) => target);
  if (reported.join() !== names.join())
    return [`${id} has the targets ${names}, and the status ${reported}.`];
  const goneNow = targets.filter((at) => at.user === 'gone' && gone.includes(at.target));
  // A target that is gone makes the user of the whole provisioning unknown.
  const expected = goneNow.length > 0 && user === 'unknown' ? ['present', 'absent', 'unknown'] : [user];
  const others = targets.filter((at) => !expected.includes(at.user) && !goneNow.includes(at));
  return others.map((at) => `${id} is ${user} in its status, and ${at.user} at ${at.target}.`);
}

/** The events by which each service reports the outcome of a provisioning without a user. */
const LAST_EVENTS_WITHOUT_USER = {
  app1: ['ServiceUserProvisioningFailed', 'ServiceUserProvisioningCancelled', 'ServiceUserDeprovisioned'],
  app2: [
    'ServiceUserCreationRejected',
    'ServiceUserCreationRolledBack',
    'ServiceUserCreationCancelled',
    'ServiceUserRemoved',
  ],
};

/** I2: no user of this provisioning exists, and an event of each service that took part reports the reason. */
async function violationsOfFailure(
  provisioning: Provisioning,
  status: ProvisioningStatus,
  { withoutEvents = false, gone = [] }: Allowance,
): Promise<string[]> {
  const { id, username } = provisioning;
  const found: string[] = [];
  const unchecked = (await targetsGone(provisioning, status.started_at)).filter((name) =>
    gone.includes(name),
  );
  const expected = new Map([[sourceOf(APP1), LAST_EVENTS_WITHOUT_USER.app1]]);
  for (const { name, source, system: at } of targetsOf(provisioning)) {
    if (unchecked.includes(name)) continue;
    if (isUserOf(await at.user(username), provisioning))
      found.push(
        `I2: ${id} finished as ${status.status}, ${status.user}, but ${username} exists at ${name}.`,
      );
    if (await hasStartedAt(at, provisioning)) expected.set(source, LAST_EVENTS_WITHOUT_USER.app2);
  }
  if (status.status !== 'SUCCEEDED' && status.error === undefined)
    found.push(`I2: ${id} finished as ${status.status} without an error.`);
  if (!withoutEvents) found.push(...(await missingLastEvents(provisioning, status.started_at, expected)));
  return found;
}

/** Names of the targets that the last compensation of a provisioning found registered as gone, by its event. */
export async function targetsGone(provisioning: Provisioning, startedAt?: string): Promise<string[]> {
  const outcomes = (await eventsOf(provisioning, startedAt ?? new Date(0).toISOString()))
    .filter(({ source }) => source === sourceOf(APP1))
    .sort((a, b) => a.detail.metadata.sequence - b.detail.metadata.sequence)
    .flatMap(({ detail }) => aboutTargets.parse(detail.data).outcomes ?? []);
  return outcomes.flatMap(({ target, user }) => (user === 'gone' ? [target] : []));
}

/**
 * Whether the creation has started at a target. A cancellation that arrived before the request has used the name of the
 * execution; then the creation has not started.
 */
async function hasStartedAt(at: System, { id, creation_id }: Provisioning): Promise<boolean> {
  const creation = await findExecution('CreateServiceUser', id, at);
  return (
    creation !== undefined &&
    !cancelledCreationInput.safeParse(jsonOf(creation.input)).success &&
    (creation_id === undefined || (await at.generationOf('CreateServiceUser', id)) === creation_id)
  );
}

const jsonOf = (text = 'null'): unknown => JSON.parse(text);

/** Events of a provisioning since its start, at App1 and its targets; if it has several generations, those of its own. */
async function eventsOf(provisioning: Provisioning, startedAt: string): Promise<PublishedEvent[]> {
  const { id, creation_id } = provisioning;
  const found = await Promise.all(
    targetsOf(provisioning).map(async ({ source, system: at }, n) => {
      const events = await at.events(id, new Date(startedAt));
      return n === 0 ? events : events.filter((event) => event.source === source);
    }),
  );
  return found
    .flat()
    .filter(({ detail: { metadata } }) => creation_id === undefined || metadata.creation_id === creation_id);
}

/** Services whose last event is none of the expected ones, which are listed by source. */
async function missingLastEvents(
  provisioning: Provisioning,
  startedAt: string,
  expected: ReadonlyMap<string, readonly string[]>,
): Promise<string[]> {
  const check = async (): Promise<string[]> => {
    const events = await eventsOf(provisioning, startedAt);
    return [...expected].flatMap(([source, names]) => unexpectedLastEvent(source, names, events));
  };
  // The last event may not have reached the log yet.
  return eventually(
    async () => {
      const found = await check();
      if (found.length > 0) throw new Error(found.join('; '));
      return found;
    },
    10_000,
    POLL_INTERVAL_MS,
  ).catch(check);
}

function unexpectedLastEvent(
  source: string,
  expected: readonly string[],
  events: PublishedEvent[],
): string[] {
  const last = events
    .filter((event) => event.source === source)
    .sort((a, b) => a.detail.metadata.sequence - b.detail.metadata.sequence)
    .at(-1);
  const name = last?.['detail-type'] ?? 'none';
  if (expected.includes(name)) return [];
  return [`I1/I2: the last event of ${source} is ${name}, not ${expected.join(' or ')}.`];
}

/** Events that violate their schema, duplicates with different content, and event sequences that are not allowed. */
async function eventViolations(
  provisioning: Provisioning,
  startedAt: string,
  { withoutEvents = false, gone = [] }: Allowance,
): Promise<string[]> {
  const published = await eventsOf(provisioning, startedAt);
  const events = published.map((event) => readEvent(event));
  const sources = [sourceOf(APP1), ...targetsOf(provisioning).map(({ source }) => source)];
  const invalidSequences = sources.flatMap((source) => {
    const bySequence = new Map(
      events
        .filter((event) => event.source === source)
        .map((event) => [event.detail.metadata.sequence, event['detail-type']]),
    );
    const names = [...bySequence].sort(([a], [b]) => a - b).map(([, name]) => name);
    const found = sequenceViolations(names, { finished: names.length > 0 && !withoutEvents });
    return found.map((violation) => `Events of ${source} about ${provisioning.id}: ${violation}`);
  });
  const names = targetsOf(provisioning).map(({ name }) => name);
  const wrongTargets = published
    .filter(({ source }) => source === sourceOf(APP1))
    .flatMap((event) => targetViolations(event, names, gone));
  return [...invalidSequences, ...wrongTargets, ...changedRepeats(events)];
}

/** The fields of App1's events about the targets of a provisioning. */
const aboutTargets = z.looseObject({
  targets: z.array(z.string()),
  outcomes: z.array(targetOutcome).optional(),
  failure: z.looseObject({ target: z.string().optional() }).optional(),
  compensation_failure: z.looseObject({ target: z.string().optional() }).optional(),
});

/** What an event of App1 reports about the targets, and that is not possible. */
function targetViolations(
  { 'detail-type': event, detail: { data, metadata } }: PublishedEvent,
  names: readonly string[],
  gone: readonly string[],
): string[] {
  const { targets, outcomes, failure, compensation_failure } = aboutTargets.parse(data);
  const found: string[] = [];
  if (targets.join() !== names.join()) found.push(`has the targets ${targets}, not ${names}`);
  if (failure?.target !== undefined && !names.includes(failure.target))
    found.push(`reports a failure at ${failure.target}`);
  if (outcomes !== undefined) {
    if (outcomes.map(({ target }) => target).join() !== names.join())
      found.push(`has the outcomes ${JSON.stringify(outcomes)}`);
    const claimed = outcomes.filter(({ target, user }) => user === 'gone' && !gone.includes(target));
    if (claimed.length > 0) found.push(`reports ${claimed.map(({ target }) => target)} as gone`);
    const remaining = outcomes.flatMap(({ target, user }) => (user === 'unknown' ? [target] : []));
    const isRollBackFailed = event === 'ServiceUserProvisioningRollBackFailed';
    if (isRollBackFailed !== remaining.length > 0) found.push(`has the outcomes ${JSON.stringify(outcomes)}`);
    if (compensation_failure?.target !== undefined && !remaining.includes(compensation_failure.target))
      found.push(`reports a failed compensation at ${compensation_failure.target}`);
  }
  return found.map((violation) => `${event} of ${metadata.provisioning_id} ${violation}.`);
}

/** I2: the roll-back of an outcome that is not clean starts at once. */
async function lateRollBacks(
  provisioning: Provisioning,
  { rollBackLater = false }: Allowance,
): Promise<string[]> {
  if (rollBackLater) return [];
  const { id } = provisioning;
  const late = await Promise.all(
    machinesOf(provisioning).map(async ({ machine, at }) => {
      const execution = await findExecution(machine, id, at);
      if (execution === undefined || !needsRollBack(machine, execution)) return [];
      const [first] = await rollBackAttempts(rollBackOf[machine], id, at);
      const delay =
        (first?.startDate?.getTime() ?? Number.POSITIVE_INFINITY) - (execution.stopDate?.getTime() ?? 0);
      return delay > ROLL_BACK_STARTS_WITHIN
        ? [`I2: the roll-back of ${machine} ${id} started ${delay} ms after the execution had finished.`]
        : [];
    }),
  );
  return late.flat();
}

function needsRollBack(
  machine: keyof typeof rollBackOf,
  { status, error }: { status?: string | undefined; error?: string | undefined },
): boolean {
  const clean: readonly string[] = machine === 'CreateServiceUser' ? cleanOutcomes.app2 : cleanOutcomes.app1;
  const isClean = status === 'SUCCEEDED' || (status === 'FAILED' && clean.includes(error ?? ''));
  return !isClean && status !== 'RUNNING';
}

/** I3: users, executions and events of a provisioning at a target that it did not name. */
async function effectsElsewhere(provisioning: Provisioning, startedAt: string): Promise<string[]> {
  const { id, username } = provisioning;
  const named = targetsOf(provisioning);
  const found = await Promise.all(
    deployedTargets.map(async (target) => {
      if (named.includes(target)) return [];
      const { name, source, system: other } = target;
      const user = await other.user(username);
      const creation = await other.executionStatus('CreateServiceUser', id);
      const events = (await other.events(id, new Date(startedAt))).filter((event) => event.source === source);
      return [
        ...(user === undefined ? [] : [`the user ${username}`]),
        ...(creation === undefined ? [] : [`an execution of CreateServiceUser, ${creation}`]),
        ...events.map((event) => event['detail-type']),
      ].map((effect) => `I3: ${name}, which ${id} does not name, has ${effect}.`);
    }),
  );
  return found.flat();
}

/** I2 and I3 for all provisionings together, after all cases: users that appeared late or again, or at another target. */
export async function reappearedUsers(
  finished: (Pick<Provisioning, 'id' | 'creation_id' | 'targets'> & { user: string })[],
): Promise<string[]> {
  const found = await Promise.all(
    deployedTargets.map(async (target) => {
      const { name } = target;
      const stamped = await stampedUsers(target);
      return finished.flatMap((provisioning) => {
        const { id, creation_id, user } = provisioning;
        const users = stamped.get(id) ?? [];
        if (!targetsOf(provisioning).includes(target))
          return users.length > 0 ? [`I3: a user of ${id} exists at ${name}.`] : [];
        const its = users.filter((found) => creation_id === undefined || found.creation_id === creation_id);
        return user === 'absent' && its.length > 0
          ? [
              `I2: ${id} finished without a user, but ${its.map(({ username }) => username)} have its ownership stamp at ${name}.`,
            ]
          : [];
      });
    }),
  );
  return found.flat();
}

/** I3: changes of users that no provisioning has created. */
export async function changedUsers(unrelatedUsers: UnrelatedUser[]): Promise<string[]> {
  return (await Promise.all(unrelatedUsers.map(changesOf))).flat().map((change) => `I3: ${change}`);
}

/** I5: passwords that are readable, in any encoding, in executions, logs and events since a time. */
export async function readableSecrets(all: Provisioning[], since: Date): Promise<string[]> {
  const find = secretFinder(Object.fromEntries(all.map(({ id, password }) => [id, password])));
  const found = new Set<string>();
  for await (const { location, text } of writtenSince(since))
    for (const { secret, form } of find(location, text))
      found.add(`I5: the password of ${secret} is readable in ${location} (${form}).`);
  return [...found];
}
