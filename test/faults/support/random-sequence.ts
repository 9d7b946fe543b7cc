import fc from 'fast-check';
import { type Call, calls } from '../matrix/calls.ts';
import { type Fault, faults } from '../matrix/faults.ts';

/** Faults and disturbances of one provisioning. */
export interface FaultSequence {
  faults: { call: Call; fault: Fault; times: number }[];
  disturbances: Disturbance[];
  /** Whether the caller sends a DELETE at last. */
  deprovisioned: boolean;
}

/** An action from outside while the call of a state is delayed. */
export interface Disturbance {
  state: string;
  action:
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

export const faultSequences: fc.Arbitrary<FaultSequence> = fc.record({
  faults: fc.array(
    fc
      .record({ combination: fc.constantFrom(...combinations), times: fc.integer({ min: 1, max: 7 }) })
      .map(({ combination, times }) => ({ ...combination, times })),
    { minLength: 1, maxLength: 4 },
  ),
  disturbances: fc.array(
    fc.record<Disturbance>({
      state: fc.constantFrom(...states),
      action: fc.constantFrom(
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

/** A sequence in one line. */
export const formatSequence = ({ faults: injected, disturbances, deprovisioned }: FaultSequence): string =>
  [
    ...injected.map(({ call, fault, times }) => `${call.by} ${call.to} ${fault} x${times}`),
    ...disturbances.map(({ state, action }) => `${action} in ${state}`),
    ...(deprovisioned ? ['then DELETE'] : []),
  ].join('; ');
