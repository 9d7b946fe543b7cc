import { expect } from '@jest/globals';
import type { FaultRule } from '../../local/harness/faults/rules.ts';
import { waitForCompletion } from '../e2e/support/deployed.ts';
import { delayCall, denyCalls, findCall } from './support/call-rules.ts';
import { violations, waitForOutcome } from './support/oracle.ts';
import { type PlannedProvisioning, plan } from './support/plan.ts';
import { createUnrelatedUser, deleteUser } from './support/pool.ts';
import { cancel, post } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { type FinalChecks, suite } from './support/suite.ts';

/** An administrator changes the pool between two steps, or between a read and a write of a compensation; reads lag. */
interface Tampering {
  name: string;
  /** The call before which the pool changes. The call is delayed until then. */
  before: string;
  change: 'deleted' | 'replaced' | 'name in use' | 'none';
  /** Whether the call is delayed both when it addresses the user by `sub` and by name. */
  anyAddress?: boolean;
  flow: 'provision' | 'compensation' | 'deprovision';
  /** Further faults. */
  rules?: (planned: PlannedProvisioning) => FaultRule[];
  /** Status, user and error code at App1. */
  expected: string;
}

const USER_NOT_FOUND = 'FAILED, absent, USER_NOT_FOUND';
const COMPENSATED = 'FAILED, absent, USER_CREATION_FAILED';
const KEPT = 'SUCCEEDED, present';
const REMOVED = 'SUCCEEDED, absent';
const NAME_IN_USE = 'FAILED, absent, USER_ALREADY_EXISTS';

const changesBefore = (
  flow: Tampering['flow'],
  calls: Record<string, string>,
  rules?: Tampering['rules'],
): Tampering[] =>
  Object.entries(calls).flatMap(([before, expected]) =>
    (['deleted', 'replaced'] as const).map((change) => ({
      name: `user ${change} before ${before} (${flow})`,
      before,
      change,
      flow,
      expected,
      ...(rules === undefined ? {} : { rules }),
    })),
  );

const denyGroup = (planned: PlannedProvisioning): FaultRule[] => [
  denyCalls('AddToGroup cognito-idp:AdminAddUserToGroup')(planned),
];

/** Another user has the name when the call is made; a call that addresses the user by name would affect it. */
const replacedUser = (before: string, flow: 'provision' | 'compensation', expected: string): Tampering => ({
  name: `user replaced before ${before.split(' ')[0]} by name (${flow})`,
  before,
  change: 'replaced',
  anyAddress: true,
  flow,
  expected,
  ...(flow === 'compensation' ? { rules: denyGroup } : {}),
});

const delayCallByAnyAddress = (call: string, planned: PlannedProvisioning): FaultRule => ({
  ...delayCall(call, planned),
  body: `(Username == '${planned.sub}' || Username == '${planned.username}') && UserPoolId == '${planned.userPoolId}'`,
});

/** The pool does not find a user for a time: Cognito's reads lag. */
const lag = (
  call: string,
  times: number,
  expected: string,
  flow: Tampering['flow'] = 'compensation',
): Tampering => ({
  name: `${call} does not find the user, ${times} times (${flow})`,
  before: call,
  change: 'none',
  flow,
  expected,
  rules: (planned) => [
    { ...findCall(call).match(planned), error: { code: 'UserNotFoundException', status: 400 }, times },
    ...(flow === 'compensation' ? denyGroup(planned) : []),
  ],
});

const cases: Tampering[] = [
  ...changesBefore('provision', {
    'SetPassword cognito-idp:AdminSetUserPassword': USER_NOT_FOUND,
    'AddToGroup cognito-idp:AdminAddUserToGroup': USER_NOT_FOUND,
    'PublishUserCreated events:PutEvents': KEPT,
    'PublishProvisioned events:PutEvents': KEPT,
  }),
  ...changesBefore(
    'compensation',
    {
      'DeleteUser cognito-idp:AdminGetUser': COMPENSATED,
      'DeleteUser cognito-idp:AdminDeleteUser': COMPENSATED,
      'PublishUserRolledBack events:PutEvents': COMPENSATED,
    },
    denyGroup,
  ),
  ...changesBefore('deprovision', {
    'DeleteUser cognito-idp:AdminGetUser by name': REMOVED,
    'DeleteUser cognito-idp:AdminDeleteUser': REMOVED,
    'PublishUserRemoved events:PutEvents': REMOVED,
  }),
  replacedUser('SetPassword cognito-idp:AdminSetUserPassword', 'provision', USER_NOT_FOUND),
  replacedUser('AddToGroup cognito-idp:AdminAddUserToGroup', 'provision', USER_NOT_FOUND),
  replacedUser('DeleteUser cognito-idp:AdminDeleteUser', 'compensation', COMPENSATED),
  {
    name: 'name in use before CreateUser',
    before: 'CreateUser cognito-idp:AdminCreateUser',
    change: 'name in use',
    flow: 'provision',
    expected: NAME_IN_USE,
  },
  {
    name: 'user replaced between CreateUser, whose response is lost, and its retry',
    before: 'CreateUser cognito-idp:AdminCreateUser',
    change: 'replaced',
    flow: 'provision',
    rules: (planned) => [
      {
        ...findCall('CreateUser cognito-idp:AdminCreateUser').match(planned),
        response: { abort_bytes: 0 },
        times: 1,
      },
    ],
    expected: NAME_IN_USE,
  },
  lag('DeleteUser cognito-idp:AdminGetUser', 1, COMPENSATED),
  lag('DeleteUser cognito-idp:AdminGetUser', 2, COMPENSATED),
  lag('SetPassword cognito-idp:AdminSetUserPassword', 1, KEPT, 'provision'),
  lag('SetPassword cognito-idp:AdminSetUserPassword', 3, KEPT, 'provision'),
  lag('SetPassword cognito-idp:AdminSetUserPassword', 50, USER_NOT_FOUND, 'provision'),
  lag('AddToGroup cognito-idp:AdminAddUserToGroup', 1, KEPT, 'provision'),
  lag('AddToGroup cognito-idp:AdminAddUserToGroup', 3, KEPT, 'provision'),
  lag('AddToGroup cognito-idp:AdminAddUserToGroup', 50, USER_NOT_FOUND, 'provision'),
];

async function run(
  { before, change, anyAddress = false, flow, rules = () => [] }: Tampering,
  finalChecks: FinalChecks,
): Promise<{ broken: string[]; status: string }> {
  const planned = await plan();
  const { id, username } = planned;
  if (flow === 'deprovision') {
    await post(planned, planned.key);
    await waitForCompletion(id);
  }
  const faults = await inject(...rules(planned));
  const delay =
    change === 'none'
      ? undefined
      : await inject((anyAddress ? delayCallByAnyAddress : delayCall)(before, planned));
  try {
    if (flow === 'deprovision') await cancel(id);
    else await post(planned, planned.key);
    if (delay !== undefined) {
      await delay.waitUntilFired(120_000);
      if (change !== 'name in use') await deleteUser(username);
      if (change !== 'deleted') finalChecks.addUnrelatedUser(await createUnrelatedUser(username));
    }
    const broken = await violations(planned, { replaced: change !== 'none' });
    const { status, user, error } = await waitForOutcome(id);
    finalChecks.addProvisioning(planned, user);
    return { broken, status: [status, user, ...(error === undefined ? [] : [error.code])].join(', ') };
  } finally {
    await faults.lift();
    await delay?.lift();
  }
}

suite('a change of the pool during a provisioning', cases, {
  run,
  check: ({ broken, status }, { expected }) => {
    expect(broken).toEqual([]);
    expect(status).toBe(expected);
  },
  sample: 5,
});
