import type { FaultRule } from '../../../local/harness/faults/rules.ts';
import { cognito, type Known, kms } from './matches.ts';
import type { Outcome, Told } from './outcome.ts';

/** What leads to a call, and what comes of it when nothing else goes wrong. */
export interface FlowRow {
  /** What happens, as a title. */
  title: string;
  /** What comes of it. */
  base: Outcome;
  /** What goes wrong by intent, so that it is this flow. */
  given?: (known: Known) => FaultRule[];
  /** Whether the fault begins when the provisioning is over, and a DELETE is what is asked. */
  deprovisions?: true;
  /** Whether the request was accepted before, and the fault begins when it is repeated. */
  repeats?: true;
  /** Whether somebody else has provisioned a user of this name before. */
  rival?: true;
  /** Whether the fault begins, and the DELETE comes, while App2 is at work. */
  cancels?: true;
  /** The machine whose execution an operator stops while App2 is at work. */
  stops?: 'ProvisionServiceUser' | 'CreateServiceUser';
}

/** What App1 tells of a creation that App2 has undone. */
export const UNDONE_AT_APP2: Told = { step: 'RequestUserCreation', code: 'USER_CREATION_FAILED' };

const refused = { error: { code: 'AccessDeniedException', status: 400 } };

const { match: decryptions } = kms('Decrypt', 'EncryptionContext');
const { match: creations } = cognito('AdminCreateUser', 'username');
const { match: passwords } = cognito('AdminSetUserPassword', 'sub');
const { match: memberships } = cognito('AdminAddUserToGroup', 'sub');

/** As often as a step can bear. */
const unanswered = { timeout_ms: 3_500, times: 4 };

const failed = (app1: Told, app2?: Told): Outcome => ({
  status: 'FAILED',
  user: 'absent',
  app1,
  ...(app2 === undefined ? {} : { app2 }),
  afterwards: false,
});

export const flows = {
  provision: {
    title: 'While a user is provisioned',
    base: { status: 'SUCCEEDED', user: 'present', afterwards: false },
  },
  repeat: {
    title: 'While a request is repeated',
    base: { status: 'SUCCEEDED', user: 'present', afterwards: false },
    repeats: true,
  },
  taken: {
    title: 'While a user is provisioned whose name is taken',
    base: failed(
      { step: 'RequestUserCreation', code: 'USER_ALREADY_EXISTS' },
      { step: 'CreateUser', code: 'USER_ALREADY_EXISTS' },
    ),
    rival: true,
  },
  undo: {
    title: 'While a provisioning is undone',
    base: failed(UNDONE_AT_APP2, { step: 'AddToGroup', code: 'INTERNAL_ERROR' }),
    given: (known) => [{ ...memberships(known), ...refused }],
  },
  unreached: {
    title: 'While a provisioning is undone of which App2 has not heard',
    base: failed({ step: 'RequestUserCreation', code: 'APP2_REQUEST_REFUSED' }),
    given: ({ id }) => [
      { service: 'execute-api', operation: 'POST', headers: { 'Idempotency-Key': id }, ...refused },
    ],
  },
  deprovision: {
    title: 'While a user is deprovisioned (DELETE)',
    base: { status: 'SUCCEEDED', user: 'absent', afterwards: false },
    deprovisions: true,
  },
  cancel: {
    title: 'While a provisioning is cancelled (DELETE before its end)',
    base: {
      status: 'ABORTED',
      user: 'absent',
      app1: { step: 'Execution', code: 'CANCELLED' },
      afterwards: false,
    },
    // For longer than a roll-back tries to stop what is held here.
    given: (known) => [
      { ...decryptions(known), ...unanswered },
      { ...creations(known), ...unanswered },
      { ...passwords(known), ...unanswered },
    ],
    cancels: true,
  },
  'stopped at App1': {
    title: 'When an execution of App1 was stopped',
    base: {
      status: 'ABORTED',
      user: 'absent',
      app1: { step: 'Execution', code: 'ABORTED' },
      afterwards: false,
    },
    given: (known) => [{ ...passwords(known), latency: 2_400, times: 1 }],
    stops: 'ProvisionServiceUser',
  },
  'stopped at App2': {
    title: 'When an execution of App2 was stopped',
    base: failed(UNDONE_AT_APP2, { step: 'Execution', code: 'ABORTED' }),
    given: (known) => [{ ...passwords(known), latency: 2_400, times: 1 }],
    stops: 'CreateServiceUser',
  },
} as const satisfies Record<string, FlowRow>;

export type Flow = keyof typeof flows;

/** A flow with all that it may have. */
export const flowOf = (name: Flow): FlowRow => flows[name];
