import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import * as z from 'zod';
import { completionNotification } from '../../contracts/notification.ts';
import { functionNamed } from '../../infra/names.ts';
import type { Check } from '../check.ts';
import { functionLog, logLines } from '../logs.ts';
import type { DeployedSystem } from '../system.ts';
import { assert, CheckFailed, NotApplicable } from '../verdict.ts';

/** How App1 hears that App2 has finished, when it does not poll. */

/** App2 polls the status of so many creations per second (status_polls_per_second); of the others it notifies App1. */
const AT_ONCE = 12;
const BURSTS = 3;

/** How late a line of a log may be. */
const LOGS_ARRIVE = 15_000; // milliseconds

/** A line of a function that a notification has called: no state has, so it names no step. */
const notifiedLine = z.object({ message: z.literal('Step succeeded'), step: z.undefined().optional() });

/** For which of these creations App2 has sent a notification. */
async function notified(system: DeployedSystem, ids: readonly string[]): Promise<string[]> {
  const lines = await logLines(
    system,
    'app2',
    functionLog(functionNamed('app2', 'notify-completion')),
    'Client notified',
  );
  return ids.filter((id) => lines.some((line) => line.includes(id)));
}

/** Log lines arrive later: what is found in a while, which may be nothing. */
async function withinLogs(system: DeployedSystem, find: () => Promise<string[]>): Promise<string[]> {
  try {
    return await system.eventually(async () => {
      const found = await find();
      assert(found.length > 0, 'no notification is in the log yet');
      return found;
    }, LOGS_ARRIVE);
  } catch (error) {
    if (error instanceof CheckFailed) return [];
    throw error;
  }
}

/** Has many service users requested at once, and gives their ids when all have succeeded. */
async function burst(system: DeployedSystem): Promise<string[]> {
  const requested = await Promise.all(Array.from({ length: AT_ONCE }, () => system.request()));
  const ends = await Promise.all(requested.map(({ id }) => system.ended(id)));
  const bad = ends.filter(({ status }) => status !== 'SUCCEEDED');
  assert(
    bad.length === 0,
    `of ${AT_ONCE} at once, ${bad.length} ended as ${bad[0]?.status} ${bad[0]?.error?.code ?? ''}`,
  );
  return requested.map(({ id }) => id);
}

export const notificationChecks: readonly Check[] = [
  {
    name: 'notification/delivered',
    claim: "A notification on App2's bus reaches App1, by App1's rule on that bus.",
    async run(system) {
      const { provisioning_id } = (await system.example()).provisioning;
      const { connection, outputs } = system.app2;
      // App1 has heard what it says already: it asks App2, or does nothing.
      const { FailedEntryCount, Entries = [] } = await connection.client(EventBridgeClient).send(
        new PutEventsCommand({
          Entries: [
            {
              EventBusName: outputs.event_bus_name,
              Source: completionNotification.source,
              DetailType: completionNotification.detailType,
              Detail: JSON.stringify({ provisioning_id }),
            },
          ],
        }),
      );
      assert(FailedEntryCount === 0, `the bus refused it: ${Entries[0]?.ErrorCode}`);
      await system.eventually(async () => {
        const called = functionNamed('app1', 'call-app2');
        const lines = await logLines(system, 'app1', functionLog(called), provisioning_id);
        assert(
          lines.some((line) => notifiedLine.safeParse(JSON.parse(line)).success),
          `${called} was not called with it`,
        );
      });
      return `App1 was called with the notification of ${provisioning_id}`;
    },
  },
  {
    name: 'notification/sent',
    claim: 'Of creations that it does not poll, App2 sends a notification, and all of them succeed.',
    async run(system) {
      for (let bursts = 1; bursts <= BURSTS; bursts += 1) {
        const ids = await burst(system);
        const told = await withinLogs(system, () => notified(system, ids));
        if (told.length > 0) return `${told.length} of ${AT_ONCE} at once were notified, and all SUCCEEDED`;
      }
      throw new NotApplicable(`App2 has polled all creations of ${BURSTS} bursts of ${AT_ONCE}`);
    },
  },
];
