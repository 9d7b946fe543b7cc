import * as z from 'zod';
import type { Expectation } from '../../contracts/events/contract-kit.ts';

/** What this subscriber relies on. Tests hold it against the catalogue and against events that were produced. */

/** What is read of every event; whatever else is in it, or comes to be in it, does not matter here. */
export const reads = z.object({
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

/** The facts that tell whether the user of a provisioning is there, as App1 and as App2 see it. */
export const app1Facts = {
  events: [
    'ServiceUserProvisioned',
    'ServiceUserProvisioningRollBackFailed',
    'ServiceUserProvisioningFailed',
    'ServiceUserProvisioningCancelled',
    'ServiceUserDeprovisioned',
  ],
  reads,
} as const satisfies Expectation;
export const app2Facts = {
  events: [
    'ServiceUserCreated',
    'ServiceUserCreationRejected',
    'ServiceUserRollBackFailed',
    'ServiceUserCreationRolledBack',
    'ServiceUserCreationCancelled',
    'ServiceUserRemoved',
  ],
  reads,
} as const satisfies Expectation;
