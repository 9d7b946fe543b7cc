import type { FaultRule } from '../../../local/harness/faults/rules.ts';
import type { Machine } from '../../../local/system.ts';
import { type Call, calls } from '../matrix/calls.ts';
import type { Known } from '../matrix/matches.ts';

/** Rules that bring an execution into a state and keep it there, made from the calls of the matrix. */

/** How long a state is held, in milliseconds: shorter than a call is waited for. */
const HELD = 2_400;

/** The call of the matrix that is named like this. */
export function callNamed(name: string): Call {
  const found = calls.find(({ by, to }) => `${by} ${to}` === name);
  if (found === undefined) throw new Error(`The matrix has no call ${name}.`);
  return found;
}

/** A rule that refuses a call of the matrix for good. */
export function refusal(name: string): (known: Known) => FaultRule {
  const call = callNamed(name);
  return (known) => ({ ...call.match(known), error: { code: 'AccessDeniedException', status: 400 } });
}

/** A rule that holds the next such call of the matrix, before it takes effect. */
export function held(name: string, known: Known): FaultRule {
  return { ...callNamed(name).match(known), latency: HELD, times: 1 };
}

/**
 * A rule by which each such call of the matrix has no answer and no effect: its state tries again, so that an execution
 * stays there for some fifteen seconds, however slow what happens meanwhile is.
 */
export function unanswered(name: string, known: Known): FaultRule {
  return { ...callNamed(name).match(known), timeout_ms: 4_000 };
}

/** Events of states that publish but have no row of their own in the matrix. */
const ANNOUNCED: Record<string, string> = {
  PublishUserCreationRejected: 'ServiceUserCreationRejected',
  PublishRollBackFailed: 'RollBackFailed',
};

const serviceOf: Record<Machine, Call['service']> = {
  ProvisionServiceUser: 'app1',
  RollBackProvisioning: 'app1',
  CreateServiceUser: 'app2',
  RollBackServiceUser: 'app2',
};

/** Rules that hold the next call that a state makes, before it takes effect. */
export function holdOf(
  state: string,
  known: Known,
  { machine, deprovisioned = false }: { machine?: Machine; deprovisioned?: boolean } = {},
): FaultRule[] {
  const event = ANNOUNCED[state];
  if (event !== undefined)
    return [
      {
        service: 'events',
        operation: 'PutEvents',
        body: `contains(Entries[0].DetailType, '${event}') && contains(Entries[0].Detail, '${known.id}')`,
        latency: HELD,
        times: 1,
      },
    ];
  const of = calls.filter(
    ({ by, service }) => by === state && (machine === undefined || service === serviceOf[machine]),
  );
  const call = of.find(({ flow }) => (flow === 'deprovision') === deprovisioned) ?? of[0];
  if (call === undefined) throw new Error(`The matrix has no call of ${state}.`);
  return [{ ...call.match(known), latency: HELD, times: 1 }];
}
