import { afterAll, describe, expect, it } from '@jest/globals';
import { provisioningStatus } from '../../../contracts/status.ts';
import { withoutPermission } from '../../../local/harness/without-permission.ts';
import { ended, newRequest, outputs, system } from '../../e2e/support/deployed.ts';
import { attempts, entered, rollBackFailed } from '../support/executions.ts';
import { interventions } from '../support/interventions.ts';
import { type Asked, endOf, risenUsers, violations } from '../support/oracle.ts';
import { ask } from '../support/provisioning.ts';
import { sweepNow, withoutStatusEvents } from '../support/sweeps.ts';

const asked: { id: string; user: string }[] = [];
async function holds(one: Asked, allowed = {}) {
  expect(await violations(one, allowed)).toEqual([]);
  const status = await endOf(one.id);
  asked.push({ id: one.id, user: status.user });
  return status;
}

afterAll(async () => {
  expect(await risenUsers(asked)).toEqual([]);
});

describe('the sweep', () => {
  it('finds what the events missed', async () => {
    const one = await ask();
    await withoutStatusEvents(async () => {
      await entered('ProvisionServiceUser', one.id, 'RequestUserCreation');
      await interventions.stop('ProvisionServiceUser', one.id);
    });
    const reports = await sweepNow();
    expect(reports.map(({ started }) => started)).toContain(1);
    expect(await holds(one, { rollBackLater: true })).toMatchObject({ status: 'ABORTED', user: 'absent' });
  });

  it('tries a roll-back again that failed', async () => {
    const one = await ask();
    await ended(one.id);
    await withoutPermission(
      outputs,
      { functionName: 'app2-delete-user' },
      'cognito-idp:AdminDeleteUser',
      async () => {
        expect((await system.deprovision(one.id, { Prefer: 'wait=5' })).status).toBe(202);
        await rollBackFailed('RollBackServiceUser', one.id, 30_000);
      },
    );
    expect(provisioningStatus.parse((await system.status(one.id)).body).user).toBe('being_removed');
    await sweepNow();
    expect(await holds(one)).toMatchObject({ status: 'SUCCEEDED', user: 'absent' });
    // App1 may have asked once more while the right was missing.
    const ends = (await attempts('RollBackServiceUser', one.id)).map(({ status }) => status);
    expect(ends.join(' ')).toMatch(/^(FAILED )+SUCCEEDED$/);
  });
});

describe('the key of a provisioning that was stopped', () => {
  it('answers with its end, and another key provisions the same user', async () => {
    const request = newRequest();
    const one = await ask(request);
    await interventions.stop('ProvisionServiceUser', one.id);
    const status = await holds(one);
    expect(status.error).toMatchObject({ code: 'ABORTED', retryable: true });
    const again = await system.provision(request, { 'Idempotency-Key': `key-${request.username}` });
    expect(again.body).toMatchObject({ provisioning_id: one.id, status: 'ABORTED' });
    const next = await ask(request, 'another');
    expect(next.id).not.toBe(one.id);
    expect(await holds(next)).toMatchObject({ status: 'SUCCEEDED', user: 'present' });
  });
});
