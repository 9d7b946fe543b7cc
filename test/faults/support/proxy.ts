import { type FaultRule, faultsAt } from '../../../local/faults/rules.ts';

const url = process.env['FAULT_PROXY_URL'];
if (url === undefined) throw new Error('FAULT_PROXY_URL is not set; the suite starts the proxy.');

/** The fault proxy between the functions and state machines and the local AWS. */
export const faults = faultsAt(url);

/** Rules of one case, which are lifted at its end at the latest. */
export interface Injected {
  /** Whether each rule fired. */
  allFired(): Promise<boolean>;
  /** How often each rule fired, in their order. */
  times(): Promise<number[]>;
  lift(): Promise<void>;
}

export async function inject(...rules: FaultRule[]): Promise<Injected> {
  const ids = await faults.add(rules);
  return {
    allFired: async () => (await faults.fired(ids)).length === ids.length,
    times: async () => {
      const fired = new Map((await faults.fired(ids)).map(({ id, times }) => [id, times]));
      return ids.map((id) => fired.get(id) ?? 0);
    },
    lift: () => faults.remove(ids),
  };
}
