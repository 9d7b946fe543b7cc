import * as z from 'zod';
import { notificationDetail } from '../../../contracts/notification.ts';
import { storedText } from '../../../contracts/stored.ts';

/**
 * The payload with which a rule invokes `call-target` for a completion notification. The rule of each target sets the name of
 * the target; of the notification itself only the id is read, because it is a hint.
 */
export const resumeProvisioningInput = z.object({
  action: z.literal('ResumeProvisioning'),
  target: storedText,
  ...notificationDetail.shape,
});
export type ResumeProvisioningInput = z.input<typeof resumeProvisioningInput>;
