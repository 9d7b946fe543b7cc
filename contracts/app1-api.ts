import * as z from 'zod';
import { humanUserId, password, provisioningId, timestamp, username } from './fields.ts';
import { targetName } from './services.ts';
import { executionStatus } from './status.ts';

/** Most targets of one request: the history of an execution has at most 25,000 events. */
export const MAX_TARGETS_PER_REQUEST = 5;

/** Names of targets in a request. The registry of App1 decides which names are accepted. */
export const requestedTargets = z
  .array(targetName, { error: 'must be an array of names of targets' })
  .min(1, 'must name a target')
  .max(MAX_TARGETS_PER_REQUEST, `must not name more than ${MAX_TARGETS_PER_REQUEST} targets`)
  .refine((names) => new Set(names).size === names.length, 'must not name a target twice');

/** Body of App1's `POST /create-service-user`. */
export const createServiceUserRequest = z.strictObject(
  {
    username,
    password,
    human_user_id: humanUserId,
    /** The targets at which the user is created; without the field, the default targets of App1. */
    targets: requestedTargets.optional(),
  },
  { error: 'must be a JSON object' },
);
export type CreateServiceUserRequest = z.infer<typeof createServiceUserRequest>;

/** Body of the `202` of App1's `POST /create-service-user`. Poll `status_url` for the outcome. */
export const provisioningAccepted = z.strictObject({
  provisioning_id: provisioningId,
  status: executionStatus,
  status_url: z.url(),
  /** Only of a repeated request whose creation is queued at a target. */
  estimated_end_at: timestamp.optional(),
});
export type ProvisioningAccepted = z.infer<typeof provisioningAccepted>;
