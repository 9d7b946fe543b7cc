import { join } from 'node:path';
import { CloudFormationClient, ListStacksCommand } from '@aws-sdk/client-cloudformation';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { expect, it } from '@jest/globals';
import getPort from 'get-port';
import pLimit from 'p-limit';
import { median, percentile, rounded } from '../../../bench/support/statistics.ts';
import { type ProvisioningStatus, provisioningStatus } from '../../../contracts/status.ts';
import { timeLimits } from '../../../contracts/time-limits.ts';
import { exhaustRateLimit } from '../../../local/harness/exhaust-rate-limit.ts';
import { withTarget } from '../../../local/harness/variables.ts';
import { loadDirectory } from '../../../local/paths.ts';
import { access, configuration, newRequest, outputs, start, system } from '../../e2e/support/deployed.ts';
import { operatorOf } from '../../e2e/support/operator.ts';
import { openShell } from '../../e2e/support/shell.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { commandsIn } from '../../support/documented.ts';
import { outageMeasurement } from '../outage.ts';

/**
 * Provisionings at App2, with and without provisionings that wait for another target. Compares the durations that App1
 * reports, so the polls of this process do not count.
 */

const { measured, pending, concurrent, maxRatio } = outageMeasurement;

/** The stack of payments. */
const STACK = 'Payments';

const readStatus = async (id: string): Promise<ProvisioningStatus> =>
  provisioningStatus.parse((await system.status(id)).body);

/** Provisions users at App2. @returns milliseconds from start to end, by App1's status */
async function measure(): Promise<number[]> {
  const limit = pLimit(concurrent);
  return Promise.all(
    Array.from({ length: measured }, () =>
      limit(async () => {
        const id = await start({ ...newRequest(), targets: ['app2'] });
        const status = await eventually(async () => {
          const current = await readStatus(id);
          expect(current.status).not.toBe('RUNNING');
          return current;
        }, 60_000);
        expect(status).toMatchObject({ status: 'SUCCEEDED', user: 'present' });
        return Date.parse(status.stopped_at ?? '') - Date.parse(status.started_at);
      }),
    ),
  );
}

const summaryOf = (durations: readonly number[]) => ({
  p50: median(durations),
  p95: percentile(durations, 0.95),
});

/** Changes the registered values of payments in App1's function that calls targets. */
const withPayments = (fields: Record<string, string>, run: () => Promise<void>): Promise<void> =>
  withTarget(outputs, 'app1-call-target', 'payments', fields, run);

/** Runs a function during the outage. */
type Outage = (run: () => Promise<void>) => Promise<void>;

const closedApi: Outage = async (run) =>
  withPayments({ api_url: `http://127.0.0.1:${await getPort({ host: '127.0.0.1' })}/v1` }, run);

const fullQueue: Outage = async (run) => {
  const fill = (limit: 'creations' | 'express-creations') =>
    exhaustRateLimit(outputs, limit, 2 * timeLimits.longestQueue, 'payments');
  const limits = await Promise.all([fill('creations'), fill('express-creations')]);
  try {
    await run();
  } finally {
    await Promise.all(limits.map((reset) => reset()));
  }
};

/** Deletes the stack of payments as docs/deploying.md takes stacks down. It is not deployed again. */
const deletedStack: Outage = async (run) => {
  const shell = openShell(operatorOf(access, {}));
  const commands = commandsIn('docs/deploying.md', 'Taking it down').join('').replaceAll('App1 App2', STACK);
  try {
    await shell.run(commands.replace('cdk destroy', `cdk destroy --app ${join(loadDirectory, 'cdk.out')}`));
  } finally {
    await shell.end();
  }
  const { StackSummaries = [] } = await new CloudFormationClient(configuration).send(
    new ListStacksCommand({ StackStatusFilter: ['DELETE_COMPLETE'] }),
  );
  expect(StackSummaries.map(({ StackName }) => StackName)).toContain(STACK);
  // An idle execution environment has a token in memory: a changed registry replaces it.
  await withPayments({ state: 'retired' }, run);
};

/** Stops provisionings at payments and waits until they have been rolled back. */
async function stop(ids: readonly string[]): Promise<void> {
  await Promise.all(
    ids.map(async (id) =>
      system.clients.stepFunctions.send(
        new StopExecutionCommand({ executionArn: await system.executionArn('ProvisionServiceUser', id) }),
      ),
    ),
  );
  // Their roll-backs do not wait for a target that is registered as gone.
  await withPayments({ state: 'gone' }, () =>
    eventually(async () => {
      const users = await Promise.all(ids.map(async (id) => (await readStatus(id)).user));
      expect(new Set(users)).toEqual(new Set(['absent']));
    }, 120_000),
  );
}

const outages: readonly { outage: string; code?: string; during: Outage }[] = [
  { outage: 'the API of another target is not reachable', code: 'TARGET_UNAVAILABLE', during: closedApi },
  { outage: 'the queue of another target is full', code: 'QUEUE_FULL', during: fullQueue },
  // A secret that does not exist is a permanent error: the provisionings there fail and leave no user.
  { outage: 'the stack of another target is deleted', during: deletedStack },
];

it.each(outages)(
  'provisionings neither fail nor take longer while $outage',
  async ({ outage, code, during }) => {
    await measure();
    const without = summaryOf(await measure());

    await during(async () => {
      const others = await Promise.all(
        Array.from({ length: pending }, () => start({ ...newRequest(), targets: ['payments'] })),
      );
      const statuses = () => Promise.all(others.map(readStatus));
      if (code !== undefined)
        await eventually(async () => {
          const waiting = (await statuses()).map(({ waiting_for }) => waiting_for?.code);
          expect(new Set(waiting)).toEqual(new Set([code]));
        }, 60_000);

      const together = summaryOf(await measure());

      const ratio = { p50: rounded(together.p50 / without.p50), p95: rounded(together.p95 / without.p95) };
      process.stdout.write(`${outage}: ${JSON.stringify({ without, together, ratio })}\n`);
      const outcome = code === undefined ? 'FAILED, absent' : 'RUNNING, unknown';
      await eventually(async () => {
        const found = (await statuses()).map(({ status, user }) => `${status}, ${user}`);
        expect(new Set(found)).toEqual(new Set([outcome]));
      }, 60_000);
      expect(ratio.p50).toBeLessThanOrEqual(maxRatio.p50);
      expect(ratio.p95).toBeLessThanOrEqual(maxRatio.p95);
      if (code !== undefined) await stop(others);
    });
  },
);
