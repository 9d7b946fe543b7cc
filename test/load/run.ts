import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Outputs } from '../../cli/outputs.ts';
import { provisioningAccepted } from '../../contracts/app1-api.ts';
import { describeExecutionQuota, statusPollsPerSecond } from '../../contracts/quotas.ts';
import { provisioningStatus } from '../../contracts/status.ts';
import { expressCreationsOf } from '../../handlers/app2/lib/creation-limiter.ts';
import {
  DEFAULT_CREATIONS_PER_SECOND,
  expressCreationsPerSecond,
  GROUP_CHANGES_PER_SECOND,
} from '../../infra/settings.ts';
import { type Counted, quotasAt } from '../../local/harness/faults/quotas.ts';
import { faultsAt } from '../../local/harness/faults/rules.ts';
import { passwordWithoutSymbol, withLaxPolicy } from '../../local/harness/lax-policy.ts';
import { withVariables } from '../../local/harness/variables.ts';
import { type System, systemOf } from '../../local/system.ts';
import { type AssignedStart, assignedStart } from '../support/assigned-start.ts';
import { scaled } from './ceilings.ts';
import { GOOD_END, subscribeToOutcomes } from './outcomes.ts';
import { randomFaults } from './random-faults.ts';
import { withSecondCaller } from './second-caller.ts';

export interface Options {
  outputs: Outputs;
  proxyUrl: string;
  /** How many POSTs are sent at once. */
  count: number;
  /** Part of AWS's ceilings that is enforced. */
  scale: number;
  /** Part of all calls that fail at random. */
  faulty?: number;
  /** Part of each ceiling that others use, of which App2 knows nothing. */
  taken?: number;
  /** Part of the requests that cannot succeed: App2 refuses the password. */
  doomed?: number;
  /** Whether a second caller asks for a few, once all others have been accepted. */
  secondCaller?: boolean;
  /** Longest time until the last one has ended, in seconds. */
  within: number;
}

/** A provisioning that was asked for in the burst. */
export interface Asked {
  id: string;
  username: string;
  password: string;
  human_user_id: string;
  /** App2 refuses its password. */
  doomed: boolean;
}

/** How long creations had to wait for the start that the rate limiter assigned, in seconds. */
export interface StartDelays {
  /** Of those that were accepted last before the second caller came, the longest. */
  first: number;
  /** Of the second caller's, the longest. */
  second: number;
}

export interface Burst {
  asked: Asked[];
  begun: Date;
  /** Last facts of App1 by provisioning_id. */
  ends: Map<string, string>;
  /** From the first POST to the last end, in seconds. */
  seconds: number;
  /** Longest time until a POST was accepted, in seconds. */
  longestPost: number;
  /** Whether who was asked for last was told, before the end, when that will probably be. */
  estimated: boolean;
  /** Only with a second caller. */
  delays?: StartDelays;
  /** What went wrong at App2 with those that did not end well, for a few of them. */
  failures: string[];
  counted: Counted;
}

/**
 * Sends all POSTs at once, with AWS's ceilings in front of all that the functions call, and waits for their ends.
 * @throws Error when App1 answers with what a patient caller cannot send again
 */
export function runBurst(options: Options): Promise<Burst> {
  // App2 knows the ceilings that hold here as little as those of AWS: its rates are set.
  const rates = {
    CREATIONS_PER_SECOND: String(DEFAULT_CREATIONS_PER_SECOND * options.scale),
    EXPRESS_CREATIONS_PER_SECOND: String(
      expressCreationsPerSecond(DEFAULT_CREATIONS_PER_SECOND) * options.scale,
    ),
  };
  const starting = {
    ...rates,
    STATUS_POLLS_PER_SECOND: String(statusPollsPerSecond(describeExecutionQuota.perSecond) * options.scale),
  };
  const changes = { GROUP_CHANGES_PER_SECOND: String(GROUP_CHANGES_PER_SECOND * options.scale) };
  const { outputs, doomed = 0, secondCaller = false } = options;
  const run = () =>
    secondCaller ? withSecondCaller(outputs, (second) => burstNow(options, second)) : burstNow(options);
  return withVariables(outputs, 'app2-start-user-creation', starting, () =>
    withVariables(outputs, 'app2-decrypt-credentials', rates, () =>
      withVariables(outputs, 'app2-add-to-group', changes, () =>
        doomed > 0 ? withLaxPolicy(outputs, run) : run(),
      ),
    ),
  );
}

/** Whether the n-th of the requests is one of so large a part, which is spread evenly over them. */
const isOneOf = (part: number, n: number): boolean => Math.floor((n + 1) * part) > Math.floor(n * part);

async function burstNow(options: Options, second?: System): Promise<Burst> {
  const { outputs, proxyUrl, count, scale, faulty = 0, taken = 0, doomed = 0, within } = options;
  const faults = faultsAt(proxyUrl);
  const system = systemOf(outputs);
  const quotas = quotasAt(proxyUrl);
  const ends = await subscribeToOutcomes(outputs);
  const endsOf = (all: readonly Asked[], seconds: number) =>
    ends.of(
      all.map(({ id }) => id),
      seconds,
    );
  const first = await Promise.all(Array.from({ length: WARM }, () => ask(system)));
  await endsOf(first, within);

  await quotas.set(scaled(scale * (1 - taken)));
  const rules = faulty > 0 ? await faults.add(randomFaults(faulty)) : [];
  const begun = new Date();
  const since = () => (Date.now() - begun.getTime()) / 1000;
  let longestPost = 0;
  const byOrder: Asked[] = [];
  const ofFirst = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const accepted = await ask(system, isOneOf(doomed, n));
      longestPost = Math.max(longestPost, since());
      byOrder.push(accepted);
      return accepted;
    }),
  );
  const ofSecond =
    second === undefined
      ? []
      : await Promise.all(Array.from({ length: expressShare(scale) }, () => ask(second)));
  const asked = [...ofFirst, ...ofSecond];
  const lastOfFirst = byOrder.filter(({ doomed: isDoomed }) => !isDoomed).slice(-TOLD);
  const [last, estimated] = await Promise.all([
    endsOf(asked, within),
    isToldAnEstimate(system, ofFirst.findLast(({ doomed: isDoomed }) => !isDoomed)?.id ?? '', within),
  ]);
  const seconds = since();
  await faults.remove(rules);
  const counted = await quotas.counted();
  const failures = await failuresOf(
    system,
    asked.filter(({ id, doomed: isDoomed }) => !isDoomed && last.get(id) !== GOOD_END),
  );
  const delays =
    second === undefined
      ? {}
      : {
          delays: {
            first: await longestDelay(system, lastOfFirst),
            second: await longestDelay(system, ofSecond),
          },
        };
  return { asked, begun, ends: last, seconds, longestPost, estimated, ...delays, failures, counted };
}

/** How many creations a second caller may hold so that they start by the express rate, which scales, too. */
const expressShare = (scale: number): number =>
  expressCreationsOf(expressCreationsPerSecond(DEFAULT_CREATIONS_PER_SECOND) * scale);

/** The longest time from the decision of App2's rate limiter to the start that it assigned, in seconds. */
async function longestDelay(system: System, all: readonly Asked[]): Promise<number> {
  const starts = await Promise.all(all.map(({ id }) => assignedStart(system, id)));
  const delays = starts
    .filter((start): start is AssignedStart => start !== undefined)
    .map(({ assignedAt, startAt }) => (startAt - assignedAt) / 1000);
  return Math.max(0, ...delays);
}

/** Of how many it is told what went wrong. */
const TOLD = 10;

/** The failed attempts of each state at App2, one line for each provisioning. */
async function failuresOf(system: System, failed: readonly Asked[]): Promise<string[]> {
  return Promise.all(
    failed.slice(0, TOLD).map(async ({ id }) => {
      const states = await system.states('CreateServiceUser', id);
      const attempts = states.flatMap(({ name, errors }) =>
        errors.length === 0 ? [] : [`${name} ${errors.join(', ')}`],
      );
      return `${id}: ${attempts.join('; ')}`;
    }),
  );
}

/** Asked for before, so that functions are warm as they are where there is always something to do. */
const WARM = 8;

/** Asks for a provisioning as a patient caller does, who comes back when told to. */
async function ask(system: System, doomed = false): Promise<Asked> {
  const request = {
    username: `burst-${randomBytes(6).toString('hex')}`,
    password: doomed ? passwordWithoutSymbol() : `Pw-${randomBytes(12).toString('base64url')}-1a`,
    human_user_id: 'h-1',
  };
  for (;;) {
    const { status, headers, body } = await system.provision(request, {
      'Idempotency-Key': request.username,
    });
    if (status === 202) return { id: provisioningAccepted.parse(body).provisioning_id, ...request, doomed };
    if (![429, 500, 503].includes(status))
      throw new Error(`App1 answered with ${status}: ${JSON.stringify(body)}`);
    await pause(Number(headers.get('Retry-After') ?? 1) * 1000);
  }
}

/** Looks have a quota, which who asks how it stands uses up, too. Milliseconds. */
const ASKED_EVERY = 3_000;

/** Whether a provisioning is told when it will probably have ended, while it has not. */
async function isToldAnEstimate(system: System, id: string, within: number): Promise<boolean> {
  for (const end = Date.now() + within * 1000; Date.now() < end; await pause(ASKED_EVERY)) {
    const status = provisioningStatus.safeParse((await system.status(id)).body).data;
    if (status?.estimated_end_at !== undefined) return true;
    if (status !== undefined && status.status !== 'RUNNING') return false;
  }
  return false;
}
