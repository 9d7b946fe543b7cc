import * as z from 'zod';
import { failureReport } from './failures.ts';
import { humanUserId, provisioningId, timestamp, username } from './fields.ts';

/** Step Functions' own words for the state of an execution. */
export const executionStatus = z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED', 'TIMED_OUT']);
export type ExecutionStatus = z.infer<typeof executionStatus>;

/** Whether the user that this provisioning made exists; `being_removed` until an undo is known to be complete. */
export const userPresence = z.enum(['absent', 'present', 'being_removed']);
export type UserPresence = z.infer<typeof userPresence>;

/** State of a provisioning as its owner sees it; the same at both services. */
export const provisioningStatus = z.strictObject({
  provisioning_id: provisioningId,
  status: executionStatus,
  user: userPresence,
  /** Both absent when the provisioning was cancelled before its request arrived. */
  username: username.optional(),
  human_user_id: humanUserId.optional(),
  started_at: timestamp,
  stopped_at: timestamp.optional(),
  error: failureReport.optional(),
});
export type ProvisioningStatus = z.infer<typeof provisioningStatus>;
