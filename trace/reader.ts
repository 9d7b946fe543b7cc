import type { DescribeExecutionOutput, HistoryEvent } from '@aws-sdk/client-sfn';
import { workflowNameOf } from '../contracts/services.ts';
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
import type { Connection, DeployedService } from './connect.ts';
import { parseGraph } from './definition.ts';
import { explain } from './explain.ts';
import { toSteps } from './history.ts';
import type { Detail, Execution, Graph, Listing, Summary } from './model.ts';
import {
  GRACE,
  generationOf,
  type KnownExecution,
  mayBeOfEarlierGeneration,
  needsDescription,
  ofOneGeneration,
  type ServiceExecutions,
  summaryOf,
  targetsIn,
} from './provisioning.ts';
import { parseJsonText } from './shorten.ts';

/** Reads provisionings, and caches what can no longer change: AWS limits the calls per second. */

const HOUR = 3_600_000;
/** The list covers at least this period, to find what is left behind. */
const MIN_HOURS = timeLimits.provisioning / 3600;
/** App1's execution starts before App2's. This tolerance finds both at the start of a period. In milliseconds. */
const START_TOLERANCE = 15 * 60_000;
const MAX_EXECUTIONS = 2000;
const MAX_EVENTS = 5000;
/** Seconds of calls that the token bucket can hold. */
const BURST_SECONDS = 10;
/** Milliseconds until a published event is in the log, at most. */
const LOG_DELAY = 10 * 60_000;

export interface Reader {
  list(hours: number): Promise<Listing>;
  /** `undefined` when neither service has an execution of this name. */
  detail(provisioningId: string): Promise<Detail | undefined>;
}

type ReaderOptions = Pick<Connection, 'environment' | 'services' | 'callsPerSecond'>;

export function createReader(
  aws: Aws,
  { environment, services, callsPerSecond }: ReaderOptions,
  now: () => Date,
): Reader {
  const executions = new Map<string, { version: string; execution: DescribeExecutionOutput }>();
  const histories = new Map<string, { version: string; events: HistoryEvent[]; more: boolean }>();
  const graphs = new Map<string, Graph>();
  /** The latest generation by provisioning, from names of roll-backs: needed when the executions have expired. */
  const latestGenerations = new Map<string, string>();
  const callBudget = tokenBucket(callsPerSecond, now);

  function rememberGeneration(rollBack: string): void {
    const parts = partsOfRollBackName(rollBack);
    // ListExecutions returns the latest first.
    if (parts !== undefined && !latestGenerations.has(parts.provisioning_id))
      latestGenerations.set(parts.provisioning_id, parts.creation_id);
  }

  async function describe(arn: string): Promise<KnownExecution | undefined> {
    const execution = await aws.describeExecution(arn);
    if (execution === undefined) return undefined;
    executions.set(arn, { version: versionOf(execution), execution });
    return { item: itemOf(execution), execution };
  }

  /** An execution by its ARN; one that has finished is described once. */
  async function describeOnce(arn: string): Promise<KnownExecution | undefined> {
    const known = executions.get(arn)?.execution;
    if (known === undefined || known.status === 'RUNNING') return describe(arn);
    return { item: itemOf(known), execution: known };
  }

  async function listSince(
    since: Date,
  ): Promise<{ groups: Map<string, ServiceExecutions[]>; truncated: boolean }> {
    const groups = new Map<string, ServiceExecutions[]>();
    let truncated = false;
    const executionsAt = (name: string, deployed: DeployedService): ServiceExecutions => {
      const id = provisioningIdIn(name);
      const sides = groups.get(id) ?? services.map(({ service }) => ({ service, rollBacks: [] }));
      groups.set(id, sides);
      const side = sides.find(({ service }) => service === deployed.service);
      if (side === undefined) throw new Error(`${deployed.service} is not among the services.`);
      return side;
    };
    await Promise.all(
      services.flatMap((deployed) =>
        [deployed.stateMachine, deployed.rollBackStateMachine].map(async (stateMachine) => {
          const found = await aws.listExecutions(
            stateMachine,
            new Date(since.getTime() - START_TOLERANCE),
            MAX_EXECUTIONS,
          );
          truncated ||= found.more;
          for (const item of found.executions) {
            const known = withKnownDescription({ item }, executions.get(item.executionArn ?? '')?.execution);
            const side = executionsAt(item.name ?? '', deployed);
            if (stateMachine === deployed.stateMachine) side.main = known;
            else {
              side.rollBacks.push(known);
              rememberGeneration(item.name ?? '');
            }
          }
        }),
      ),
    );
    for (const side of [...groups.values()].flat())
      side.rollBacks.sort((a, b) => attemptIn(a.item.name ?? '') - attemptIn(b.item.name ?? ''));
    return { groups, truncated };
  }

  /** Describes executions within the call budget: first those that failed, then those without a known input. */
  async function describeMissing(groups: Map<string, ServiceExecutions[]>): Promise<void> {
    const missing = [...groups.values()].flatMap((sides) => {
      const latest = sides.flatMap(({ main, rollBacks }) => [main, rollBacks.at(-1)]);
      const known = latest.filter((known) => known !== undefined);
      const undescribed = known.filter(
        (known) => needsDescription(known) || mayBeOfEarlierGeneration(known, sides),
      );
      const hasInput = known.some(({ execution }) => execution !== undefined);
      return undescribed.length > 0 || hasInput ? undescribed : known.slice(0, 1);
    });
    missing.sort((a, b) => Number(needsDescription(b)) - Number(needsDescription(a)));
    await Promise.all(
      missing.slice(0, callBudget.take(missing.length)).map(async (known) => {
        const found = await describe(known.item.executionArn ?? '');
        if (found !== undefined) Object.assign(known, found);
      }),
    );
  }

  /** Describes the executions of provisionings that started before the period and are being rolled back. */
  async function describeOldMains(groups: Map<string, ServiceExecutions[]>): Promise<void> {
    const old = [...groups].flatMap(([id, sides]) =>
      sides.every(({ main }) => main === undefined) ? sides.map((side) => ({ id, side })) : [],
    );
    await Promise.all(
      old.slice(0, callBudget.take(old.length)).map(async ({ id, side }) => {
        const deployed = services.find(({ service }) => service === side.service);
        if (deployed !== undefined) side.main = await describeOnce(executionArn(deployed.stateMachine, id));
      }),
    );
  }

  async function readExecutions(id: string): Promise<ServiceExecutions[]> {
    const mains = await Promise.all(
      services.map(async ({ service, stateMachine }): Promise<ServiceExecutions> => {
        return { service, main: await describeOnce(executionArn(stateMachine, id)), rollBacks: [] };
      }),
    );
    const creation_id = mains.map(generationOf).find((one) => one !== undefined) ?? latestGenerations.get(id);
    if (creation_id === undefined) return mains;
    const sides = await Promise.all(
      mains.map(async (side, at) => ({
        ...side,
        rollBacks: await readRollBacks(services[at]?.rollBackStateMachine ?? '', {
          provisioning_id: id,
          creation_id,
        }),
      })),
    );
    return [...ofOneGeneration(sides)];
  }

  /** Attempts are numbered without gaps. */
  async function readRollBacks(stateMachine: string, generation: Generation): Promise<KnownExecution[]> {
    const found: KnownExecution[] = [];
    for (;;) {
      const next = await describeOnce(executionArn(stateMachine, rollBackName(generation, found.length + 1)));
      if (next === undefined) return found;
      found.push(next);
    }
  }

  async function readGraph(arn: string, isRollBack: boolean): Promise<Graph> {
    const known = graphs.get(arn);
    if (known !== undefined) return known;
    const graph = parseGraph(await aws.readDefinition(arn), isRollBack);
    graphs.set(arn, graph);
    return graph;
  }

  async function readHistory(
    arn: string,
    version: string,
  ): Promise<{ events: HistoryEvent[]; more: boolean }> {
    const known = histories.get(arn);
    if (known?.version === version) return known;
    const found = await aws.readEvents(arn, MAX_EVENTS);
    // Histories are eventually consistent: only one with its last event is complete.
    if (/^Execution(Succeeded|Failed|Aborted|TimedOut)$/.test(found.events.at(-1)?.type ?? ''))
      histories.set(arn, { version, ...found });
    return found;
  }

  async function toExecution(
    { service }: ServiceExecutions,
    { item, execution }: KnownExecution,
    rollBack: boolean,
  ): Promise<Execution> {
    const arn = item.executionArn ?? '';
    const [graph, history] = await Promise.all([
      readGraph(arn, rollBack),
      readHistory(arn, versionOf(execution ?? item)),
    ]);
    const failure = execution === undefined ? undefined : failureOf(execution);
    const targets = targetsIn(execution?.input);
    const machineName = arn.split(':').at(-2) ?? '';
    const state_machine = workflowNameOf(machineName);
    return {
      id: `${machineName}/${item.name}`,
      service,
      state_machine,
      name: item.name ?? '',
      roll_back: rollBack,
      status: item.status ?? 'RUNNING',
      started_at: (item.startDate ?? now()).toISOString(),
      ...(item.stopDate === undefined ? {} : { stopped_at: item.stopDate.toISOString() }),
      ...(execution?.error === undefined ? {} : { error: execution.error }),
      ...(execution?.cause === undefined ? {} : { cause: parseJsonText(execution.cause) }),
      ...(failure === undefined ? {} : { failure: explain(failure) }),
      input: parseJsonText(execution?.input),
      output: parseJsonText(execution?.output),
      redrives: item.redriveCount ?? 0,
      graph,
      steps: toSteps(history.events, graph, targets.length > 1 ? targets : []),
      truncated: history.more,
    };
  }

  return {
    async list(hours) {
      const at = now();
      const { groups, truncated } = await listSince(
        new Date(at.getTime() - Math.max(hours, MIN_HOURS) * HOUR),
      );
      await describeMissing(groups);
      await describeOldMains(groups);
      const all = [...groups]
        .map(([id, sides]) => summaryOf(id, sides, at))
        .sort((a, b) => b.started_at.localeCompare(a.started_at));
      const within = ({ started_at, stopped_at }: Summary, withinHours: number) =>
        Date.parse(stopped_at ?? started_at) >= at.getTime() - withinHours * HOUR;
      return {
        now: at.toISOString(),
        environment,
        services: services.map(({ service }) => service),
        hours,
        headline: {
          failed_last_hour: all.filter((one) => isFailed(one) && within(one, 1)).length,
          running: all.filter(({ running }) => running).length,
          left_behind: all.filter(({ left_behind }) => left_behind === 'user' || left_behind === 'event')
            .length,
        },
        // Running provisionings and what is left behind are listed regardless of their age.
        provisionings: all.filter(
          (one) =>
            within(one, hours) || one.running || one.left_behind === 'user' || one.left_behind === 'event',
        ),
        unread: all.filter(({ left_behind, username }) => left_behind === 'unknown' || username === undefined)
          .length,
        truncated,
        pause: pauseFor(true, callsPerSecond),
      };
    },

    async detail(id) {
      const sides = await readExecutions(id);
      if (sides.every(({ main, rollBacks }) => main === undefined && rollBacks.length === 0))
        return undefined;
      const at = now();
      const summary = summaryOf(id, sides, at);
      const since = new Date(Date.parse(summary.started_at) - START_TOLERANCE);
      const last = Math.max(...stopsOf(sides));
      const until = summary.running ? undefined : new Date(last + LOG_DELAY);
      const [executions, events] = await Promise.all([
        Promise.all(
          sides.flatMap((side) => [
            ...(side.main === undefined ? [] : [toExecution(side, side.main, false)]),
            ...side.rollBacks.map((known) => toExecution(side, known, true)),
          ]),
        ),
        Promise.all(
          services.map(async ({ service, eventsLog }) =>
            auditEventsOf(await aws.readMessages(eventsLog, id, since, until), id, service),
          ),
        ),
      ]);
      return {
        now: at.toISOString(),
        summary,
        executions,
        events: events.flat().sort((a, b) => a.occurred_at.localeCompare(b.occurred_at)),
        pause: pauseFor(summary.running || at.getTime() - last < GRACE, callsPerSecond),
      };
    },
  };
}

const isFailed = ({ status }: Summary): boolean => ['FAILED', 'ABORTED', 'TIMED_OUT'].includes(status);

/** Changes when an execution stops, and when it is redriven. */
const versionOf = ({ status, stopDate, redriveCount }: KnownExecution['item']): string =>
  [status, stopDate?.toISOString(), redriveCount].join(' ');

/** Adds the cached description if it is still valid. */
function withKnownDescription(
  { item }: KnownExecution,
  known: DescribeExecutionOutput | undefined,
): KnownExecution {
  if (known === undefined) return { item };
  // After a success since then, the cached input is still valid. Another outcome has to be described.
  if (versionOf(known) === versionOf(item) || item.status === 'SUCCEEDED') return { item, execution: known };
  return { item };
}

const itemOf = (execution: DescribeExecutionOutput): KnownExecution['item'] => execution;

const stopsOf = (sides: readonly ServiceExecutions[]): number[] =>
  sides.flatMap(({ main, rollBacks }) =>
    [main, ...rollBacks].map((known) => known?.item.stopDate?.getTime() ?? 0),
  );

/** Milliseconds until the next poll of the page. */
function pauseFor(moving: boolean, callsPerSecond: number): number {
  if (!moving) return 15_000;
  return Number.isFinite(callsPerSecond) ? 3_000 : 1_000;
}

/** A token bucket with `perSecond` tokens per second and a capacity of BURST_SECONDS. */
function tokenBucket(perSecond: number, now: () => Date): { take(requested: number): number } {
  const capacity = perSecond * BURST_SECONDS;
  let [tokens, refilledAt] = [capacity, now().getTime()];
  return {
    take(requested) {
      if (!Number.isFinite(perSecond)) return requested;
      tokens = Math.min(capacity, tokens + ((now().getTime() - refilledAt) / 1000) * perSecond);
      refilledAt = now().getTime();
      const granted = Math.min(requested, Math.floor(tokens));
      tokens -= granted;
      return granted;
    },
  };
}
