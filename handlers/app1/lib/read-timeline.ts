import * as z from 'zod';
import { userCreationInput } from '../../../contracts/executions.ts';

/** Payload with which `get-provisioning` invokes `call-app2`, which has the token, to read App2's part of a timeline. */
export const readTimelineInput = z.object({
  action: z.literal('ReadTimeline'),
  ...userCreationInput.pick({ provisioning_id: true, creation_id: true }).shape,
});
export type ReadTimelineInput = z.input<typeof readTimelineInput>;
