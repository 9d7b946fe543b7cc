import fc from 'fast-check';
import { type Call, calls } from '../matrix/calls.ts';
import { type Fault, faults } from '../matrix/faults.ts';

/** A random walk: one provisioning, to which several things happen. */
export interface Walk {
  faults: { call: Call; fault: Fault; times: number }[];
  disturbances: Disturbance[];
  /** Whether the caller asks for the removal in the end. */
  deprovisioned: boolean;
}

/** What somebody does from outside while a state is held. */
export interface Disturbance {
  state: string;
  what:
    | 'stop App1'
    | 'stop App2'
    | 'time out App1'
    | 'time out App2'
    | 'DELETE'
    | 'POST again'
    | 'user deleted'
    | 'user replaced';
}

/** Answers of App2 that are waited for for a quarter of a minute each are in the matrix. */
const quick = (call: Call, fault: Fault): boolean =>
  call.http !== true || (fault !== 'answer late' && fault !== 'effect late');

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

export const walk: fc.Arbitrary<Walk> = fc.record({
  faults: fc.array(
    fc
      .record({ combination: fc.constantFrom(...combinations), times: fc.integer({ min: 1, max: 7 }) })
      .map(({ combination, times }) => ({ ...combination, times })),
    { minLength: 1, maxLength: 4 },
  ),
  disturbances: fc.array(
    fc.record<Disturbance>({
      state: fc.constantFrom(...states),
      what: fc.constantFrom(
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

/** A walk in one line. */
export const told = ({ faults: happened, disturbances, deprovisioned }: Walk): string =>
  [
    ...happened.map(({ call, fault, times }) => `${call.by} ${call.to} ${fault} x${times}`),
    ...disturbances.map(({ state, what }) => `${what} in ${state}`),
    ...(deprovisioned ? ['then DELETE'] : []),
  ].join('; ');
