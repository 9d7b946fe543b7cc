import * as z from 'zod';

/** What was counted of one provisioning, from its request to its end. */
export const counts = z.strictObject({
  /** State transitions: for each execution its start, each state that it entered, and each retry. */
  transitions: z.int(),
  /** Calls to the user pool about this user. */
  cognito: z.int(),
  /** Sign-ins of the machine user. */
  sign_ins: z.int(),
  kms: z.int(),
  /** Requests of App1 to App2. */
  http: z.int(),
  secrets_manager: z.int(),
  /** Reservations of App2's rate limiters, and what App1 keeps of a creation whose outcome it is notified of. */
  dynamodb_writes: z.int(),
  /** App2's looks at the queue; without the caller's polls of the status. */
  dynamodb_reads: z.int(),
  /** Of Lambda functions: states, requests to both APIs, and the authorizer. */
  invocations: z.int(),
  /** Entries of PutEvents. */
  events: z.int(),
  /** Calls to Step Functions' API, which cost nothing, but DescribeExecution is the narrowest quota. */
  step_functions: z.int(),
});
export type Counts = z.infer<typeof counts>;

/** Of which nothing was counted yet. */
export const nothing: Counts = {
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
