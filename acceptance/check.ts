import type { DeployedSystem } from './system.ts';

/** One thing that has to be true of a deployed system. */
export interface Check<System = DeployedSystem> {
  /** Stable: `--only` takes it, and assumptions.ts names it. `area/what`. */
  readonly name: string;
  /** What is true when it passes. */
  readonly claim: string;
  /** Only with `--full`: it takes minutes, or somebody hears of it. */
  readonly full?: true;
  /** It mostly waits, so it runs beside all the others. */
  readonly waits?: true;
  /**
   * Looks, and says what it saw.
   * @throws CheckFailed when the claim is not true; NotApplicable when this deployment has nothing that it could look at
   */
  readonly run: (system: System) => Promise<string>;
}
