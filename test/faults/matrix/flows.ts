import type { FaultRule } from '../../../local/harness/faults/rules.ts';
import { cognito, type ProvisioningIdentifiers, targetKey, targetRequests } from './matches.ts';
import type { Outcome, StepError } from './outcome.ts';

/** The situation in which a call is made, and its outcome without a further fault. */
export interface FlowRow {
  /** Title of the section in docs/failures.md. */
  title: string;
  /** Outcome without a further fault. */
  baseline: Outcome;
  /** Faults that lead to this flow. */
  given?: (identifiers: ProvisioningIdentifiers) => FaultRule[];
  /** Whether the fault starts after the provisioning has finished, and the request is a DELETE. */
  deprovisions?: true;
  /** Whether the fault starts when the caller repeats a request that was accepted. */
  repeats?: true;
  /** Whether another provisioning has created a user with this name before. */
  rival?: true;
  /** Whether the fault starts, and the caller sends a DELETE, while App2 creates the user. */
  cancels?: true;
  /** The state machine whose execution an operator stops while App2 creates the user. */
  stops?: 'ProvisionServiceUser' | 'CreateServiceUser';
}

/** App1's error for a creation that App2 has compensated. */
export const COMPENSATED_AT_APP2: StepError = { step: 'RequestUserCreation', code: 'USER_CREATION_FAILED' };

const denied = { error: { code: 'AccessDeniedException', status: 400 } };

const { match: decryptions } = targetKey('Decrypt');
const { match: creations } = cognito('AdminCreateUser', 'username');
const { match: passwords } = cognito('AdminSetUserPassword', 'sub');
const { match: memberships } = cognito('AdminAddUserToGroup', 'sub');

/** Timeouts for as many attempts as a step can retry. */
const timeouts = { timeout_ms: 3_500, times: 4 };

const failed = (app1: StepError, app2?: StepError): Outcome => ({
  status: 'FAILED',
  user: 'absent',
  app1,
  ...(app2 === undefined ? {} : { app2 }),
  requiresFaultEnd: false,
});

export const flows = {
  provision: {
    title: 'While a user is being provisioned',
    baseline: { status: 'SUCCEEDED', user: 'present', requiresFaultEnd: false },
  },
  repeat: {
    title: 'While a request is repeated',
    baseline: { status: 'SUCCEEDED', user: 'present', requiresFaultEnd: false },
    repeats: true,
  },
  'name in use': {
    title: 'While a user is being provisioned whose name already exists',
    baseline: failed(
      { step: 'RequestUserCreation', code: 'USER_ALREADY_EXISTS' },
      { step: 'CreateUser', code: 'USER_ALREADY_EXISTS' },
    ),
    rival: true,
  },
  compensation: {
    title: 'While a provisioning is being compensated',
    baseline: failed(COMPENSATED_AT_APP2, { step: 'AddToGroup', code: 'INTERNAL_ERROR' }),
    given: (identifiers) => [{ ...memberships(identifiers), ...denied }],
  },
  'compensation before App2': {
    title: 'While a provisioning is being compensated that has not reached App2',
    baseline: failed({ step: 'RequestUserCreation', code: 'TARGET_REQUEST_REFUSED' }),
    given: (identifiers) => [{ ...targetRequests.POST.match(identifiers), ...denied }],
  },
  deprovision: {
    title: 'While a user is being deprovisioned (DELETE)',
    baseline: { status: 'SUCCEEDED', user: 'absent', requiresFaultEnd: false },
    deprovisions: true,
  },
  cancel: {
    title: 'While a provisioning is being cancelled (DELETE while it runs)',
    baseline: {
      status: 'ABORTED',
      user: 'absent',
      app1: { step: 'Execution', code: 'CANCELLED' },
      requiresFaultEnd: false,
    },
    // These timeouts last longer than a roll-back retries to stop the execution.
    given: (identifiers) => [
      { ...decryptions(identifiers), ...timeouts },
      { ...creations(identifiers), ...timeouts },
      { ...passwords(identifiers), ...timeouts },
    ],
    cancels: true,
  },
  'stopped at App1': {
    title: 'After an execution of App1 was stopped',
    baseline: {
      status: 'ABORTED',
      user: 'absent',
      app1: { step: 'Execution', code: 'ABORTED' },
      requiresFaultEnd: false,
    },
    given: (identifiers) => [{ ...passwords(identifiers), latency: 2_400, times: 1 }],
    stops: 'ProvisionServiceUser',
  },
  'stopped at App2': {
    title: 'After an execution of App2 was stopped',
    baseline: failed(COMPENSATED_AT_APP2, { step: 'Execution', code: 'ABORTED' }),
    given: (identifiers) => [{ ...passwords(identifiers), latency: 2_400, times: 1 }],
    stops: 'CreateServiceUser',
  },
} as const satisfies Record<string, FlowRow>;

export type Flow = keyof typeof flows;

/** A flow by its name, with its optional fields. */
export const flowOf = (name: Flow): FlowRow => flows[name];
