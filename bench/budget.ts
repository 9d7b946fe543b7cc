import type { Counts } from './count/counts.ts';

/**
 * The largest allowed counts of one successful provisioning with warm functions, by the number of its targets.
 * `test/faults/budget.test.ts` compares provisionings on a local AWS with it. `npm run cost` uses the recorded counts
 * (results/counts.json). A change that raises a count must change this budget, too.
 */
export const budgetOf = (targets: number) =>
  ({
    /** Transitions of all state machines; AWS charges each. A Map is one, and each state of its iterations is one. */
    transitions: 5 + 11 * targets,
    /** CreateUser, SetPassword, AddToGroup at each target. The token of the machine user is cached. */
    cognito: 3 * targets,
    sign_ins: 0,
    /** Encrypt and GenerateMac; for each target ReEncrypt, and Decrypt in DecryptCredentials and in SetPassword. */
    kms: 2 + 3 * targets,
    /** A target responds within `Prefer: wait`. */
    http: targets,
    secrets_manager: 0,
    /** Reservations of each target for the status poll, the creation and the group change. */
    dynamodb_writes: 3 * targets,
    /** Length of the queue, and the caller's part of it. */
    dynamodb_reads: 2 * targets,
    /** The functions of all APIs and of each step; the policy of the authorizer is cached. */
    invocations: 1 + 8 * targets,
    /** Requested, provisioned; created at each target. */
    events: 2 + targets,
  }) satisfies Partial<Counts>;

export type Budget = ReturnType<typeof budgetOf>;

/** The limit of state transitions in the design: 17 for one target, 39 for three. */
export const transitionLimit = (targets: number): number => 6 + 11 * targets;

/** The counts above the budget, each with its limit. */
export function overBudget(counts: Counts, targets = 1): string[] {
  const budget = budgetOf(targets);
  return Object.entries(budget).flatMap(([name, limit]) => {
    const count = counts[name as keyof Budget]; // keys of a const object: exactly those of Budget
    return count > limit ? [`${name}: ${count} instead of ${limit}`] : [];
  });
}
