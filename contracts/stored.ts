import * as z from 'zod';

/**
 * Fields as they are read from what is stored: inputs of executions, of their steps and of roll-backs, items of tables,
 * and what is made of them, as statuses and audit events. Another release has written them, perhaps, under rules for
 * requests that were looser or stricter than today's (fields.ts, headers.ts). So reading checks the structure only: a
 * rule that changes must never make a provisioning unreadable whose user is there.
 */

/** A text that a request, a header or a token has given. Nothing is known of it but that it is there. */
export const storedText = z.string().min(1);

/**
 * Name of a provisioning. It is the name of its executions, and roll-backs append to it with dots, so it has no dot.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html (name)
 */
export const storedProvisioningId = z.string().regex(/^[\w-]{1,80}$/);

/**
 * The generation of a provisioning: drawn by App1's start functions, the same at both services, and copied into every
 * roll-back. Between two dots in the name of a roll-back, so it has none.
 */
export const storedCreationId = z.string().regex(/^[\w-]{1,36}$/);

/** The subject of a provisioning, as every execution has it. */
export const storedSubject = {
  provisioning_id: storedProvisioningId,
  creation_id: storedCreationId,
  username: storedText,
  human_user_id: storedText,
};
