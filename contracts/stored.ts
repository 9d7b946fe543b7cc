import * as z from 'zod';

/**
 * Stored fields: in inputs of executions, steps and roll-backs, in items of tables, and in the statuses and audit events
 * made from them. Another release may have written them under other rules for requests (fields.ts, headers.ts). These
 * schemas check the structure only, so that a changed rule never makes a provisioning with a user unreadable.
 */

/** A text from a request, a header or a token. */
export const storedText = z.string().min(1);

/**
 * Id of a provisioning: the name of its executions. The name of a roll-back appends parts with dots, so the id contains
 * no dot.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html (name)
 */
export const storedProvisioningId = z.string().regex(/^[\w-]{1,80}$/);

/**
 * The generation of a provisioning: App1's start functions generate it, both services use it, and every roll-back has a
 * copy. It stands between two dots in the name of a roll-back, so it contains no dot.
 */
export const storedCreationId = z.string().regex(/^[\w-]{1,36}$/);

/** Fields that the input of every execution has. */
export const storedSubject = {
  provisioning_id: storedProvisioningId,
  creation_id: storedCreationId,
  username: storedText,
  human_user_id: storedText,
};
