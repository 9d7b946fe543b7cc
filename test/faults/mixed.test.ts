import { expect } from '@jest/globals';
import type { FaultRule } from '../../local/harness/faults/rules.ts';
import { system } from '../e2e/support/deployed.ts';
import { entered } from './support/executions.ts';
import { callNamed, refusal } from './support/holds.ts';
import { type Planned, plan } from './support/known.ts';
import { endOf, violations } from './support/oracle.ts';
import { deleteUser, makeForeignUser } from './support/pool.ts';
import { cancel, post } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { suite } from './support/suite.ts';
import { sweepSoon } from './support/sweeps.ts';

/** Several faults in a row, where the last one alone would tell another story. */
interface Story {
  name: string;
  rules: (planned: Planned) => FaultRule[];
  /** Whether the buses take nothing until the sweep. */
  silent?: boolean;
  /** Whether the caller asks for the removal as soon as App2 is at work. */
  deprovisioned?: boolean;
  /** Whether somebody else has the name until the compensation begins. */
  takenUntilCompensation?: boolean;
  /** Whether DeleteUser has to wait for what may be in flight, where it is about that. */
  waits?: boolean;
  expected: string;
}

const CREATE = callNamed('CreateUser cognito-idp:AdminCreateUser');
const DECRYPT = callNamed('DecryptCredentials kms:Decrypt');
const GROUP = refusal('AddToGroup cognito-idp:AdminAddUserToGroup');

const denied = { error: { code: 'AccessDeniedException', status: 400 } };
const throttled = { error: { code: 'TooManyRequestsException', status: 400 } };
const UNDONE = 'FAILED, absent, USER_CREATION_FAILED';
const TAKEN = 'FAILED, absent, USER_ALREADY_EXISTS';

/** Longer than two attempts to create take, and shorter than a call can be in flight, in milliseconds. */
const LANDS_LATE = 9_000;

const noEvents = ({ id }: Planned, which = '`true`'): FaultRule => ({
  service: 'events',
  operation: 'PutEvents',
  body: `contains(Entries[0].Detail, '${id}') && ${which}`,
  error: { code: 'InternalException', status: 500 },
});

const AFTER_THE_REQUEST = "Entries[0].DetailType != 'ServiceUserProvisioningRequested'";

const stories: Story[] = [
  {
    name: 'the user is created, its answer lost, and every later attempt throttled',
    rules: (planned) => [
      { ...CREATE.match(planned), response: { abort_bytes: 0 }, times: 1 },
      { ...CREATE.match(planned), ...throttled },
    ],
    expected: UNDONE,
  },
  {
    name: 'the user is created, its answer lost, and every later attempt refused',
    rules: (planned) => [
      { ...CREATE.match(planned), response: { abort_bytes: 0 }, times: 1 },
      { ...CREATE.match(planned), ...denied },
    ],
    expected: UNDONE,
  },
  {
    name: 'the user appears after the undo has looked for it',
    rules: (planned) => [
      { ...CREATE.match(planned), latency: 9_000, times: 1 },
      { ...CREATE.match(planned), ...denied },
    ],
    expected: UNDONE,
  },
  {
    name: 'the first attempt to create lands late, the second finds the name taken, and the name is free again',
    rules: (planned) => [{ ...CREATE.match(planned), latency: LANDS_LATE, times: 1 }],
    takenUntilCompensation: true,
    waits: true,
    expected: TAKEN,
  },
  {
    name: 'the pool refuses a password that the step before has let pass: nothing is in flight',
    rules: (planned) => [
      {
        ...callNamed('SetPassword cognito-idp:AdminSetUserPassword').match(planned),
        error: { code: 'InvalidPasswordException', status: 400 },
      },
    ],
    expected: 'FAILED, absent, PASSWORD_REJECTED',
    waits: false,
  },
  {
    name: 'the undo does not see the user at first, by neither address',
    rules: (planned) => [
      GROUP(planned),
      {
        service: 'cognito-idp',
        operation: 'AdminGetUser',
        body: `Username == '${planned.sub}' || Username == '${planned.username}'`,
        error: { code: 'UserNotFoundException', status: 400 },
        times: 2,
      },
    ],
    expected: UNDONE,
  },
  {
    name: 'the undo finds what two attempts have made, one after the other',
    rules: (planned) => [{ ...CREATE.match(planned), latency: 4_500, times: 2 }, GROUP(planned)],
    expected: UNDONE,
  },
  {
    name: 'DELETE while the creation takes longer than any call can be under way',
    rules: (planned) => [
      { ...DECRYPT.match(planned), timeout_ms: 3_500, times: 4 },
      { ...CREATE.match(planned), timeout_ms: 3_500, times: 4 },
    ],
    deprovisioned: true,
    expected: 'ABORTED, absent, CANCELLED',
  },
  {
    name: 'the buses take nothing after the request: what cannot be announced is not kept',
    rules: (planned) => [noEvents(planned, AFTER_THE_REQUEST)],
    silent: true,
    expected: UNDONE,
  },
  {
    name: 'the buses take nothing after the request, and DELETE comes while the user is created',
    rules: (planned) => [
      noEvents(planned, AFTER_THE_REQUEST),
      { ...DECRYPT.match(planned), timeout_ms: 3_500, times: 2 },
    ],
    deprovisioned: true,
    silent: true,
    expected: 'ABORTED, absent, CANCELLED',
  },
  {
    name: 'the buses take nothing at all: what cannot be announced is not begun',
    rules: (planned) => [noEvents(planned)],
    silent: true,
    expected: 'FAILED, absent, EVENT_NOT_PUBLISHED',
  },
];

suite('a story of several faults', stories, {
  async run(
    { rules, deprovisioned = false, silent = false, takenUntilCompensation = false, waits },
    aftermath,
  ) {
    const planned = await plan();
    if (takenUntilCompensation) await makeForeignUser(planned.username);
    const injected = await inject(...rules(planned));
    try {
      await post(planned, planned.key);
      if (deprovisioned) {
        await entered('CreateServiceUser', planned.id, 'DecryptCredentials');
        await cancel(planned.id);
      }
      if (takenUntilCompensation) {
        await entered('CreateServiceUser', planned.id, 'DeleteUser');
        await deleteUser(planned.username);
      }
      const broken = await violations(planned, { silent });
      if (waits !== undefined) {
        const states = await system.states('CreateServiceUser', planned.id);
        const errorsOf = (state: string) => states.find(({ name }) => name === state)?.errors ?? [];
        const waited = errorsOf('DeleteUser').includes('AbsenceNotConfirmed');
        // On a busy machine CreateUser may have been tried again, and then there is something to wait for.
        const tried = errorsOf('CreateUser').length > 0;
        if (waits ? !waited : waited && !tried) broken.push(`DeleteUser has ${waited ? '' : 'not '}waited.`);
      }
      if (silent) {
        await injected.lift();
        await sweepSoon();
        broken.push(...(await violations(planned)));
      }
      const { status, user, error } = await endOf(planned.id);
      aftermath.ended(planned, user);
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
