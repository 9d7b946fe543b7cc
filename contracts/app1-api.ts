import * as z from 'zod';
import { humanUserId, password, provisioningId, timestamp, username } from './fields.ts';
import { executionStatus } from './status.ts';

/** Body of App1's `POST /create-service-user`. */
export const createServiceUserRequest = z.strictObject(
  { username, password, human_user_id: humanUserId },
  { error: 'must be a JSON object' },
);
export type CreateServiceUserRequest = z.infer<typeof createServiceUserRequest>;

/** Body of the `202` of App1's `POST /create-service-user`. Poll `status_url` for the outcome. */
export const provisioningAccepted = z.strictObject({
  provisioning_id: provisioningId,
  status: executionStatus,
  status_url: z.url(),
  /** Only of a repeated request whose creation is queued at App2. */
  estimated_end_at: timestamp.optional(),
});
export type ProvisioningAccepted = z.infer<typeof provisioningAccepted>;
