import { system } from './deployed.ts';

/** Longest time from the failure of a target to the end of the wait for the others, in milliseconds. */
export const FAILS_WITHIN = 2_000;

/** How an execution of `ProvisionServiceUser` ended its wait for a target when another one failed. */
export interface EndOfWait {
  /** Number of targets whose request was stopped. */
  stopped: number;
  /** Time from the failure to the compensation, in milliseconds. */
  duration: number;
}

/** @throws Error if no target failed */
export async function endOfWait(id: string): Promise<EndOfWait> {
  const steps = await system.states('ProvisionServiceUser', id);
  const failed = steps.find(({ name }) => name === 'TargetFailed');
  const compensation = steps.find(({ name }) => name === 'CompensateTargets');
  if (failed === undefined || compensation === undefined) throw new Error(`No target of ${id} has failed.`);
  return {
    stopped: steps.filter(({ name, status }) => name === 'RequestUserCreation' && status === 'stopped')
      .length,
    duration: compensation.enteredAt.getTime() - failed.enteredAt.getTime(),
  };
}
