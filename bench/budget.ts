import type { Counts } from './count/counts.ts';

/**
 * What one provisioning may cost on the good path, warm: no more than this. `test/faults/budget.test.ts` counts a
 * provisioning on a local AWS against it, `npm run cost` calculates with what was counted (results/counts.json). A
 * change that raises a count must change this page, too.
 */
export const budget = {
  /** Of both machines together; each is charged. */
  transitions: 15,
  /** Create, set the password, add to the group. The machine user's token is remembered. */
  cognito: 3,
  sign_ins: 0,
  /** Seal, MAC, re-encrypt, prove that it decrypts, decrypt. */
  kms: 5,
  /** App2 answers within `Prefer: wait`. */
  http: 1,
  secrets_manager: 0,
  /** Reservations: to poll the status, to start, to add to the group. */
  dynamodb_writes: 3,
  /** How long the queue is, and what of it the caller holds. */
  dynamodb_reads: 2,
  /** Both APIs' functions and one for each step; the authorizer's answer is remembered. */
  invocations: 9,
  /** Requested, created, provisioned. */
  events: 3,
} as const satisfies Partial<Counts>;

/** Which counts are above the budget, each with what it may be. */
export function overBudget(counts: Counts): string[] {
  return Object.entries(budget).flatMap(([what, most]) => {
    const count = counts[what as keyof typeof budget];
    return count > most ? [`${what}: ${count} instead of ${most}`] : [];
  });
}
