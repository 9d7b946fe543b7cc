import type { Expectation } from 'cross-service-provisioning/events';
import * as z from 'zod';

/** The events and fields that this subscriber relies on. Tests check them against the catalogue and against produced events. */

/** The fields that are read of every event. Other fields are ignored. */
export const eventFields = z.object({
  source: z.string(),
  'detail-type': z.string(),
  detail: z.object({
    metadata: z.object({
      provisioning_id: z.string(),
      creation_id: z.string(),
      sequence: z.number(),
      occurred_at: z.string(),
    }),
    data: z.object({ username: z.string(), human_user_id: z.string() }),
  }),
});

/** The events that change whether the user of a provisioning exists, according to App1 and to App2. */
export const app1Expectation = {
  events: [
    'ServiceUserProvisioned',
    'ServiceUserProvisioningRollBackFailed',
    'ServiceUserProvisioningFailed',
    'ServiceUserProvisioningCancelled',
    'ServiceUserDeprovisioned',
  ],
  reads: eventFields,
} as const satisfies Expectation;
export const app2Expectation = {
  events: [
    'ServiceUserCreated',
    'ServiceUserCreationRejected',
    'ServiceUserRollBackFailed',
    'ServiceUserCreationRolledBack',
    'ServiceUserCreationCancelled',
    'ServiceUserRemoved',
  ],
  reads: eventFields,
} as const satisfies Expectation;
