import * as z from 'zod';

/** What operators of App2 call by its functions, not by its API. */

/** Answer of the function `app2-revoke-machine-credentials`. */
export const revokedCredentials = z.strictObject({
  /** Version of the secret that holds the only credentials that are valid now. */
  version_id: z.string(),
  /** How many former machine users were disabled and removed. */
  removed_users: z.int().min(0),
});
export type RevokedCredentials = z.infer<typeof revokedCredentials>;
