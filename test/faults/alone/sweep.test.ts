import { afterAll, describe, expect, it } from '@jest/globals';
import { provisioningStatus } from '../../../contracts/status.ts';
import { withoutPermission } from '../../../local/harness/without-permission.ts';
import { newRequest, outputs, waitForCompletion } from '../../e2e/support/deployed.ts';
import { system } from '../support/deployed.ts';
import { rollBackAttempts, waitForFailedRollBack, waitForState } from '../support/executions.ts';
import { interventions } from '../support/interventions.ts';
import { type Provisioning, reappearedUsers, violations, waitForOutcome } from '../support/oracle.ts';
import { postOnce, requestProvisioning } from '../support/provisioning.ts';
import { runSweeps, withoutStatusEvents } from '../support/sweeps.ts';
import { targetFunction } from '../support/target.ts';

const finished: { id: string; user: string }[] = [];

/** Expects that no invariant is violated; returns the status. */
async function checkInvariants(provisioning: Provisioning, allowed = {}) {
  expect(await violations(provisioning, allowed)).toEqual([]);
  const status = await waitForOutcome(provisioning.id);
  finished.push({ id: provisioning.id, user: status.user });
  return status;
}

afterAll(async () => {
  expect(await reappearedUsers(finished)).toEqual([]);
});

describe('the sweep', () => {
  it('starts a roll-back for which no event arrived', async () => {
    const provisioning = await requestProvisioning();
    await withoutStatusEvents(async () => {
      await waitForState('ProvisionServiceUser', provisioning.id, 'RequestUserCreation');
      await interventions.stop('ProvisionServiceUser', provisioning.id);
    });
    const reports = await runSweeps();

    expect(reports.map(({ started }) => started)).toContain(1);
    expect(await checkInvariants(provisioning, { rollBackLater: true })).toMatchObject({
      status: 'ABORTED',
      user: 'absent',
    });
  });

  it('repeats a roll-back that failed', async () => {
    const provisioning = await requestProvisioning();
    await waitForCompletion(provisioning.id);

    await withoutPermission(
      outputs,
      { functionName: targetFunction('delete-user') },
      'cognito-idp:AdminDeleteUser',
      async () => {
        expect((await system.deprovision(provisioning.id, { Prefer: 'wait=5' })).status).toBe(202);
        await waitForFailedRollBack('RollBackServiceUser', provisioning.id, 30_000);
      },
    );

    expect(provisioningStatus.parse((await system.status(provisioning.id)).body).user).toBe('being_removed');

    await runSweeps();

    expect(await checkInvariants(provisioning)).toMatchObject({ status: 'SUCCEEDED', user: 'absent' });

    // App1 may have repeated its request while the permission was missing.
    const statuses = (await rollBackAttempts('RollBackServiceUser', provisioning.id)).map(
      ({ status }) => status,
    );

    expect(statuses.join(' ')).toMatch(/^(FAILED )+SUCCEEDED$/);
  });
});

describe('a stopped provisioning', () => {
  it('is returned for its key, and another key provisions the same user', async () => {
    const request = newRequest();
    const provisioning = await requestProvisioning(request);
    await interventions.stop('ProvisionServiceUser', provisioning.id);
    const status = await checkInvariants(provisioning);

    expect(status.error).toMatchObject({ code: 'ABORTED', retryable: true });

    const repeat = await postOnce(request, `key-${request.username}`);

    expect(repeat.body).toMatchObject({ provisioning_id: provisioning.id, status: 'ABORTED' });

    const next = await requestProvisioning(request, 'another');

    expect(next.id).not.toBe(provisioning.id);
    expect(await checkInvariants(next)).toMatchObject({ status: 'SUCCEEDED', user: 'present' });
  });
});
