import * as z from 'zod';

/** Counts of one provisioning, from its request to its outcome. */
export const counts = z.strictObject({
  /** State transitions: the start of each execution, each state that it enters, and each retry. */
  transitions: z.int(),
  /** Calls to Cognito about this user. */
  cognito: z.int(),
  /** Sign-ins of the machine user. */
  sign_ins: z.int(),
  kms: z.int(),
  /** Requests of App1 to targets. */
  http: z.int(),
  secrets_manager: z.int(),
  /** Reservations of App2's rate limiters, and the items of App1's callback registry. */
  dynamodb_writes: z.int(),
  /** App2's reads of the queue, without the caller's polls of the status. */
  dynamodb_reads: z.int(),
  /** Invocations of Lambda functions: by states, by requests to both APIs, and of the authorizer. */
  invocations: z.int(),
  /** Entries of PutEvents. */
  events: z.int(),
  /** Calls to the API of Step Functions: they are free, but DescribeExecution has the narrowest quota. */
  step_functions: z.int(),
});
export type Counts = z.infer<typeof counts>;

export const noCounts: Counts = {
  transitions: 0,
  cognito: 0,
  sign_ins: 0,
  kms: 0,
  http: 0,
  secrets_manager: 0,
  dynamodb_writes: 0,
  dynamodb_reads: 0,
  invocations: 0,
  events: 0,
  step_functions: 0,
};
