import { sourceOf } from '../../../contracts/events/catalogue.ts';
import { sequenceViolations } from '../../../contracts/events/sequences.ts';
import { readEvent } from '../../../contracts/events/subscriber.ts';
import { cancelledCreationInput } from '../../../contracts/executions.ts';
import { cleanOutcomes } from '../../../contracts/outcomes.ts';
import { APP1 } from '../../../contracts/services.ts';
import { type ProvisioningStatus, provisioningStatus } from '../../../contracts/status.ts';
import type { PoolUser, PublishedEvent } from '../../../local/system.ts';
import { writtenSince } from '../../e2e/support/written.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { secretFinder } from '../../support/secret-finder.ts';
import { falseAbsenceReports } from './absence-reports.ts';
import { POLL_INTERVAL_MS } from './concurrency.ts';
import { otherTargets, system } from './deployed.ts';
import { findExecution, rollBackAttempts, rollBackOf } from './executions.ts';
import { changesOf, stampedUsers, type UnrelatedUser } from './pool.ts';
import { changedRepeats } from './repeats.ts';
import { targetSource } from './target.ts';

/**
 * The test oracle: verifies the invariants I1-I6 and I8 for a provisioning. It reads the status API, the pool, the
 * events, the executions and the logs, and nothing else.
 */

/** A provisioning that was requested. */
export interface Provisioning {
  id: string;
  /** Its generation, if the case has several generations of one id. */
  creation_id?: string;
  username: string;
  password: string;
  human_user_id: string;
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

/** Waits until no roll-back runs: the status does not show one that only publishes its event. */
async function waitForRollBacks(id: string, within = 120_000): Promise<void> {
  await eventually(
    async () => {
      const all = await Promise.all(
        Object.values(rollBackOf).map((machine) => rollBackAttempts(machine, id)),
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
  await waitForRollBacks(provisioning.id, allowed.within);
  const found =
    status.status === 'SUCCEEDED' && status.user === 'present'
      ? await violationsOfSuccess(provisioning, status, allowed)
      : await violationsOfFailure(provisioning, status, allowed);
  return [
    ...found,
    ...(await eventViolations(provisioning, status.started_at, allowed)),
    ...(await lateRollBacks(provisioning.id, allowed)),
    ...falseAbsenceReports(provisioning.id),
    ...(await effectsElsewhere(provisioning, status.started_at)),
  ];
}

/** Whether a provisioning has created the user. */
const isUserOf = (user: PoolUser | undefined, { id, creation_id }: Provisioning): boolean =>
  user?.attributes['custom:provisioning_id'] === id &&
  (creation_id === undefined || user.attributes['custom:creation_id'] === creation_id);

/** I1: the user exists, CONFIRMED, with the caller's password, in its group, and the events report it. */
async function violationsOfSuccess(
  provisioning: Provisioning,
  { started_at }: ProvisioningStatus,
  { replaced = false }: Allowance,
): Promise<string[]> {
  const { id, username, password, human_user_id } = provisioning;
  const found = await missingLastEvents(provisioning, started_at, {
    app1: ['ServiceUserProvisioned'],
    app2: ['ServiceUserCreated'],
  });
  const user = await system.user(username);
  if (replaced && !isUserOf(user, provisioning)) return found;
  if (user === undefined) return [`I1: ${id} succeeded, but there is no user ${username}.`];
  if (user.status !== 'CONFIRMED' || !user.enabled) found.push(`I1: ${username} is ${user.status}.`);
  if (!isUserOf(user, provisioning)) found.push(`I1: ${username} has another ownership stamp.`);
  if (user.attributes['custom:human_user_id'] !== human_user_id)
    found.push(`I1: ${username} belongs to another human user.`);
  if (user.groups.join() !== 'service-user') found.push(`I1: ${username} is in groups [${user.groups}].`);
  const signIn = await system.signIn(username, password).catch((error: unknown) => error);
  if (typeof signIn !== 'string') found.push(`I1: ${username} cannot sign in: ${String(signIn)}`);
  return found;
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
  { withoutEvents = false }: Allowance,
): Promise<string[]> {
  const { id, username } = provisioning;
  const found: string[] = [];
  const user = await system.user(username);
  if (isUserOf(user, provisioning))
    found.push(`I2: ${id} finished as ${status.status}, ${status.user}, but ${username} exists.`);
  if (status.status !== 'SUCCEEDED' && status.error === undefined)
    found.push(`I2: ${id} finished as ${status.status} without an error.`);
  const creation = await findExecution('CreateServiceUser', id);
  // A cancellation that arrived before the request has used the name of the execution; the creation has not started.
  const hasStarted =
    creation !== undefined &&
    !cancelledCreationInput.safeParse(jsonOf(creation.input)).success &&
    (provisioning.creation_id === undefined ||
      (await system.generationOf('CreateServiceUser', id)) === provisioning.creation_id);
  const app2 = hasStarted ? LAST_EVENTS_WITHOUT_USER.app2 : [];
  const expected = { app1: LAST_EVENTS_WITHOUT_USER.app1, app2 };
  if (!withoutEvents) found.push(...(await missingLastEvents(provisioning, status.started_at, expected)));
  return found;
}

const jsonOf = (text = 'null'): unknown => JSON.parse(text);

/** Events of a provisioning since its start; if it has several generations, those of its own. */
async function eventsOf({ id, creation_id }: Provisioning, startedAt: string): Promise<PublishedEvent[]> {
  const events = await system.events(id, new Date(startedAt));
  return events.filter(
    ({ detail: { metadata } }) => creation_id === undefined || metadata.creation_id === creation_id,
  );
}

/** Services whose last event is none of the expected ones. */
async function missingLastEvents(
  provisioning: Provisioning,
  startedAt: string,
  expected: { app1: string[]; app2: string[] },
): Promise<string[]> {
  const check = async (): Promise<string[]> => {
    const events = await eventsOf(provisioning, startedAt);
    return [
      ...unexpectedLastEvent(sourceOf(APP1), expected.app1, events),
      ...unexpectedLastEvent(targetSource, expected.app2, events),
    ];
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

function unexpectedLastEvent(source: string, expected: string[], events: PublishedEvent[]): string[] {
  const last = events
    .filter((event) => event.source === source)
    .sort((a, b) => a.detail.metadata.sequence - b.detail.metadata.sequence)
    .at(-1);
  const name = last?.['detail-type'] ?? 'none';
  if (expected.length === 0 || expected.includes(name)) return [];
  return [`I1/I2: the last event of ${source} is ${name}, not ${expected.join(' or ')}.`];
}

/** Events that violate their schema, duplicates with different content, and event sequences that are not allowed. */
async function eventViolations(
  provisioning: Provisioning,
  startedAt: string,
  { withoutEvents = false }: Allowance,
): Promise<string[]> {
  const events = (await eventsOf(provisioning, startedAt)).map((event) => readEvent(event));
  const invalidSequences = [sourceOf(APP1), targetSource].flatMap((source) => {
    const bySequence = new Map(
      events
        .filter((event) => event.source === source)
        .map((event) => [event.detail.metadata.sequence, event['detail-type']]),
    );
    const names = [...bySequence].sort(([a], [b]) => a - b).map(([, name]) => name);
    const found = sequenceViolations(names, { finished: names.length > 0 && !withoutEvents });
    return found.map((violation) => `Events of ${source} about ${provisioning.id}: ${violation}`);
  });
  return [...invalidSequences, ...changedRepeats(events)];
}

/** I2: the roll-back of an outcome that is not clean starts at once. */
async function lateRollBacks(id: string, { rollBackLater = false }: Allowance): Promise<string[]> {
  if (rollBackLater) return [];
  const late = await Promise.all(
    (['ProvisionServiceUser', 'CreateServiceUser'] as const).map(async (machine) => {
      const execution = await findExecution(machine, id);
      if (execution === undefined || !needsRollBack(machine, execution)) return [];
      const [first] = await rollBackAttempts(rollBackOf[machine], id);
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
async function effectsElsewhere({ id, username }: Provisioning, startedAt: string): Promise<string[]> {
  const found = await Promise.all(
    otherTargets.map(async ({ name, system: other }) => {
      const user = await other.user(username);
      const creation = await other.executionStatus('CreateServiceUser', id);
      const events = (await other.events(id, new Date(startedAt))).filter(
        ({ source }) => source === sourceOf(name),
      );
      return [
        ...(user === undefined ? [] : [`the user ${username}`]),
        ...(creation === undefined ? [] : [`an execution of CreateServiceUser, ${creation}`]),
        ...events.map((event) => event['detail-type']),
      ].map((effect) => `I3: ${name}, which ${id} does not name, has ${effect}.`);
    }),
  );
  return found.flat();
}

/** I2 for all provisionings together, after all cases: users that were removed and exist again, or appeared late, and users at another target. */
export async function reappearedUsers(
  finished: (Pick<Provisioning, 'id' | 'creation_id'> & { user: string })[],
): Promise<string[]> {
  const stamped = await stampedUsers();
  const elsewhere = await Promise.all(
    otherTargets.map(async ({ name, pool }) => {
      const users = await stampedUsers(pool);
      return finished.flatMap(({ id }) => (users.has(id) ? [`I3: a user of ${id} exists at ${name}.`] : []));
    }),
  );
  const reappeared = finished.flatMap(({ id, creation_id, user }) => {
    const users = (stamped.get(id) ?? []).filter(
      (stampedUser) => creation_id === undefined || stampedUser.creation_id === creation_id,
    );
    return user === 'absent' && users.length > 0
      ? [
          `I2: ${id} finished without a user, but ${users.map(({ username }) => username)} have its ownership stamp.`,
        ]
      : [];
  });
  return [...elsewhere.flat(), ...reappeared];
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
