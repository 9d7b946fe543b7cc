import * as z from 'zod';

/** Response of the function `app2-revoke-machine-credentials`, which operators invoke. */
export const revokedCredentials = z.strictObject({
  /** Version of the secret that holds the only credentials that are valid now. */
  version_id: z.string(),
  /** Number of earlier machine users that were disabled and deleted. */
  removed_users: z.int().min(0),
});
export type RevokedCredentials = z.infer<typeof revokedCredentials>;
