import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import type { Outputs } from '../../cli/outputs.ts';
import { endsSequence } from '../../contracts/events/sequences.ts';
import { type ReceivedEvent, readEvent } from '../../contracts/events/subscriber.ts';
import { listen, openQueue, take } from '../support/queues.ts';

/** The last event of a provisioning that succeeded. */
export const SUCCEEDED = 'ServiceUserProvisioned';

/** The last event of a provisioning whose password App2 has rejected, with the reason. */
export const REJECTED = 'ServiceUserProvisioningFailed: PasswordRejected at RequestUserCreation';

/** Outcomes of provisionings that a subscriber of App1's bus receives, without polling. */
export interface OutcomeSubscription {
  /** Waits until all have finished, or for `seconds`; returns their last events with the reason, by provisioning_id. */
  waitFor(ids: readonly string[], seconds: number): Promise<Map<string, string>>;
}

const envelope = z.looseObject({ 'detail-type': z.string() });

export async function subscribeToOutcomes({
  endpoint,
  region,
  app1,
  ...outputs
}: Outputs): Promise<OutcomeSubscription> {
  const credentials = { accessKeyId: outputs.access_key_id, secretAccessKey: outputs.secret_access_key };
  const sqs = new SQSClient({ endpoint, region, credentials });
  const eventBridge = new EventBridgeClient({ endpoint, region, credentials });
  const name = `burst-${Date.now()}`;
  const queue = await openQueue(sqs, name);
  await listen(eventBridge, queue, { name, bus: app1.event_bus_name, sources: ['app1.provisioning'] });

  const last = new Map<string, { outcome: string; sequence: number }>();
  return {
    async waitFor(ids, seconds) {
      const end = Date.now() + seconds * 1000;
      const unfinished = () => ids.filter((id) => !last.has(id));
      while (unfinished().length > 0 && Date.now() < end) {
        for (const sent of await take(sqs, queue)) {
          const event = readEvent(envelope.parse(sent));
          const { provisioning_id, sequence } = event.detail.metadata;
          if (provisioning_id === null || !endsSequence(event['detail-type'])) continue;
          if (sequence > (last.get(provisioning_id)?.sequence ?? 0))
            last.set(provisioning_id, { outcome: outcomeOf(event), sequence });
        }
      }
      const known = ids.flatMap((id) => {
        const found = last.get(id);
        return found === undefined ? [] : [[id, found.outcome] as const];
      });
      return new Map(known);
    },
  };
}

/** The name of an event, with its failure if it has one. */
function outcomeOf({ 'detail-type': name, detail: { data } }: ReceivedEvent): string {
  return 'failure' in data ? `${name}: ${data.failure.error} at ${data.failure.step}` : name;
}
