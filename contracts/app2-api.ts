import * as z from 'zod';
import { ciphertext, humanUserId, username } from './fields.ts';

/** Body of App2's `POST /admin/create-user`. Its `Idempotency-Key` is the provisioning_id. */
export const createUserRequest = z.strictObject(
  { username, encrypted_password: ciphertext, human_user_id: humanUserId },
  { error: 'must be a JSON object' },
);
export type CreateUserRequest = z.infer<typeof createUserRequest>;

/** Body of App2's `POST /sample`, the business endpoint for service users. */
export const sampleRequest = z.strictObject(
  {
    data: z.record(z.string(), z.unknown(), {
      error: ({ input }) => (input === undefined ? 'is missing' : 'must be an object'),
    }),
  },
  { error: 'must be a JSON object' },
);
export type SampleRequest = z.infer<typeof sampleRequest>;

/** Answer of `POST /sample`: who was recognised, and what was received. */
export const sampleReply = z.strictObject({
  username: z.string(),
  received: z.record(z.string(), z.unknown()),
});
export type SampleReply = z.infer<typeof sampleReply>;

/**
 * The two groups of App2's user pool, by the names that they have unless the settings give them others: machines that
 * may create users, and the users that they create. A route names its group so; functions read the name in their pool
 * from their environment.
 */
export const groups = { apiClient: 'api-client', serviceUser: 'service-user' } as const;
export type Group = (typeof groups)[keyof typeof groups];

/**
 * Groups that say for whom a machine user works. The machine users of one service follow each other as its credentials
 * are rotated; what one of them asked for, the next one may ask about and remove.
 */
export const ownerGroups = { app1: 'owner-app1' } as const;

/**
 * Value of the secret `app1-api-client-credentials`, which App2 issues and App1 reads:
 * everything that the machine user needs to sign in (InitiateAuth with SECRET_HASH).
 */
export const machineCredentials = z.strictObject({
  username: z.string().min(1),
  password: z.string().min(1),
  client_secret: z.string().min(1),
});
export type MachineCredentials = z.infer<typeof machineCredentials>;
