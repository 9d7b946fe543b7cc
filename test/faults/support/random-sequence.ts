import fc from 'fast-check';
import { type Call, calls } from '../matrix/calls.ts';
import { type Fault, faults } from '../matrix/faults.ts';

/** Faults and disturbances of one provisioning. `at` is the position of a target in the request. */
export interface FaultSequence {
  faults: { call: Call; fault: Fault; times: number; at: number }[];
  disturbances: Disturbance[];
  /** Whether the caller sends a DELETE at last. */
  deprovisioned: boolean;
}

/** An action from outside while the call of a state is delayed. */
export interface Disturbance {
  state: string;
  at: number;
  action:
    | 'kill'
    | 'stop App1'
    | 'stop App2'
    | 'time out App1'
    | 'time out App2'
    | 'DELETE'
    | 'POST again'
    | 'user deleted'
    | 'user replaced';
}

/** Whether the fault costs little time. Responses of App2 that exceed their time limit of 15 s are rows of the matrix. */
const quick = (call: Call, fault: Fault): boolean =>
  call.http !== true || (fault !== 'response late' && fault !== 'late effect');

const combinations = calls.flatMap((call) =>
  (Object.keys(faults) as Fault[]).filter((fault) => quick(call, fault)).map((fault) => ({ call, fault })),
);

const states = [
  'PublishRequested',
  'EncryptCredentials',
  'RequestUserCreation',
  'PublishProvisioned',
  'DecryptCredentials',
  'CreateUser',
  'SetPassword',
  'AddToGroup',
  'PublishUserCreated',
  'DeleteUser',
  'PublishUserRolledBack',
];

/** Sequences for provisionings at this number of targets. */
export function faultSequences(targets: number): fc.Arbitrary<FaultSequence> {
  const at = fc.nat({ max: targets - 1 });
  return fc.record({
    faults: fc.array(
      fc
        .record({ combination: fc.constantFrom(...combinations), times: fc.integer({ min: 1, max: 7 }), at })
        .map(({ combination, ...fault }) => ({ ...combination, ...fault })),
      { minLength: 1, maxLength: 4 },
    ),
    disturbances: fc.array(
      fc.record<Disturbance>({
        state: fc.constantFrom(...states),
        at,
        action: fc.constantFrom(
          'kill',
          'stop App1',
          'stop App2',
          'time out App1',
          'time out App2',
          'DELETE',
          'POST again',
          'user deleted',
          'user replaced',
        ),
      }),
      { maxLength: 2 },
    ),
    deprovisioned: fc.boolean(),
  });
}

/** A sequence in one line. @param targets names of the targets of the request */
export const formatSequence = (
  { faults: injected, disturbances, deprovisioned }: FaultSequence,
  targets: readonly string[],
): string =>
  [
    ...injected.map(
      ({ call, fault, times, at }) => `${call.by} ${call.to} at ${targets[at]} ${fault} x${times}`,
    ),
    ...disturbances.map(({ state, action, at }) => `${action} in ${state} at ${targets[at]}`),
    ...(deprovisioned ? ['then DELETE'] : []),
  ].join('; ');
