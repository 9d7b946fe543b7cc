import { CloudWatchClient, DeleteAlarmsCommand, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migration } from '../../../infra/names.ts';
import { run } from '../support/commands.ts';
import { outputs } from '../support/deployed.ts';

/** `npm run preflight -- --local` with both stacks deployed. */

const { endpoint, region, access_key_id, secret_access_key } = outputs;
const cloudWatch = new CloudWatchClient({
  endpoint,
  region,
  credentials: { accessKeyId: access_key_id, secretAccessKey: secret_access_key },
});

const SETTINGS =
  '-c migration=flag -c legacy_endpoint=https://legacy.example.com/users ' +
  '-c legacy_secret_arn=arn:aws:secretsmanager:us-east-1:123456789012:secret:legacy-AbCdEf';

describe('npm run preflight', () => {
  it('reports that an update of the deployed stacks should work', async () => {
    const { status, stdout } = await run('npm run --silent preflight -- --local');

    expect([status, stdout]).toEqual([0, expect.stringContaining('A deployment should succeed.')]);
    expect(stdout).toMatch(/✔ names of App1 +\d+ of this stack, the others free/);
    expect(stdout).toMatch(/\? policies +not checked: the local AWS does not implement it/);
  });

  describe('with a setting whose resource name is in use', () => {
    beforeAll(() =>
      cloudWatch.send(
        new PutMetricAlarmCommand({
          AlarmName: migration.alarm,
          MetricName: 'Errors',
          Namespace: 'AnotherTeam',
          Period: 60,
          EvaluationPeriods: 1,
          Threshold: 1,
          Statistic: 'Sum',
          ComparisonOperator: 'GreaterThanThreshold',
        }),
      ),
    );
    afterAll(() => cloudWatch.send(new DeleteAlarmsCommand({ AlarmNames: [migration.alarm] })));

    it('reports the name, and the command that removes the resource', async () => {
      const { status, stdout } = await run(`npm run --silent preflight -- --local ${SETTINGS}`);

      expect([status, stdout]).toEqual([1, expect.stringContaining('A deployment would fail.')]);
      expect(stdout).toContain(`name ${migration.alarm}`);
      expect(stdout).toContain(`aws cloudwatch delete-alarms --alarm-names ${migration.alarm}`);
    });
  });
});
