import { expect } from '@jest/globals';
import { provisioningStatus } from '../../../contracts/status.ts';
import { timeLimits } from '../../../contracts/time-limits.ts';
import { exhaustRateLimit } from '../../../local/harness/exhaust-rate-limit.ts';
import { outputs } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { denyCalls, findCall } from '../support/call-rules.ts';
import { system } from '../support/deployed.ts';
import { waitForState, waitUntilFinished } from '../support/executions.ts';
import { endOfWait, FAILS_WITHIN } from '../support/fail-fast.ts';
import { violations, waitForOutcome } from '../support/oracle.ts';
import { inSequence } from '../support/parallel.ts';
import { at, type PlannedProvisioning, plan } from '../support/plan.ts';
import { post } from '../support/provisioning.ts';
import { inject } from '../support/proxy.ts';
import { suite } from '../support/suite.ts';
import { target } from '../support/target.ts';
import { targets } from '../support/targets.ts';

/**
 * A provisioning waits for a busy target, and another target fails. The rate limiter of the target is exhausted for all
 * provisionings, so the cases run one after the other.
 */
interface Case {
  name: string;
  /** Time until the target starts its next creation, in seconds. */
  seconds: number;
  /** Waits until App1 waits for the target. */
  waits: (planned: PlannedProvisioning) => Promise<unknown>;
}

const [failing = ''] = targets.filter((name) => name !== target);

const cases: Case[] = [
  {
    name: 'whose queue is full',
    seconds: 2 * timeLimits.longestQueue,
    waits: ({ id }) =>
      eventually(async () => {
        const { waiting_for } = provisioningStatus.parse((await system.status(id)).body);
        if (waiting_for?.what !== 'target_queue') throw new Error(`${id} does not wait for the queue.`);
        expect(waiting_for).toMatchObject({ target });
      }),
  },
  {
    name: 'whose queue has the creation',
    seconds: timeLimits.longestQueue / 2,
    waits: ({ id }) => waitForState('CreateServiceUser', id, 'WaitForRateLimit'),
  },
];

suite('a permanent error at another target ends the wait for a target', cases, {
  async run({ seconds, waits }, finalChecks) {
    const planned = await plan({ targets: [target, failing] });
    const other = at(planned, failing);
    const reset = await Promise.all([
      exhaustRateLimit(outputs, 'creations', seconds, target),
      exhaustRateLimit(outputs, 'express-creations', seconds, target),
      exhaustRateLimit(outputs, 'status-polls', seconds, target),
    ]);
    // The other target fails as soon as it can set the password.
    const delay = await inject({
      ...findCall('SetPassword cognito-idp:AdminSetUserPassword').match(other),
      timeout_ms: 3_500,
    });
    const failed = await inject(denyCalls('AddToGroup cognito-idp:AdminAddUserToGroup')(other));
    try {
      await post(planned, planned.key);
      await waits(planned);
      await delay.lift();
      await waitUntilFinished('ProvisionServiceUser', planned.id);
    } finally {
      await delay.lift();
      await failed.lift();
      for (const restore of reset) await restore();
    }
    const broken = await violations(planned);
    const { status, user, error } = await waitForOutcome(planned.id);
    finalChecks.addProvisioning(planned, user);
    return { broken, outcome: [status, user, error?.code, error?.target], end: await endOfWait(planned.id) };
  },
  check: ({ broken, outcome, end: { stopped, duration } }) => {
    expect(broken).toEqual([]);
    expect(outcome).toEqual(['FAILED', 'absent', 'USER_CREATION_FAILED', failing]);
    expect(stopped).toBe(1);
    expect(duration).toBeLessThan(FAILS_WITHIN);
  },
  sample: 1,
  schedule: inSequence,
});
