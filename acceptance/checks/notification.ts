import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import * as z from 'zod';
import { completionNotification, notificationSource } from '../../contracts/notification.ts';
import { functionNamed } from '../../infra/names.ts';
import type { Check } from '../check.ts';
import { functionLog, logLines } from '../logs.ts';
import type { DeployedSystem } from '../system.ts';
import { assert, CheckFailed, NotApplicable } from '../verdict.ts';

/** Completion notifications: how App1 learns that the target has finished, when it does not poll. */

/** More requests than App1 polls per second (status_polls_per_second): the target sends a notification for the others. */
const BURST_SIZE = 12;
const BURSTS = 3;

/** Maximum delay of a log line. */
const LOG_DELAY = 15_000; // milliseconds

/** A log line of a function that a notification has invoked: it has no step. */
const notifiedLine = z.object({ message: z.literal('Step succeeded'), step: z.undefined().optional() });

/** The ids of creations for which the target has sent a notification. */
async function findNotified(system: DeployedSystem, ids: readonly string[]): Promise<string[]> {
  const lines = await logLines(
    system,
    'app2',
    functionLog(functionNamed(system.app2.name, 'notify-completion')),
    'Client notified',
  );
  return ids.filter((id) => lines.some((line) => line.includes(id)));
}

/** Polls the logs until `find` returns something, at most for LOG_DELAY; then returns an empty list. */
async function pollLogs(system: DeployedSystem, find: () => Promise<string[]>): Promise<string[]> {
  try {
    return await system.eventually(async () => {
      const found = await find();
      assert(found.length > 0, 'no notification is in the log yet');
      return found;
    }, LOG_DELAY);
  } catch (error) {
    if (error instanceof CheckFailed) return [];
    throw error;
  }
}

/** Requests BURST_SIZE service users at the same time, and returns their ids when all have succeeded. */
async function requestBurst(system: DeployedSystem): Promise<string[]> {
  const requested = await Promise.all(Array.from({ length: BURST_SIZE }, () => system.request()));
  const outcomes = await Promise.all(requested.map(({ id }) => system.waitUntilFinished(id)));
  const bad = outcomes.filter(({ status }) => status !== 'SUCCEEDED');
  assert(
    bad.length === 0,
    `of ${BURST_SIZE} concurrent requests, ${bad.length} finished as ${bad[0]?.status} ${bad[0]?.error?.code ?? ''}`,
  );
  return requested.map(({ id }) => id);
}

export const notificationChecks: readonly Check[] = [
  {
    name: 'notification/delivered',
    claim: "A notification on the target's bus reaches App1, by App1's rule on that bus.",
    async run(system) {
      const { provisioning_id } = (await system.example()).provisioning;
      const { connection, outputs } = system.app2;
      // The provisioning has finished, so App1 polls the target or does nothing.
      const { FailedEntryCount, Entries = [] } = await connection.client(EventBridgeClient).send(
        new PutEventsCommand({
          Entries: [
            {
              EventBusName: outputs.event_bus_name,
              Source: notificationSource(system.app2.name),
              DetailType: completionNotification.detailType,
              Detail: JSON.stringify({ provisioning_id }),
            },
          ],
        }),
      );
      assert(FailedEntryCount === 0, `the bus rejected it: ${Entries[0]?.ErrorCode}`);
      await system.eventually(async () => {
        const functionName = functionNamed('app1', 'call-target');
        const lines = await logLines(system, 'app1', functionLog(functionName), provisioning_id);
        assert(
          lines.some((line) => notifiedLine.safeParse(JSON.parse(line)).success),
          `${functionName} was not called with it`,
        );
      });
      return `App1 received the notification of ${provisioning_id}`;
    },
  },
  {
    name: 'notification/sent',
    claim: 'The target sends a notification for creations that App1 does not poll, and all of them succeed.',
    async run(system) {
      for (let bursts = 1; bursts <= BURSTS; bursts += 1) {
        const ids = await requestBurst(system);
        const notifiedIds = await pollLogs(system, () => findNotified(system, ids));
        if (notifiedIds.length > 0)
          return `${notifiedIds.length} of ${BURST_SIZE} concurrent creations were notified, and all SUCCEEDED`;
      }
      throw new NotApplicable(`App1 has polled all creations of ${BURSTS} bursts of ${BURST_SIZE}`);
    },
  },
];
