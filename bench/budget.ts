import type { Counts } from './count/counts.ts';

/**
 * The largest allowed counts of one successful provisioning with warm functions. `test/faults/budget.test.ts` compares a
 * provisioning on a local AWS with it. `npm run cost` uses the recorded counts (results/counts.json). A change that
 * raises a count must change this budget, too.
 */
export const budget = {
  /** Transitions of both state machines; AWS charges each. */
  transitions: 15,
  /** CreateUser, SetPassword, AddToGroup. The token of the machine user is cached. */
  cognito: 3,
  sign_ins: 0,
  /** Encrypt, GenerateMac, ReEncrypt, and Decrypt in DecryptCredentials and in SetPassword. */
  kms: 5,
  /** App2 responds within `Prefer: wait`. */
  http: 1,
  secrets_manager: 0,
  /** Reservations for the status poll, the creation and the group change. */
  dynamodb_writes: 3,
  /** Length of the queue, and the caller's part of it. */
  dynamodb_reads: 2,
  /** The functions of both APIs and of each step; the policy of the authorizer is cached. */
  invocations: 9,
  /** Requested, created, provisioned. */
  events: 3,
} as const satisfies Partial<Counts>;

/** The counts above the budget, each with its limit. */
export function overBudget(counts: Counts): string[] {
  return Object.entries(budget).flatMap(([name, limit]) => {
    const count = counts[name as keyof typeof budget];
    return count > limit ? [`${name}: ${count} instead of ${limit}`] : [];
  });
}
