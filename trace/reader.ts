import type { DescribeExecutionOutput, HistoryEvent } from '@aws-sdk/client-sfn';
import { timeLimits } from '../contracts/time-limits.ts';
import { executionArn } from '../handlers/shared/executions.ts';
import {
  attemptIn,
  type Generation,
  partsOfRollBackName,
  provisioningIdIn,
  rollBackName,
} from '../handlers/shared/roll-back-names.ts';
import { failureOf } from '../handlers/shared/status.ts';
import { auditEventsOf } from './audit.ts';
import type { Aws } from './aws.ts';
import type { Connection, ServiceThere } from './connect.ts';
import { graphOf } from './definition.ts';
import { explain } from './explain.ts';
import { tracedSteps } from './history.ts';
import type { Detail, Execution, Graph, Listing, Summary } from './model.ts';
import {
  GRACE,
  generationOf,
  isDoubtful,
  isUnclear,
  type Look,
  ofOneGeneration,
  type Side,
  summaryOf,
} from './provisioning.ts';
import { readable } from './shorten.ts';

/** Reads provisionings, and remembers what cannot change any more: AWS allows few look-ups. */

const HOUR = 3_600_000;
/** What is left behind is looked for at least this far back. */
const LEAST_HOURS = timeLimits.provisioning / 3600;
/** App1's execution begins before App2's: so that neither is missing at the edge of the time. */
const EDGE = 15 * 60_000;
const MOST_EXECUTIONS = 2000;
const MOST_EVENTS = 5000;
/** Look-ups that may be saved up while nobody looks. */
const BURST_SECONDS = 10;
/** Logs have an event a moment after it was published. */
const LOG_DELAY = 10 * 60_000;

export interface Reader {
  list(hours: number): Promise<Listing>;
  /** `undefined` when neither service has an execution of this name. */
  detail(provisioningId: string): Promise<Detail | undefined>;
}

type TargetEnvironment = Pick<Connection, 'where' | 'services' | 'lookUpsPerSecond'>;

export function readerOf(
  aws: Aws,
  { where, services, lookUpsPerSecond }: TargetEnvironment,
  now: () => Date,
): Reader {
  const executions = new Map<string, { version: string; execution: DescribeExecutionOutput }>();
  const histories = new Map<string, { version: string; events: HistoryEvent[]; more: boolean }>();
  const graphs = new Map<string, Graph>();
  /** Of roll-backs whose executions have expired, by provisioning: how else would their names be known? */
  const latestGenerations = new Map<string, string>();
  const spare = allowance(lookUpsPerSecond, now);

  function remember(rollBack: string): void {
    const parts = partsOfRollBackName(rollBack);
    // Lists come newest first.
    if (parts !== undefined && !latestGenerations.has(parts.provisioning_id))
      latestGenerations.set(parts.provisioning_id, parts.creation_id);
  }

  async function lookUp(arn: string): Promise<Look | undefined> {
    const execution = await aws.execution(arn);
    if (execution === undefined) return undefined;
    executions.set(arn, { version: versionOf(execution), execution });
    return { item: itemOf(execution), execution };
  }

  /** An execution by its ARN; one that has ended is not looked up again. */
  async function lookUpOnce(arn: string): Promise<Look | undefined> {
    const known = executions.get(arn)?.execution;
    if (known === undefined || known.status === 'RUNNING') return lookUp(arn);
    return { item: itemOf(known), execution: known };
  }

  async function sidesSince(since: Date): Promise<{ groups: Map<string, Side[]>; truncated: boolean }> {
    const groups = new Map<string, Side[]>();
    let truncated = false;
    const sideOf = (name: string, there: ServiceThere): Side => {
      const id = provisioningIdIn(name);
      const sides = groups.get(id) ?? services.map(({ service }) => ({ service, rollBacks: [] }));
      groups.set(id, sides);
      const side = sides.find(({ service }) => service === there.service);
      if (side === undefined) throw new Error(`${there.service} is not among the services.`);
      return side;
    };
    await Promise.all(
      services.flatMap((there) =>
        [there.machine, there.rollBackMachine].map(async (machine) => {
          const found = await aws.executions(machine, new Date(since.getTime() - EDGE), MOST_EXECUTIONS);
          truncated ||= found.more;
          for (const item of found.executions) {
            const look = withWhatIsKnown({ item }, executions.get(item.executionArn ?? '')?.execution);
            const side = sideOf(item.name ?? '', there);
            if (machine === there.machine) side.main = look;
            else {
              side.rollBacks.push(look);
              remember(item.name ?? '');
            }
          }
        }),
      ),
    );
    for (const side of [...groups.values()].flat())
      side.rollBacks.sort((a, b) => attemptIn(a.item.name ?? '') - attemptIn(b.item.name ?? ''));
    return { groups, truncated };
  }

  /** Looks up what is not known yet, as much as there is to spare: first what failed, then what only lacks its name. */
  async function lookUpMore(groups: Map<string, Side[]>): Promise<void> {
    const wanted = [...groups.values()].flatMap((sides) => {
      const looks = sides.flatMap(({ main, rollBacks }) => [main, rollBacks.at(-1)]);
      const present = looks.filter((look) => look !== undefined);
      const unclear = present.filter((look) => isUnclear(look) || isDoubtful(look, sides));
      const named = present.some(({ execution }) => execution !== undefined);
      return unclear.length > 0 || named ? unclear : present.slice(0, 1);
    });
    wanted.sort((a, b) => Number(isUnclear(b)) - Number(isUnclear(a)));
    await Promise.all(
      wanted.slice(0, spare.take(wanted.length)).map(async (look) => {
        const found = await lookUp(look.item.executionArn ?? '');
        if (found !== undefined) Object.assign(look, found);
      }),
    );
  }

  /** A roll-back of a provisioning that began earlier: its beginning belongs to the picture. */
  async function completeOld(groups: Map<string, Side[]>): Promise<void> {
    const old = [...groups].flatMap(([id, sides]) =>
      sides.every(({ main }) => main === undefined) ? sides.map((side) => ({ id, side })) : [],
    );
    await Promise.all(
      old.slice(0, spare.take(old.length)).map(async ({ id, side }) => {
        const there = services.find(({ service }) => service === side.service);
        if (there !== undefined) side.main = await lookUpOnce(executionArn(there.machine, id));
      }),
    );
  }

  async function sidesOf(id: string): Promise<Side[]> {
    const mains = await Promise.all(
      services.map(async ({ service, machine }): Promise<Side> => {
        return { service, main: await lookUpOnce(executionArn(machine, id)), rollBacks: [] };
      }),
    );
    const creation_id = mains.map(generationOf).find((one) => one !== undefined) ?? latestGenerations.get(id);
    if (creation_id === undefined) return mains;
    const sides = await Promise.all(
      mains.map(async (side, at) => ({
        ...side,
        rollBacks: await rollBacksOf(services[at]?.rollBackMachine ?? '', {
          provisioning_id: id,
          creation_id,
        }),
      })),
    );
    return [...ofOneGeneration(sides)];
  }

  /** Attempts are numbered without gaps. */
  async function rollBacksOf(machine: string, generation: Generation): Promise<Look[]> {
    const found: Look[] = [];
    for (;;) {
      const next = await lookUpOnce(executionArn(machine, rollBackName(generation, found.length + 1)));
      if (next === undefined) return found;
      found.push(next);
    }
  }

  async function graphFor(arn: string, undoes: boolean): Promise<Graph> {
    const known = graphs.get(arn);
    if (known !== undefined) return known;
    const graph = graphOf(await aws.definition(arn), undoes);
    graphs.set(arn, graph);
    return graph;
  }

  async function historyOf(arn: string, version: string): Promise<{ events: HistoryEvent[]; more: boolean }> {
    const known = histories.get(arn);
    if (known?.version === version) return known;
    const found = await aws.history(arn, MOST_EVENTS);
    // Reading lags: only one that has come to its end is whole.
    if (/^Execution(Succeeded|Failed|Aborted|TimedOut)$/.test(found.events.at(-1)?.type ?? ''))
      histories.set(arn, { version, ...found });
    return found;
  }

  async function executionOf(
    { service }: Side,
    { item, execution }: Look,
    rollBack: boolean,
  ): Promise<Execution> {
    const arn = item.executionArn ?? '';
    const [graph, history] = await Promise.all([
      graphFor(arn, rollBack),
      historyOf(arn, versionOf(execution ?? item)),
    ]);
    const failure = execution === undefined ? undefined : failureOf(execution);
    const machine = arn.split(':').at(-2) ?? '';
    return {
      id: `${machine}/${item.name}`,
      service,
      machine,
      name: item.name ?? '',
      roll_back: rollBack,
      status: item.status ?? 'RUNNING',
      started_at: (item.startDate ?? now()).toISOString(),
      ...(item.stopDate === undefined ? {} : { stopped_at: item.stopDate.toISOString() }),
      ...(execution?.error === undefined ? {} : { error: execution.error }),
      ...(execution?.cause === undefined ? {} : { cause: readable(execution.cause) }),
      ...(failure === undefined ? {} : { failure: explain(failure) }),
      input: readable(execution?.input),
      output: readable(execution?.output),
      redrives: item.redriveCount ?? 0,
      graph,
      steps: tracedSteps(history.events, graph),
      truncated: history.more,
    };
  }

  return {
    async list(hours) {
      const at = now();
      const { groups, truncated } = await sidesSince(
        new Date(at.getTime() - Math.max(hours, LEAST_HOURS) * HOUR),
      );
      await lookUpMore(groups);
      await completeOld(groups);
      const all = [...groups]
        .map(([id, sides]) => summaryOf(id, sides, at))
        .sort((a, b) => b.started_at.localeCompare(a.started_at));
      const within = ({ started_at, stopped_at }: Summary, of: number) =>
        Date.parse(stopped_at ?? started_at) >= at.getTime() - of * HOUR;
      return {
        now: at.toISOString(),
        where,
        services: services.map(({ service }) => service),
        hours,
        headline: {
          failed_last_hour: all.filter((one) => isFailed(one) && within(one, 1)).length,
          running: all.filter(({ running }) => running).length,
          left_behind: all.filter(({ left }) => left === 'user' || left === 'announcement').length,
        },
        // What runs, and what is left behind, is shown however old it is.
        provisionings: all.filter(
          (one) => within(one, hours) || one.running || one.left === 'user' || one.left === 'announcement',
        ),
        unread: all.filter(({ left, username }) => left === 'unknown' || username === undefined).length,
        truncated,
        pause: pauseFor(true, lookUpsPerSecond),
      };
    },

    async detail(id) {
      const sides = await sidesOf(id);
      if (sides.every(({ main, rollBacks }) => main === undefined && rollBacks.length === 0))
        return undefined;
      const at = now();
      const summary = summaryOf(id, sides, at);
      const since = new Date(Date.parse(summary.started_at) - EDGE);
      const last = Math.max(...stopsOf(sides));
      const until = summary.running ? undefined : new Date(last + LOG_DELAY);
      const [executions, events] = await Promise.all([
        Promise.all(
          sides.flatMap((side) => [
            ...(side.main === undefined ? [] : [executionOf(side, side.main, false)]),
            ...side.rollBacks.map((look) => executionOf(side, look, true)),
          ]),
        ),
        Promise.all(
          services.map(async ({ service, eventsLog }) =>
            auditEventsOf(await aws.messages(eventsLog, id, since, until), id, service),
          ),
        ),
      ]);
      return {
        now: at.toISOString(),
        summary,
        executions,
        events: events.flat().sort((a, b) => a.occurred_at.localeCompare(b.occurred_at)),
        pause: pauseFor(summary.running || at.getTime() - last < GRACE, lookUpsPerSecond),
      };
    },
  };
}

const isFailed = ({ status }: Summary): boolean => ['FAILED', 'ABORTED', 'TIMED_OUT'].includes(status);

/** Changes when an execution ends, and when it is started again. */
const versionOf = ({ status, stopDate, redriveCount }: Look['item']): string =>
  [status, stopDate?.toISOString(), redriveCount].join(' ');

/** What was looked up before, as long as it is still so. */
function withWhatIsKnown({ item }: Look, known: DescribeExecutionOutput | undefined): Look {
  if (known === undefined) return { item };
  // Of one that has ended since, the input is still right; its end has to be looked up.
  if (versionOf(known) === versionOf(item) || item.status === 'SUCCEEDED') return { item, execution: known };
  return { item };
}

const itemOf = (execution: DescribeExecutionOutput): Look['item'] => execution;

const stopsOf = (sides: readonly Side[]): number[] =>
  sides.flatMap(({ main, rollBacks }) =>
    [main, ...rollBacks].map((look) => look?.item.stopDate?.getTime() ?? 0),
  );

/** Milliseconds until the page should ask again. */
function pauseFor(moving: boolean, lookUpsPerSecond: number): number {
  if (!moving) return 15_000;
  return Number.isFinite(lookUpsPerSecond) ? 3_000 : 1_000;
}

/** Look-ups to spare: so many in a second, saved up for a while. */
function allowance(perSecond: number, now: () => Date): { take(wanted: number): number } {
  const most = perSecond * BURST_SECONDS;
  let [left, at] = [most, now().getTime()];
  return {
    take(wanted) {
      if (!Number.isFinite(perSecond)) return wanted;
      left = Math.min(most, left + ((now().getTime() - at) / 1000) * perSecond);
      at = now().getTime();
      const taken = Math.min(wanted, Math.floor(left));
      left -= taken;
      return taken;
    },
  };
}
