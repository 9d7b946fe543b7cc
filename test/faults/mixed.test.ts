import { expect } from '@jest/globals';
import type { FaultRule } from '../../local/harness/faults/rules.ts';
import { denyCalls, findCall } from './support/call-rules.ts';
import { system } from './support/deployed.ts';
import { waitForState } from './support/executions.ts';
import { violations, waitForOutcome } from './support/oracle.ts';
import { type PlannedProvisioning, plan } from './support/plan.ts';
import { createUnrelatedUser, deleteUser } from './support/pool.ts';
import { cancel, post } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { suite } from './support/suite.ts';
import { runSweepsSoon } from './support/sweeps.ts';

/** Several faults of one provisioning, whose last fault alone would suggest another outcome. */
interface Scenario {
  name: string;
  rules: (planned: PlannedProvisioning) => FaultRule[];
  /** Whether the buses reject events until the sweep. */
  withoutEvents?: boolean;
  /** Whether the caller sends a DELETE as soon as App2 creates the user. */
  deprovisioned?: boolean;
  /** Whether an unrelated user has the name until the compensation starts. */
  nameInUseUntilCompensation?: boolean;
  /** Whether DeleteUser has to wait for calls in flight, if the scenario tests that. */
  waits?: boolean;
  expected: string;
}

const CREATE = findCall('CreateUser cognito-idp:AdminCreateUser');
const DECRYPT = findCall('DecryptCredentials kms:Decrypt');
const GROUP = denyCalls('AddToGroup cognito-idp:AdminAddUserToGroup');

const denied = { error: { code: 'AccessDeniedException', status: 400 } };
const throttled = { error: { code: 'TooManyRequestsException', status: 400 } };
const COMPENSATED = 'FAILED, absent, USER_CREATION_FAILED';
const NAME_IN_USE = 'FAILED, absent, USER_ALREADY_EXISTS';

/** A delay longer than two attempts of CreateUser, and shorter than a call can be in flight; in milliseconds. */
const LATE_EFFECT_MS = 9_000;

const rejectEvents = ({ id }: PlannedProvisioning, condition = '`true`'): FaultRule => ({
  service: 'events',
  operation: 'PutEvents',
  body: `contains(Entries[0].Detail, '${id}') && ${condition}`,
  error: { code: 'InternalException', status: 500 },
});

const AFTER_THE_REQUEST = "Entries[0].DetailType != 'ServiceUserProvisioningRequested'";

const scenarios: Scenario[] = [
  {
    name: 'the response of the creation is lost, and every later attempt is throttled',
    rules: (planned) => [
      { ...CREATE.match(planned), response: { abort_bytes: 0 }, times: 1 },
      { ...CREATE.match(planned), ...throttled },
    ],
    expected: COMPENSATED,
  },
  {
    name: 'the response of the creation is lost, and every later attempt is denied',
    rules: (planned) => [
      { ...CREATE.match(planned), response: { abort_bytes: 0 }, times: 1 },
      { ...CREATE.match(planned), ...denied },
    ],
    expected: COMPENSATED,
  },
  {
    name: 'the user appears after the compensation has read the pool',
    rules: (planned) => [
      { ...CREATE.match(planned), latency: LATE_EFFECT_MS, times: 1 },
      { ...CREATE.match(planned), ...denied },
    ],
    // On a slow machine the user exists before the pool is read; DeleteUser has to wait all the same.
    waits: true,
    expected: COMPENSATED,
  },
  {
    name: 'the first creation takes effect late, the second finds the name in use, and the name becomes free',
    rules: (planned) => [{ ...CREATE.match(planned), latency: LATE_EFFECT_MS, times: 1 }],
    nameInUseUntilCompensation: true,
    waits: true,
    expected: NAME_IN_USE,
  },
  {
    name: 'the pool rejects a password that DecryptCredentials has accepted: no call is in flight',
    rules: (planned) => [
      {
        ...findCall('SetPassword cognito-idp:AdminSetUserPassword').match(planned),
        error: { code: 'InvalidPasswordException', status: 400 },
      },
    ],
    expected: 'FAILED, absent, PASSWORD_REJECTED',
    waits: false,
  },
  {
    name: 'the compensation does not find the user at first, neither by sub nor by name',
    rules: (planned) => [
      GROUP(planned),
      {
        service: 'cognito-idp',
        operation: 'AdminGetUser',
        body: `(Username == '${planned.sub}' || Username == '${planned.username}') && UserPoolId == '${planned.userPoolId}'`,
        error: { code: 'UserNotFoundException', status: 400 },
        times: 2,
      },
    ],
    expected: COMPENSATED,
  },
  {
    name: 'the compensation removes the user of two attempts that take effect one after the other',
    rules: (planned) => [{ ...CREATE.match(planned), latency: 4_500, times: 2 }, GROUP(planned)],
    expected: COMPENSATED,
  },
  {
    name: 'DELETE while the creation takes longer than any call can be in flight',
    rules: (planned) => [
      { ...DECRYPT.match(planned), timeout_ms: 3_500, times: 4 },
      { ...CREATE.match(planned), timeout_ms: 3_500, times: 4 },
    ],
    deprovisioned: true,
    expected: 'ABORTED, absent, CANCELLED',
  },
  {
    name: 'the buses reject every event after the request: a creation without an event is compensated',
    rules: (planned) => [rejectEvents(planned, AFTER_THE_REQUEST)],
    withoutEvents: true,
    expected: COMPENSATED,
  },
  {
    name: 'the buses reject every event after the request, and DELETE arrives during the creation',
    rules: (planned) => [
      rejectEvents(planned, AFTER_THE_REQUEST),
      { ...DECRYPT.match(planned), timeout_ms: 3_500, times: 2 },
    ],
    deprovisioned: true,
    withoutEvents: true,
    expected: 'ABORTED, absent, CANCELLED',
  },
  {
    name: 'the buses reject every event: a provisioning without an event does not start',
    rules: (planned) => [rejectEvents(planned)],
    withoutEvents: true,
    expected: 'FAILED, absent, EVENT_NOT_PUBLISHED',
  },
];

suite('a scenario of several faults', scenarios, {
  async run(
    { rules, deprovisioned = false, withoutEvents = false, nameInUseUntilCompensation = false, waits },
    finalChecks,
  ) {
    const planned = await plan();
    if (nameInUseUntilCompensation) await createUnrelatedUser(planned.username);
    const injected = await inject(...rules(planned));
    try {
      await post(planned, planned.key);
      if (deprovisioned) {
        await waitForState('CreateServiceUser', planned.id, 'DecryptCredentials');
        await cancel(planned.id);
      }
      if (nameInUseUntilCompensation) {
        await waitForState('CreateServiceUser', planned.id, 'DeleteUser');
        await deleteUser(planned.username);
      }
      const broken = await violations(planned, { withoutEvents });
      if (waits !== undefined) {
        const states = await system.states('CreateServiceUser', planned.id);
        const errorsOf = (state: string) => states.find(({ name }) => name === state)?.errors ?? [];
        const waited = errorsOf('DeleteUser').includes('AbsenceNotConfirmed');
        // Under load, CreateUser may have been retried, and then a call can be in flight.
        const retried = errorsOf('CreateUser').length > 0;
        if (waits ? !waited : waited && !retried)
          broken.push(`DeleteUser has ${waited ? '' : 'not '}waited.`);
      }
      if (withoutEvents) {
        await injected.lift();
        await runSweepsSoon();
        broken.push(...(await violations(planned)));
      }
      const { status, user, error } = await waitForOutcome(planned.id);
      finalChecks.addProvisioning(planned, user);
      return { broken, status: [status, user, ...(error === undefined ? [] : [error.code])].join(', ') };
    } finally {
      await injected.lift();
    }
  },
  check: ({ broken, status }, { expected }) => {
    expect(broken).toEqual([]);
    expect(status).toBe(expected);
  },
  sample: 2,
});
