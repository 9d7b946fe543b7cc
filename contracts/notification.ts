import * as z from 'zod';
import { storedProvisioningId } from './stored.ts';

/**
 * Completion notification: an event on the target's bus when a creation has finished, for a client that requested it
 * (`Prefer: respond-async`). It has a source of its own, because it is not an audit event.
 *
 * It is a hint: it contains no outcome, so the receiver requests the status from the target. It is delivered at least
 * once, and may be late or lost, like the event of Step Functions that triggers it.
 * docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 */
export const completionNotification = { detailType: 'UserCreationFinished' } as const;

/** Source of a target's completion notifications. @param target name of the target */
export const notificationSource = (target: string): `${string}.notifications` => `${target}.notifications`;

export const notificationDetail = z.object({ provisioning_id: storedProvisioningId });
