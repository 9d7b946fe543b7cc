import type { DeployedSystem } from './system.ts';

/** A claim about a deployed system, and the function that verifies it. */
export interface Check<System = DeployedSystem> {
  /** `area/subject`. Stable: `--only` and assumptions.ts use it. */
  readonly name: string;
  /** What is true when it passes. */
  readonly claim: string;
  /** Runs only with `--full`: it takes minutes, or it notifies people. */
  readonly full?: true;
  /** Mostly waits, so it runs in parallel to all other checks. */
  readonly runsInParallel?: true;
  /**
   * Verifies the claim and returns the evidence.
   * @throws CheckFailed when the claim is not true; NotApplicable when this deployment does not have the subject of the claim
   */
  readonly run: (system: System) => Promise<string>;
}
