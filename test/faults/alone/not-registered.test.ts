import type { MetricAlarm } from '@aws-sdk/client-cloudwatch';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { provisioningStatus } from '../../../contracts/status.ts';
import { withTarget } from '../../../local/harness/variables.ts';
import { deployedAlarms, restoreAlarms, shortenPeriods } from '../../e2e/support/alarms.ts';
import { outputs, system, waitForCompletion } from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { waitForFailedRollBack } from '../support/executions.ts';
import { reappearedUsers, violations, waitForOutcome } from '../support/oracle.ts';
import { requestProvisioning } from '../support/provisioning.ts';
import { runSweeps } from '../support/sweeps.ts';

const RAISED = ['app1-roll-back-execution-failed', 'app1-roll-back-failed'];

const finished: { id: string; user: string }[] = [];
let alarms: MetricAlarm[] = [];

beforeAll(async () => {
  alarms = (await deployedAlarms()).filter(({ AlarmName = '' }) => RAISED.includes(AlarmName));
});
afterAll(async () => {
  await restoreAlarms(alarms);
  expect(await reappearedUsers(finished)).toEqual([]);
});

describe('a roll-back whose target is not registered', () => {
  it('fails and raises its alarms, never reports the user as absent, and is repeated by the sweep', async () => {
    await shortenPeriods(alarms);
    const provisioning = await requestProvisioning();
    const { id } = provisioning;
    const { targets = [] } = await waitForCompletion(id);
    const [name = ''] = targets.map(({ target }) => target);

    await withTarget(outputs, 'app1-call-target', name, { name: 'renamed' }, async () => {
      expect((await system.deprovision(id)).status).toBe(202);
      await waitForFailedRollBack('RollBackProvisioning', id, 60_000);
      expect(provisioningStatus.parse((await system.status(id)).body)).toMatchObject({
        user: 'being_removed',
        targets: [{ target: name, user: 'being_removed' }],
      });
      expect((await system.deprovision(id)).status).toBe(202);
      const rolledBack = (await system.events(id)).map((event) => event['detail-type']);
      expect(rolledBack).toContain('ServiceUserProvisioningRollBackFailed');
      await eventually(async () => {
        const states = (await deployedAlarms()).filter(({ AlarmName = '' }) => RAISED.includes(AlarmName));
        expect(states.map(({ StateValue }) => StateValue)).toEqual(['ALARM', 'ALARM']);
      }, 60_000);
    });

    await runSweeps();

    expect(await violations(provisioning)).toEqual([]);

    const { status, user } = await waitForOutcome(id);
    finished.push({ id, user });

    expect([status, user]).toEqual(['SUCCEEDED', 'absent']);
  });
});
