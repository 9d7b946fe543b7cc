import { eventSources } from '../../../contracts/events/catalogue.ts';
import { sequenceViolations } from '../../../contracts/events/sequences.ts';
import { readEvent } from '../../../contracts/events/subscriber.ts';
import { cancelledCreationInput } from '../../../contracts/executions.ts';
import { cleanOutcomes } from '../../../contracts/outcomes.ts';
import { type ProvisioningStatus, provisioningStatus } from '../../../contracts/status.ts';
import type { PublishedEvent, SeenUser } from '../../../local/system.ts';
import { system } from '../../e2e/support/deployed.ts';
import { writtenSince } from '../../e2e/support/written.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { secretFinder } from '../../support/secret-finder.ts';
import { LOOK_EVERY } from './at-once.ts';
import { falseClaims } from './claims.ts';
import { attempts, execution, rollBackOf } from './executions.ts';
import { changesOf, type ForeignUser, stampedUsers } from './pool.ts';
import { changedRepeats } from './repeats.ts';

/**
 * The oracle: whether the invariants I1-I6 and I8 hold for a provisioning, by what an outsider can read and nothing else:
 * the status API, the pool, the buses, the executions and the logs.
 */

/** A provisioning that was asked for. */
export interface Asked {
  id: string;
  /** Its generation, where the case has several of one id. */
  creation_id?: string;
  username: string;
  password: string;
  human_user_id: string;
}

/** What a case allows, because it is about that. */
export interface Allowance {
  /** Longest time until the provisioning has ended, in milliseconds. */
  within?: number;
  /** The bus of a service took no events at the end, so that service could not say why. */
  silent?: boolean;
  /** The rule on status changes did not work, so a roll-back may begin later than at once. */
  rollBackLater?: boolean;
  /** Somebody deleted the user, or put another one in its place, so a good end may be without it. */
  replaced?: boolean;
}

/** Longest time from a bad end to the begin of its roll-back, in milliseconds. */
const ROLL_BACK_BEGINS_WITHIN = 15_000;

/** The status once a provisioning has ended: it is not RUNNING and its user is not being removed. */
export async function endOf(id: string, within = 120_000): Promise<ProvisioningStatus> {
  return eventually(
    async () => {
      const answer = await system.status(id);
      if (answer.status !== 200)
        throw new Error(`App1 answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
      const status = provisioningStatus.parse(answer.body);
      if (status.status === 'RUNNING' || status.user === 'being_removed')
        throw new Error(`The provisioning ${id} has not ended: ${status.status}, ${status.user}.`);
      return status;
    },
    within,
    LOOK_EVERY,
  );
}

/** Waits until no roll-back is at work: one that only has to announce tells nothing by the status. */
async function rolledBack(id: string, within = 120_000): Promise<void> {
  await eventually(
    async () => {
      const all = await Promise.all(Object.values(rollBackOf).map((machine) => attempts(machine, id)));
      if (all.flat().some(({ status }) => status === 'RUNNING'))
        throw new Error(`${id} is being rolled back.`);
    },
    within,
    LOOK_EVERY,
  );
}

/** Everything that contradicts the invariants about a provisioning that was accepted; empty when they hold. */
export async function violations(asked: Asked, allowed: Allowance = {}): Promise<string[]> {
  const status = await endOf(asked.id, allowed.within).catch((error: unknown) => String(error));
  if (typeof status === 'string') return [`I6: ${status}`];
  await rolledBack(asked.id, allowed.within);
  const found =
    status.status === 'SUCCEEDED' && status.user === 'present'
      ? await violationsOfGoodEnd(asked, status, allowed)
      : await violationsOfBadEnd(asked, status, allowed);
  return [
    ...found,
    ...(await brokenStories(asked, status.started_at, allowed)),
    ...(await lateRollBacks(asked.id, allowed)),
    ...falseClaims(asked.id),
  ];
}

/** Whether the pool's user was made by a provisioning. */
const isUserOf = (user: SeenUser | undefined, { id, creation_id }: Asked): boolean =>
  user?.attributes['custom:provisioning_id'] === id &&
  (creation_id === undefined || user.attributes['custom:creation_id'] === creation_id);

/** I1: the user exists, CONFIRMED, with the caller's password, in its group, and the events say so. */
async function violationsOfGoodEnd(
  asked: Asked,
  { started_at }: ProvisioningStatus,
  { replaced = false }: Allowance,
): Promise<string[]> {
  const { id, username, password, human_user_id } = asked;
  const said = await missing(asked, started_at, {
    app1: ['ServiceUserProvisioned'],
    app2: ['ServiceUserCreated'],
  });
  const user = await system.user(username);
  if (replaced && !isUserOf(user, asked)) return said;
  const found = said;
  if (user === undefined) return [`I1: ${id} succeeded, but there is no user ${username}.`];
  if (user.status !== 'CONFIRMED' || !user.enabled) found.push(`I1: ${username} is ${user.status}.`);
  if (!isUserOf(user, asked)) found.push(`I1: ${username} carries another stamp.`);
  if (user.attributes['custom:human_user_id'] !== human_user_id)
    found.push(`I1: ${username} belongs to another human user.`);
  if (user.groups.join() !== 'service-user') found.push(`I1: ${username} is in groups [${user.groups}].`);
  const signIn = await system.signIn(username, password).catch((error: unknown) => error);
  if (typeof signIn !== 'string') found.push(`I1: ${username} cannot sign in: ${String(signIn)}`);
  return found;
}

/** Events that say for each service how a provisioning without a user ended. */
const BAD_ENDS = {
  app1: ['ServiceUserProvisioningFailed', 'ServiceUserProvisioningCancelled', 'ServiceUserDeprovisioned'],
  app2: [
    'ServiceUserCreationRejected',
    'ServiceUserCreationRolledBack',
    'ServiceUserCreationCancelled',
    'ServiceUserRemoved',
  ],
};

/** I2: no user of this provisioning exists, and an event of each service that had begun says why. */
async function violationsOfBadEnd(
  asked: Asked,
  status: ProvisioningStatus,
  { silent = false }: Allowance,
): Promise<string[]> {
  const { id, username } = asked;
  const found: string[] = [];
  const user = await system.user(username);
  if (isUserOf(user, asked))
    found.push(`I2: ${id} ended as ${status.status}, ${status.user}, but ${username} exists.`);
  if (status.status !== 'SUCCEEDED' && status.error === undefined)
    found.push(`I2: ${id} ended as ${status.status} without an error.`);
  const creation = await execution('CreateServiceUser', id);
  // A cancellation that came before the request has taken its name; nothing was begun.
  const begun =
    creation !== undefined &&
    !cancelledCreationInput.safeParse(jsonOf(creation.input)).success &&
    (asked.creation_id === undefined ||
      (await system.generationOf('CreateServiceUser', id)) === asked.creation_id);
  const app2 = begun ? BAD_ENDS.app2 : [];
  if (!silent) found.push(...(await missing(asked, status.started_at, { app1: BAD_ENDS.app1, app2 })));
  return found;
}

const jsonOf = (text = 'null'): unknown => JSON.parse(text);

/** What was published of a provisioning since it began; of its generation, where there are several. */
async function eventsOf({ id, creation_id }: Asked, startedAt: string): Promise<PublishedEvent[]> {
  const events = await system.events(id, new Date(startedAt));
  return events.filter(
    ({ detail: { metadata } }) => creation_id === undefined || metadata.creation_id === creation_id,
  );
}

/** Which service has published none of these as its last fact. */
async function missing(
  asked: Asked,
  startedAt: string,
  wanted: { app1: string[]; app2: string[] },
): Promise<string[]> {
  const check = async (): Promise<string[]> => {
    const events = await eventsOf(asked, startedAt);
    return [
      ...notLast('app1.provisioning', wanted.app1, events),
      ...notLast('app2.service-users', wanted.app2, events),
    ];
  };
  // The last event may still be on its way to the log.
  return eventually(
    async () => {
      const found = await check();
      if (found.length > 0) throw new Error(found.join('; '));
      return found;
    },
    10_000,
    LOOK_EVERY,
  ).catch(check);
}

function notLast(source: string, wanted: string[], events: PublishedEvent[]): string[] {
  const last = events
    .filter((event) => event.source === source)
    .sort((a, b) => a.detail.metadata.sequence - b.detail.metadata.sequence)
    .at(-1);
  const name = last?.['detail-type'] ?? 'nothing';
  if (wanted.length === 0 || wanted.includes(name)) return [];
  return [`I1/I2: the last fact of ${source} is ${name}, not ${wanted.join(' or ')}.`];
}

/** Events that are not as they were published to be, repeats that say something else, and unknown stories. */
async function brokenStories(
  asked: Asked,
  startedAt: string,
  { silent = false }: Allowance,
): Promise<string[]> {
  const events = (await eventsOf(asked, startedAt)).map((event) => readEvent(event));
  const unknown = Object.values(eventSources).flatMap((source) => {
    const places = new Map(
      events
        .filter((event) => event.source === source)
        .map((event) => [event.detail.metadata.sequence, event['detail-type']]),
    );
    const facts = [...places].sort(([one], [other]) => one - other).map(([, name]) => name);
    const faults = sequenceViolations(facts, { finished: facts.length > 0 && !silent });
    return faults.map((fault) => `Events of ${source} about ${asked.id}: ${fault}`);
  });
  return [...unknown, ...changedRepeats(events)];
}

/** I2: what did not end cleanly is rolled back at once. */
async function lateRollBacks(id: string, { rollBackLater = false }: Allowance): Promise<string[]> {
  if (rollBackLater) return [];
  const late = await Promise.all(
    (['ProvisionServiceUser', 'CreateServiceUser'] as const).map(async (machine) => {
      const ended = await execution(machine, id);
      if (ended === undefined || !needsRollBack(machine, ended)) return [];
      const [first] = await attempts(rollBackOf[machine], id);
      const waited =
        (first?.startDate?.getTime() ?? Number.POSITIVE_INFINITY) - (ended.stopDate?.getTime() ?? 0);
      return waited > ROLL_BACK_BEGINS_WITHIN
        ? [`I2: the roll-back of ${machine} ${id} began ${waited} ms after its end.`]
        : [];
    }),
  );
  return late.flat();
}

function needsRollBack(
  machine: keyof typeof rollBackOf,
  { status, error }: { status?: string | undefined; error?: string | undefined },
): boolean {
  const ends: readonly string[] = machine === 'CreateServiceUser' ? cleanOutcomes.app2 : cleanOutcomes.app1;
  const clean = status === 'SUCCEEDED' || (status === 'FAILED' && ends.includes(error ?? ''));
  // Nothing was begun, so there is nothing to roll back.
  return !clean && status !== 'RUNNING';
}

/** I2 again, for all provisionings together and long after: users that came back, or came late. */
export async function risenUsers(
  ended: (Pick<Asked, 'id' | 'creation_id'> & { user: string })[],
): Promise<string[]> {
  const stamped = await stampedUsers();
  return ended.flatMap(({ id, creation_id, user }) => {
    const users = (stamped.get(id) ?? []).filter(
      (one) => creation_id === undefined || one.creation_id === creation_id,
    );
    return user === 'absent' && users.length > 0
      ? [`I2: ${id} ended without a user, but ${users.map(({ username }) => username)} carry its stamp.`]
      : [];
  });
}

/** I3: what is different about users that no provisioning made. */
export async function touchedUsers(foreign: ForeignUser[]): Promise<string[]> {
  return (await Promise.all(foreign.map(changesOf))).flat().map((change) => `I3: ${change}`);
}

/** I5: which passwords can be read, in any form, in what was written since: executions, logs and events. */
export async function readableSecrets(all: Asked[], since: Date): Promise<string[]> {
  const find = secretFinder(Object.fromEntries(all.map(({ id, password }) => [id, password])));
  const found = new Set<string>();
  for await (const { place, text } of writtenSince(since))
    for (const { secret, form } of find(place, text))
      found.add(`I5: the password of ${secret} can be read in ${place} (${form}).`);
  return [...found];
}
