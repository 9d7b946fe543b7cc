import * as z from 'zod';
import { storedProvisioningId } from './stored.ts';

/**
 * Completion notification: what a target tells a client that asked for it (`Prefer: respond-async`), when a creation has
 * finished. An event on the target's bus, of a source of its own, since it is no audit record.
 *
 * It is a hint. It says which creation may have finished, and not how: whoever receives it asks the target. It is sent at
 * least once, and may be late or lost, as the event of Step Functions on which it rests.
 */
export const completionNotification = {
  source: 'app2.notifications',
  detailType: 'UserCreationFinished',
} as const;

export const notificationDetail = z.object({ provisioning_id: storedProvisioningId });

/** As EventBridge delivers it; what EventBridge adds is ignored. */
export const receivedNotification = z.object({
  source: z.literal(completionNotification.source),
  'detail-type': z.literal(completionNotification.detailType),
  detail: notificationDetail,
});
