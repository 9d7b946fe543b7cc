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
import { SUCCEEDED, subscribeToOutcomes } from './outcomes.ts';
import { scaled } from './quotas.ts';
import { randomFaults } from './random-faults.ts';
import { withSecondCaller } from './second-caller.ts';

export interface Options {
  outputs: Outputs;
  proxyUrl: string;
  /** Number of concurrent POSTs. */
  count: number;
  /** Part of AWS's quotas that the proxy enforces. */
  scale: number;
  /** Part of all calls that fail at random. */
  faulty?: number;
  /** Part of each quota that other clients use, without the knowledge of App2. */
  usedByOthers?: number;
  /** Part of the requests whose password App2 rejects. */
  rejected?: number;
  /** Whether a second caller sends a few requests after all others have been accepted. */
  secondCaller?: boolean;
  /** Longest time until the last provisioning has finished, in seconds. */
  within: number;
}

/** A provisioning that was requested in the burst. */
export interface BurstRequest {
  id: string;
  username: string;
  password: string;
  human_user_id: string;
  /** Whether App2 rejects its password. */
  isRejected: boolean;
}

/** Delays of creations until the start time that the rate limiter assigned, in seconds. */
export interface StartDelays {
  /** The longest delay of the requests that were accepted last before those of the second caller. */
  first: number;
  /** The longest delay of the second caller's requests. */
  second: number;
}

export interface Burst {
  requests: BurstRequest[];
  startedAt: Date;
  /** Last events of App1 with the reason of a failure, by provisioning_id. */
  outcomes: Map<string, string>;
  /** Time from the first POST to the last outcome, in seconds. */
  seconds: number;
  /** Longest time until a POST was accepted, in seconds. */
  longestPost: number;
  /** Whether the status of the last request contained an estimate before its outcome. */
  estimated: boolean;
  /** Present only with a second caller. */
  delays?: StartDelays;
  /** Failed attempts at App2 of some provisionings that should have succeeded. */
  failures: string[];
  counted: Counted;
}

/**
 * Sends all POSTs at the same time, while the proxy enforces AWS's quotas, and waits for the outcomes.
 * @throws Error if App1 returns a status that a caller cannot retry
 */
export function runBurst(options: Options): Promise<Burst> {
  // App2 does not measure quotas: its rates are settings.
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
  const { outputs, rejected = 0, secondCaller = false } = options;
  const run = () =>
    secondCaller ? withSecondCaller(outputs, (second) => sendBurst(options, second)) : sendBurst(options);
  return withVariables(outputs, 'app2-start-user-creation', starting, () =>
    withVariables(outputs, 'app2-decrypt-credentials', rates, () =>
      withVariables(outputs, 'app2-add-to-group', changes, () =>
        rejected > 0 ? withLaxPolicy(outputs, run) : run(),
      ),
    ),
  );
}

/** Whether the n-th request belongs to a part that is distributed evenly over all requests. */
const isInPart = (part: number, n: number): boolean => Math.floor((n + 1) * part) > Math.floor(n * part);

async function sendBurst(options: Options, second?: System): Promise<Burst> {
  const { outputs, proxyUrl, count, scale, faulty = 0, usedByOthers = 0, rejected = 0, within } = options;
  const faults = faultsAt(proxyUrl);
  const system = systemOf(outputs);
  const quotas = quotasAt(proxyUrl);
  const subscription = await subscribeToOutcomes(outputs);
  const waitForOutcomes = (all: readonly BurstRequest[], seconds: number) =>
    subscription.waitFor(
      all.map(({ id }) => id),
      seconds,
    );
  const warmUp = await Promise.all(Array.from({ length: WARM_UP_REQUESTS }, () => send(system)));
  await waitForOutcomes(warmUp, within);

  await quotas.set(scaled(scale * (1 - usedByOthers)));
  const rules = faulty > 0 ? await faults.add(randomFaults(faulty)) : [];
  const startedAt = new Date();
  const elapsed = () => (Date.now() - startedAt.getTime()) / 1000;
  let longestPost = 0;
  const byOrder: BurstRequest[] = [];
  const ofFirst = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const accepted = await send(system, isInPart(rejected, n));
      longestPost = Math.max(longestPost, elapsed());
      byOrder.push(accepted);
      return accepted;
    }),
  );
  const ofSecond =
    second === undefined
      ? []
      : await Promise.all(Array.from({ length: expressShare(scale) }, () => send(second)));
  const requests = [...ofFirst, ...ofSecond];
  const lastOfFirst = byOrder.filter(({ isRejected }) => !isRejected).slice(-REPORTED);
  const [outcomes, estimated] = await Promise.all([
    waitForOutcomes(requests, within),
    hasEstimate(system, ofFirst.findLast(({ isRejected }) => !isRejected)?.id ?? '', within),
  ]);
  const seconds = elapsed();
  await faults.remove(rules);
  const counted = await quotas.counted();
  const failures = await failuresOf(
    system,
    requests.filter(({ id, isRejected }) => !isRejected && outcomes.get(id) !== SUCCEEDED),
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
  return { requests, startedAt, outcomes, seconds, longestPost, estimated, ...delays, failures, counted };
}

/** Number of creations that a second caller may hold so that they start at the express rate, which scales, too. */
const expressShare = (scale: number): number =>
  expressCreationsOf(expressCreationsPerSecond(DEFAULT_CREATIONS_PER_SECOND) * scale);

/** Longest time from the decision of App2's rate limiter to the start time that it assigned, in seconds. */
async function longestDelay(system: System, all: readonly BurstRequest[]): Promise<number> {
  const starts = await Promise.all(all.map(({ id }) => assignedStart(system, id)));
  const delays = starts
    .filter((start): start is AssignedStart => start !== undefined)
    .map(({ assignedAt, startAt }) => (startAt - assignedAt) / 1000);
  return Math.max(0, ...delays);
}

/** Number of failed provisionings whose attempts are reported. */
const REPORTED = 10;

/** The failed attempts of each state at App2, one line for each provisioning. */
async function failuresOf(system: System, failed: readonly BurstRequest[]): Promise<string[]> {
  return Promise.all(
    failed.slice(0, REPORTED).map(async ({ id }) => {
      const states = await system.states('CreateServiceUser', id);
      const attempts = states.flatMap(({ name, errors }) =>
        errors.length === 0 ? [] : [`${name} ${errors.join(', ')}`],
      );
      return `${id}: ${attempts.join('; ')}`;
    }),
  );
}

/** Number of requests before the burst, so that the functions are warm. */
const WARM_UP_REQUESTS = 8;

/** Requests a provisioning, and repeats the request after `Retry-After` until App1 accepts it. */
async function send(system: System, isRejected = false): Promise<BurstRequest> {
  const request = {
    username: `burst-${randomBytes(6).toString('hex')}`,
    password: isRejected ? passwordWithoutSymbol() : `Pw-${randomBytes(12).toString('base64url')}-1a`,
    human_user_id: 'h-1',
  };
  for (;;) {
    const { status, headers, body } = await system.provision(request, {
      'Idempotency-Key': request.username,
    });
    if (status === 202)
      return { id: provisioningAccepted.parse(body).provisioning_id, ...request, isRejected };
    if (![429, 500, 503].includes(status))
      throw new Error(`App1 responded with ${status}: ${JSON.stringify(body)}`);
    await pause(Number(headers.get('Retry-After') ?? 1) * 1000);
  }
}

/** Pause between two polls of a status, in milliseconds: each poll uses the quota of DescribeExecution. */
const POLL_INTERVAL_MS = 3_000;

/** Whether the status of a provisioning contains an estimate while the provisioning runs. */
async function hasEstimate(system: System, id: string, within: number): Promise<boolean> {
  for (const end = Date.now() + within * 1000; Date.now() < end; await pause(POLL_INTERVAL_MS)) {
    const status = provisioningStatus.safeParse((await system.status(id)).body).data;
    if (status?.estimated_end_at !== undefined) return true;
    if (status !== undefined && status.status !== 'RUNNING') return false;
  }
  return false;
}
