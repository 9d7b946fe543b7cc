import { type FaultRule, faultsAt } from '../../../local/harness/faults/rules.ts';
import { eventually } from '../../local-aws/support/eventually.ts';

const url = process.env['FAULT_PROXY_URL'];
if (url === undefined)
  throw new Error('FAULT_PROXY_URL is not set: the setup of the suite starts the proxy and sets it.');

/** The fault proxy between the functions and state machines and the local AWS. */
export const faults = faultsAt(url);

/** Fault rules of one case. The case lifts them before it finishes. */
export interface InjectedFaults {
  /** Whether each rule fired. */
  allFired(): Promise<boolean>;
  /** Waits until each rule has fired, for `within` milliseconds. */
  waitUntilFired(within?: number): Promise<void>;
  /** How often each rule has fired, in the order of the rules. */
  timesFired(): Promise<number[]>;
  lift(): Promise<void>;
}

export async function inject(...rules: FaultRule[]): Promise<InjectedFaults> {
  const ids = await faults.add(rules);
  const allFired = async () => (await faults.fired(ids)).length === ids.length;
  return {
    allFired,
    waitUntilFired: (within = 60_000) =>
      eventually(
        async () => {
          // The message omits the body conditions, because one of them contains a password.
          const names = rules.map(({ service, operation }) => `${service} ${operation}`);
          if (!(await allFired())) throw new Error(`Not all of these have fired: ${names.join(', ')}.`);
        },
        within,
        200,
      ),
    timesFired: async () => {
      const fired = new Map((await faults.fired(ids)).map(({ id, times }) => [id, times]));
      return ids.map((id) => fired.get(id) ?? 0);
    },
    lift: () => faults.remove(ids),
  };
}
