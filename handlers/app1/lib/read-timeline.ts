import * as z from 'zod';
import { userCreationInput } from '../../../contracts/executions.ts';
import { storedText } from '../../../contracts/stored.ts';

/** Payload with which `get-provisioning` invokes `call-target`, which has the token, to read the target's part of a timeline. */
export const readTimelineInput = z.object({
  action: z.literal('ReadTimeline'),
  target: storedText,
  ...userCreationInput.pick({ provisioning_id: true, creation_id: true }).shape,
});
export type ReadTimelineInput = z.input<typeof readTimelineInput>;
