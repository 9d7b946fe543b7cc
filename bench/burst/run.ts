import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { provisioningAccepted } from '../../contracts/app1-api.ts';
import { provisioningStatus } from '../../contracts/status.ts';
import { defaultRates, expressCreationsPerSecond, GROUP_CHANGES_PER_SECOND } from '../../infra/settings.ts';
import { type Counted, quotasAt } from '../../local/faults/quotas.ts';
import { faultsAt } from '../../local/faults/rules.ts';
import type { Outputs } from '../../local/outputs.ts';
import { type System, systemOf } from '../../local/system.ts';
import { withVariables } from '../../local/variables.ts';
import { scaled } from './ceilings.ts';
import { subscribeToEnds } from './ends.ts';
import { GOOD_END } from './promises.ts';
import { randomFaults } from './random-faults.ts';

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
  /** Longest time until the last one has ended, in seconds. */
  within: number;
}

/** A provisioning that was asked for in the burst. */
export interface Asked {
  id: string;
  username: string;
  password: string;
  human_user_id: string;
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
  const { creations_per_second, status_polls_per_second } = defaultRates;
  const rates = {
    CREATIONS_PER_SECOND: String(creations_per_second * options.scale),
    EXPRESS_CREATIONS_PER_SECOND: String(expressCreationsPerSecond(creations_per_second) * options.scale),
  };
  const starting = {
    ...rates,
    STATUS_POLLS_PER_SECOND: String(status_polls_per_second * options.scale),
  };
  const changes = { GROUP_CHANGES_PER_SECOND: String(GROUP_CHANGES_PER_SECOND * options.scale) };
  const { outputs } = options;
  return withVariables(outputs, 'app2-start-user-creation', starting, () =>
    withVariables(outputs, 'app2-decrypt-credentials', rates, () =>
      withVariables(outputs, 'app2-add-to-group', changes, () => burstNow(options)),
    ),
  );
}

async function burstNow(options: Options): Promise<Burst> {
  const { outputs, proxyUrl, count, scale, faulty = 0, taken = 0, within } = options;
  const faults = faultsAt(proxyUrl);
  const system = systemOf(outputs);
  const quotas = quotasAt(proxyUrl);
  const ends = await subscribeToEnds(outputs);
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
  const asked = await Promise.all(
    Array.from({ length: count }, async () => {
      const accepted = await ask(system);
      longestPost = Math.max(longestPost, since());
      return accepted;
    }),
  );
  const [last, estimated] = await Promise.all([
    endsOf(asked, within),
    isToldAnEstimate(system, asked.at(-1)?.id ?? '', within),
  ]);
  const seconds = since();
  await faults.remove(rules);
  const counted = await quotas.counted();
  const failures = await failuresOf(
    system,
    asked.filter(({ id }) => last.get(id) !== GOOD_END),
  );
  return { asked, begun, ends: last, seconds, longestPost, estimated, failures, counted };
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
async function ask(system: System): Promise<Asked> {
  const request = {
    username: `burst-${randomBytes(6).toString('hex')}`,
    password: `Pw-${randomBytes(12).toString('base64url')}-1a`,
    human_user_id: 'h-1',
  };
  for (;;) {
    const { status, headers, body } = await system.provision(request, {
      'Idempotency-Key': request.username,
    });
    if (status === 202) return { id: provisioningAccepted.parse(body).provisioning_id, ...request };
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
