import { expect } from '@jest/globals';
import type { FaultRule } from '../../local/harness/faults/rules.ts';
import { ended } from '../e2e/support/deployed.ts';
import { callNamed, held, refusal } from './support/holds.ts';
import { type Planned, plan } from './support/known.ts';
import { endOf, violations } from './support/oracle.ts';
import { deleteUser, makeForeignUser } from './support/pool.ts';
import { cancel, post } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { type Aftermath, suite } from './support/suite.ts';

/**
 * Somebody else changes the pool between any two steps, and between any read and write of an undo; and reads that lag.
 */
interface Tampering {
  name: string;
  /** The call before which it happens; held until it has happened. */
  before: string;
  what: 'deleted' | 'replaced' | 'name taken' | 'nothing';
  /** Whether the call is held whichever way it addresses the user, the right way or not. */
  anyAddress?: boolean;
  /** What leads to the call. */
  flow: 'provision' | 'undo' | 'deprovision';
  /** What else goes wrong. */
  rules?: (planned: Planned) => FaultRule[];
  /** Status at App1 after all, and the code of its error. */
  expected: string;
}

const GONE = 'FAILED, absent, USER_NOT_FOUND';
const UNDONE = 'FAILED, absent, USER_CREATION_FAILED';
const KEPT = 'SUCCEEDED, present';
const REMOVED = 'SUCCEEDED, absent';
const TAKEN = 'FAILED, absent, USER_ALREADY_EXISTS';

const gaps = (
  flow: Tampering['flow'],
  calls: Record<string, string>,
  rules?: Tampering['rules'],
): Tampering[] =>
  Object.entries(calls).flatMap(([before, expected]) =>
    (['deleted', 'replaced'] as const).map((what) => ({
      name: `user ${what} before ${before} (${flow})`,
      before,
      what,
      flow,
      expected,
      ...(rules === undefined ? {} : { rules }),
    })),
  );

const refusedGroup = (planned: Planned): FaultRule[] => [
  refusal('AddToGroup cognito-idp:AdminAddUserToGroup')(planned),
];

/** Somebody else's user is there when the call is made: one that addresses it by name would hit it. */
const namesake = (before: string, flow: 'provision' | 'undo', expected: string): Tampering => ({
  name: `user replaced before ${before.split(' ')[0]} by name (${flow})`,
  before,
  what: 'replaced',
  anyAddress: true,
  flow,
  expected,
  ...(flow === 'undo' ? { rules: refusedGroup } : {}),
});

const heldAtAnyAddress = (call: string, planned: Planned): FaultRule => ({
  ...held(call, planned),
  body: `Username == '${planned.sub}' || Username == '${planned.username}'`,
});

/** The pool does not know a user for a while: Cognito's reads lag. */
const lag = (call: string, times: number, expected: string, flow: Tampering['flow'] = 'undo'): Tampering => ({
  name: `${call} does not see the user, ${times} times (${flow})`,
  before: call,
  what: 'nothing',
  flow,
  expected,
  rules: (planned) => [
    { ...callNamed(call).match(planned), error: { code: 'UserNotFoundException', status: 400 }, times },
    ...(flow === 'undo' ? refusedGroup(planned) : []),
  ],
});

const cases: Tampering[] = [
  ...gaps('provision', {
    'SetPassword cognito-idp:AdminSetUserPassword': GONE,
    'AddToGroup cognito-idp:AdminAddUserToGroup': GONE,
    'PublishUserCreated events:PutEvents': KEPT,
    'PublishProvisioned events:PutEvents': KEPT,
  }),
  ...gaps(
    'undo',
    {
      'DeleteUser cognito-idp:AdminGetUser': UNDONE,
      'DeleteUser cognito-idp:AdminDeleteUser': UNDONE,
      'PublishUserRolledBack events:PutEvents': UNDONE,
    },
    refusedGroup,
  ),
  ...gaps('deprovision', {
    'DeleteUser cognito-idp:AdminGetUser by name': REMOVED,
    'DeleteUser cognito-idp:AdminDeleteUser': REMOVED,
    'PublishUserRemoved events:PutEvents': REMOVED,
  }),
  namesake('SetPassword cognito-idp:AdminSetUserPassword', 'provision', GONE),
  namesake('AddToGroup cognito-idp:AdminAddUserToGroup', 'provision', GONE),
  namesake('DeleteUser cognito-idp:AdminDeleteUser', 'undo', UNDONE),
  {
    name: 'name taken before CreateUser',
    before: 'CreateUser cognito-idp:AdminCreateUser',
    what: 'name taken',
    flow: 'provision',
    expected: TAKEN,
  },
  {
    name: 'user replaced between CreateUser, whose answer is lost, and its retry',
    before: 'CreateUser cognito-idp:AdminCreateUser',
    what: 'replaced',
    flow: 'provision',
    rules: ({ username }) => [
      {
        service: 'cognito-idp',
        operation: 'AdminCreateUser',
        body: `Username == '${username}'`,
        response: { abort_bytes: 0 },
        times: 1,
      },
    ],
    expected: TAKEN,
  },
  lag('DeleteUser cognito-idp:AdminGetUser', 1, UNDONE),
  lag('DeleteUser cognito-idp:AdminGetUser', 2, UNDONE),
  lag('SetPassword cognito-idp:AdminSetUserPassword', 1, KEPT, 'provision'),
  lag('SetPassword cognito-idp:AdminSetUserPassword', 3, KEPT, 'provision'),
  lag('SetPassword cognito-idp:AdminSetUserPassword', 50, GONE, 'provision'),
  lag('AddToGroup cognito-idp:AdminAddUserToGroup', 1, KEPT, 'provision'),
  lag('AddToGroup cognito-idp:AdminAddUserToGroup', 3, KEPT, 'provision'),
  lag('AddToGroup cognito-idp:AdminAddUserToGroup', 50, GONE, 'provision'),
];

async function run(
  { before, what, anyAddress = false, flow, rules = () => [] }: Tampering,
  aftermath: Aftermath,
): Promise<{ broken: string[]; status: string }> {
  const planned = await plan();
  const { id, username } = planned;
  if (flow === 'deprovision') {
    await post(planned, planned.key);
    await ended(id);
  }
  const wrong = await inject(...rules(planned));
  const hold =
    what === 'nothing' ? undefined : await inject((anyAddress ? heldAtAnyAddress : held)(before, planned));
  try {
    if (flow === 'deprovision') await cancel(id);
    else await post(planned, planned.key);
    if (hold !== undefined) {
      await hold.met(120_000);
      if (what !== 'name taken') await deleteUser(username);
      if (what !== 'deleted') aftermath.foreign(await makeForeignUser(username));
    }
    const broken = await violations(planned, { replaced: what !== 'nothing' });
    const { status, user, error } = await endOf(id);
    aftermath.ended(planned, user);
    return { broken, status: [status, user, ...(error === undefined ? [] : [error.code])].join(', ') };
  } finally {
    await wrong.lift();
    await hold?.lift();
  }
}

suite('the pool changes under way', cases, {
  run,
  check: ({ broken, status }, { expected }) => {
    expect(broken).toEqual([]);
    expect(status).toBe(expected);
  },
  sample: 5,
});
