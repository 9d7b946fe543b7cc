import { expect } from '@jest/globals';
import * as z from 'zod';
import { readEvent } from '../../contracts/events/subscriber.ts';
import { provisioningStatus } from '../../contracts/status.ts';
import type { FaultRule } from '../../local/harness/faults/rules.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { targetRequests } from './matrix/matches.ts';
import { denyCalls, dropCalls, findCall } from './support/call-rules.ts';
import { system, targetNamed, targetsOf } from './support/deployed.ts';
import {
  findExecution,
  waitForFailedRollBack,
  waitForState,
  waitUntilFinished,
} from './support/executions.ts';
import { endOfWait, FAILS_WITHIN } from './support/fail-fast.ts';
import { violations, waitForOutcome } from './support/oracle.ts';
import { at, type PlannedProvisioning, plan } from './support/plan.ts';
import { post } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { suite } from './support/suite.ts';
import { runSweepsSoon } from './support/sweeps.ts';
import { target } from './support/target.ts';
import { targets } from './support/targets.ts';

/**
 * A provisioning at several targets: one of them fails, while another one, the target under test, is late, busy or not
 * reachable.
 */

const [failing = ''] = targets.filter((name) => name !== target);

const GROUP = denyCalls('AddToGroup cognito-idp:AdminAddUserToGroup');
const POST = 'RequestUserCreation POST /admin/create-user';

/** A permanent error at the failing target, after its user has been created. */
const fail = (planned: PlannedProvisioning): FaultRule => GROUP(at(planned, failing));

const COMPENSATED = 'FAILED, absent, USER_CREATION_FAILED';

interface Scenario {
  name: string;
  run: (planned: PlannedProvisioning) => Promise<void>;
  /** Status, user and error code. */
  expected: string;
}

/** Delay of a call in milliseconds: longer than a failure takes, shorter than the time limit of a request. */
const LATE_MS = 9_000;

/** A call at the target under test that is late, when the other target fails. */
interface LateCall {
  name: string;
  rules: (planned: PlannedProvisioning) => FaultRule[];
}

const lateCalls: LateCall[] = [
  {
    name: 'the request arrives after the cancellation',
    rules: (planned) => [{ ...findCall(POST).match(planned), latency: LATE_MS, times: 1 }],
  },
  {
    name: 'the response of the request is lost',
    rules: (planned) => [{ ...findCall(POST).match(planned), response: { abort_bytes: 0 }, times: 1 }],
  },
  {
    name: 'the response of the request arrives after the cancellation',
    rules: (planned) => [{ ...findCall(POST).match(planned), response: { hold_ms: LATE_MS }, times: 1 }],
  },
  ...(
    [
      'EncryptCredentials kms:ReEncrypt',
      'start-user-creation states:StartExecution',
      'DecryptCredentials kms:Decrypt',
      'CreateUser cognito-idp:AdminCreateUser',
      'SetPassword cognito-idp:AdminSetUserPassword',
      'AddToGroup cognito-idp:AdminAddUserToGroup',
      'PublishUserCreated events:PutEvents',
    ] as const
  ).map((call) => ({
    name: `${call} takes effect late`,
    rules: (planned: PlannedProvisioning) => [
      { ...findCall(call).match(planned), latency: LATE_MS, times: 1 },
    ],
  })),
];

const lateScenario = ({ name, rules }: LateCall): Scenario => ({
  name: `${failing} fails, and at the other target ${name}: no user is created there`,
  async run(planned) {
    const late = await inject(...rules(planned));
    const failed = await inject(fail(planned));
    try {
      await post(planned, planned.key);
      await waitUntilFinished('ProvisionServiceUser', planned.id);
      await late.waitUntilFired();
      expect(await failed.allFired()).toBe(true);
    } finally {
      await failed.lift();
      await late.lift();
    }
  },
  expected: COMPENSATED,
});

/** The outcomes in the latest event of App1 with this name. */
async function outcomesOf({ id }: PlannedProvisioning, event: string): Promise<unknown> {
  return eventually(async () => {
    const last = (await system.events(id)).findLast((published) => published['detail-type'] === event);
    if (last === undefined) throw new Error(`${event} of ${id} has not been published.`);
    const { outcomes } = z.looseObject({ outcomes: z.array(z.unknown()) }).parse(readEvent(last).detail.data);
    return outcomes;
  });
}

/** Names of the targets that have a user of the provisioning. */
async function targetsWithUser(planned: PlannedProvisioning): Promise<string[]> {
  const found = await Promise.all(
    targetsOf(planned).map(async ({ name, system: of }) =>
      (await of.user(planned.username)) === undefined ? [] : [name],
    ),
  );
  return found.flat();
}

/** Longest time from the begin of a compensation until no reachable target has the user, in milliseconds. */
const ABSENT_WITHIN = 60_000;

/**
 * The target under test rejects or does not receive every cancellation: the others are compensated, and the event and the
 * status name it. The next sweep removes its user.
 */
const unreachable = (how: string, refusal: { code: string; status: number }, ends: string): Scenario => ({
  name: `${how}: the other target is absent within a minute, and one sweep ${ends}`,
  async run(planned) {
    const denied = await inject({ ...targetRequests.DELETE.match(planned), error: refusal });
    const failed = await inject(fail(planned));
    try {
      // Its user is created before the other target fails.
      await post(planned, planned.key);
      await waitForState('ProvisionServiceUser', planned.id, 'CompensateTargets');
      await eventually(async () => {
        const remaining = await targetsWithUser(planned);
        if (remaining.includes(failing)) throw new Error(`${remaining} have the user.`);
      }, ABSENT_WITHIN);
      const begin = (await system.states('ProvisionServiceUser', planned.id)).find(
        ({ name }) => name === 'CompensateTargets',
      );
      expect(Date.now() - (begin?.enteredAt.getTime() ?? 0)).toBeLessThan(ABSENT_WITHIN);
      await waitForFailedRollBack('RollBackProvisioning', planned.id);
      const reported = provisioningStatus.parse((await system.status(planned.id)).body);
      expect(reported).toMatchObject({
        user: 'being_removed',
        targets: [
          { target, user: 'being_removed' },
          { target: failing, user: 'absent' },
        ],
      });
      expect(await outcomesOf(planned, 'ServiceUserProvisioningRollBackFailed')).toMatchObject([
        { target, user: 'unknown' },
        { target: failing, user: 'absent' },
      ]);
      await denied.lift();
      await runSweepsSoon();
    } finally {
      await failed.lift();
      await denied.lift();
    }
  },
  expected: 'FAILED, absent, ROLL_BACK_FAILED',
});

const failFast: Scenario = {
  name: `a permanent error at ${failing} ends the wait for a busy target at once`,
  async run(planned) {
    const timeouts = await inject(dropCalls('SetPassword cognito-idp:AdminSetUserPassword', planned));
    const failed = await inject(fail(planned));
    try {
      await post(planned, planned.key);
      await waitForState('ProvisionServiceUser', planned.id, 'CompensateTargets');
      await timeouts.lift();
      await waitUntilFinished('ProvisionServiceUser', planned.id);
      const { stopped, duration } = await endOfWait(planned.id);
      expect(stopped).toBe(1);
      expect(duration).toBeLessThan(FAILS_WITHIN);
      const other = targetNamed(failing);
      expect(await findExecution('CreateServiceUser', planned.id, other.system)).toMatchObject({
        error: 'UserCreationRolledBack',
      });
    } finally {
      await failed.lift();
      await timeouts.lift();
    }
  },
  expected: COMPENSATED,
};

const scenarios: Scenario[] = [
  unreachable(
    'a target refuses each cancellation',
    { code: 'AccessDeniedException', status: 403 },
    'removes the rest',
  ),
  ...lateCalls.map(lateScenario),
  unreachable(
    'a target is unreachable during the whole compensation',
    { code: 'ServiceUnavailable', status: 503 },
    'after its return removes the rest',
  ),
  failFast,
];

suite('a failure at one of two targets', scenarios, {
  async run({ run }, finalChecks) {
    const planned = await plan({ targets: [target, failing] });
    await run(planned);
    const broken = await violations(planned, { within: 180_000 });
    const { status, user, error } = await waitForOutcome(planned.id);
    finalChecks.addProvisioning(planned, user);
    return { broken, outcome: [status, user, ...(error === undefined ? [] : [error.code])].join(', ') };
  },
  check: ({ broken, outcome }, { expected }) => {
    expect(broken).toEqual([]);
    expect(outcome).toBe(expected);
  },
  sample: 6,
});
