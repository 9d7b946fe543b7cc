import * as z from 'zod';
import { receivedStatus } from './status.ts';
import { storedProvisioningId } from './stored.ts';

/**
 * What App2 tells a client that goes on when it hears of an end (`Prefer: respond-async`): an event on App2's bus, of a
 * source of its own, since it is no audit record. It tells what a GET would have answered at the end of the creation.
 * It comes at least once, and may be late or lost as every event of Step Functions, on which it rests: who has waited
 * too long asks.
 */
export const announcement = { source: 'app2.announcements', detailType: 'UserCreationSettled' } as const;

/** As EventBridge delivers it; what EventBridge adds is passed over. */
export const announced = z.object({
  source: z.literal(announcement.source),
  'detail-type': z.literal(announcement.detailType),
  detail: z.object({ provisioning_id: storedProvisioningId, ...receivedStatus.shape }),
});
export type Announced = z.infer<typeof announced>;
