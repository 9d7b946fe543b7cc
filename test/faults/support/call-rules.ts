import type { FaultRule } from '../../../local/harness/faults/rules.ts';
import type { Machine } from '../../../local/system.ts';
import { type Call, calls } from '../matrix/calls.ts';
import type { ProvisioningIdentifiers } from '../matrix/matches.ts';

/** Fault rules for the calls of the matrix: they lead an execution into a state, and delay it there. */

/** Delay of a call, in milliseconds: shorter than its time limit. */
const DELAY_MS = 2_400;

/** The call of the matrix with this name. @throws Error if there is none */
export function findCall(name: string): Call {
  const found = calls.find(({ by, to }) => `${by} ${to}` === name);
  if (found === undefined) throw new Error(`The matrix has no call ${name}.`);
  return found;
}

/** A rule by which a call of the matrix always fails with a permanent error. */
export function denyCalls(name: string): (identifiers: ProvisioningIdentifiers) => FaultRule {
  const call = findCall(name);
  return (identifiers) => ({
    ...call.match(identifiers),
    error: { code: 'AccessDeniedException', status: 400 },
  });
}

/** A rule that delays the next such call of the matrix before it takes effect. */
export function delayCall(name: string, identifiers: ProvisioningIdentifiers): FaultRule {
  return { ...findCall(name).match(identifiers), latency: DELAY_MS, times: 1 };
}

/**
 * A rule by which each such call of the matrix times out without an effect. The state retries, so the execution stays in
 * it for about fifteen seconds, even if the other steps of the case are slow.
 */
export function dropCalls(name: string, identifiers: ProvisioningIdentifiers): FaultRule {
  return { ...findCall(name).match(identifiers), timeout_ms: 4_000 };
}

/** Events of states that publish but have no row in the matrix. */
const EVENTS_WITHOUT_ROW: Record<string, string> = {
  PublishUserCreationRejected: 'ServiceUserCreationRejected',
  PublishRollBackFailed: 'RollBackFailed',
};

const serviceOf: Record<Machine, Call['service']> = {
  ProvisionServiceUser: 'app1',
  RollBackProvisioning: 'app1',
  CreateServiceUser: 'app2',
  RollBackServiceUser: 'app2',
};

/** Rules that delay the next call of a state before it takes effect. */
export function delayState(
  state: string,
  identifiers: ProvisioningIdentifiers,
  { machine, deprovisioned = false }: { machine?: Machine; deprovisioned?: boolean } = {},
): FaultRule[] {
  const event = EVENTS_WITHOUT_ROW[state];
  if (event !== undefined)
    return [
      {
        service: 'events',
        operation: 'PutEvents',
        body: `contains(Entries[0].DetailType, '${event}') && contains(Entries[0].Detail, '${identifiers.id}')`,
        latency: DELAY_MS,
        times: 1,
      },
    ];
  const candidates = calls.filter(
    ({ by, service }) => by === state && (machine === undefined || service === serviceOf[machine]),
  );
  const call = candidates.find(({ flow }) => (flow === 'deprovision') === deprovisioned) ?? candidates[0];
  if (call === undefined) throw new Error(`The matrix has no call of ${state}.`);
  return [{ ...call.match(identifiers), latency: DELAY_MS, times: 1 }];
}
