import * as z from 'zod';
import { userCreationInput } from '../../../contracts/executions.ts';

/** What `get-provisioning` sends to `call-app2`, which holds the token: to read the target's part of a timeline. */
export const readTimelineInput = z.object({
  action: z.literal('ReadTimeline'),
  ...userCreationInput.pick({ provisioning_id: true, creation_id: true }).shape,
});
export type ReadTimelineInput = z.input<typeof readTimelineInput>;
