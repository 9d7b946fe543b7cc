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

/** Response of `POST /sample`: the username of the caller and the received data. */
export const sampleReply = z.strictObject({
  username: z.string(),
  received: z.record(z.string(), z.unknown()),
});
export type SampleReply = z.infer<typeof sampleReply>;

/**
 * The groups of App2's user pool, with their default names: machine clients that may create users, and service users.
 * Settings can rename them. Routes use the default name; functions read the name in their pool from their environment.
 */
export const groups = { apiClient: 'api-client', serviceUser: 'service-user' } as const;
export type Group = (typeof groups)[keyof typeof groups];

/**
 * Groups for the owner of a machine user: the service that signs in with it. A rotation replaces the machine user of a
 * service by another one in the same group, which may read and remove what its predecessor created.
 */
export const ownerGroups = { app1: 'owner-app1' } as const;

/**
 * Value of the secret `<service>-api-client-credentials`, which the target issues and App1 reads: the credentials with which the
 * machine user signs in (InitiateAuth with SECRET_HASH).
 * docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html#cognito-user-pools-computing-secret-hash
 */
export const machineCredentials = z.strictObject({
  username: z.string().min(1),
  password: z.string().min(1),
  client_secret: z.string().min(1),
});
export type MachineCredentials = z.infer<typeof machineCredentials>;
