import * as z from 'zod';
import { humanUserId, password, provisioningId, timestamp, username } from './fields.ts';
import { executionStatus } from './status.ts';

/** Body of App1's `POST /create-service-user`. */
export const createServiceUserRequest = z.strictObject(
  { username, password, human_user_id: humanUserId },
  { error: 'must be a JSON object' },
);
export type CreateServiceUserRequest = z.infer<typeof createServiceUserRequest>;

/** `202` of App1's `POST /create-service-user`: accepted, ask `status_url` for its end. */
export const provisioningAccepted = z.strictObject({
  provisioning_id: provisioningId,
  status: executionStatus,
  status_url: z.url(),
  /** Of a repeat, when the first one is queued. */
  estimated_end_at: timestamp.optional(),
});
export type ProvisioningAccepted = z.infer<typeof provisioningAccepted>;
