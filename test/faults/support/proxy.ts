import { type FaultRule, faultsAt } from '../../../local/harness/faults/rules.ts';
import { eventually } from '../../local-aws/support/eventually.ts';

const url = process.env['FAULT_PROXY_URL'];
if (url === undefined) throw new Error('FAULT_PROXY_URL is not set; the suite starts the proxy.');

/** The fault proxy between the functions and state machines and the local AWS. */
export const faults = faultsAt(url);

/** Rules of one case, which are lifted at its end at the latest. */
export interface Injected {
  /** Whether each rule fired. */
  allFired(): Promise<boolean>;
  /** Waits until each rule has fired, for `within` milliseconds. */
  met(within?: number): Promise<void>;
  /** How often each rule fired, in their order. */
  times(): Promise<number[]>;
  lift(): Promise<void>;
}

export async function inject(...rules: FaultRule[]): Promise<Injected> {
  const ids = await faults.add(rules);
  const allFired = async () => (await faults.fired(ids)).length === ids.length;
  return {
    allFired,
    met: (within = 60_000) =>
      eventually(
        async () => {
          // Without the bodies that they match: one is about a password.
          const names = rules.map(({ service, operation }) => `${service} ${operation}`);
          if (!(await allFired())) throw new Error(`Not all of these have fired: ${names.join(', ')}.`);
        },
        within,
        200,
      ),
    times: async () => {
      const fired = new Map((await faults.fired(ids)).map(({ id, times }) => [id, times]));
      return ids.map((id) => fired.get(id) ?? 0);
    },
    lift: () => faults.remove(ids),
  };
}
