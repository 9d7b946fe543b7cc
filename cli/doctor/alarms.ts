import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, DescribeAlarmsCommand, type MetricAlarm } from '@aws-sdk/client-cloudwatch';
import { readAlarmText } from '../../infra/alarm-text.ts';
import type { Session } from '../session.ts';
import { type Finding, failed, ok } from './finding.ts';

/** The alarms of a stack in state ALARM: since when, their meaning, and the first action. */
export async function alarmFinding(
  { connection, clock }: Pick<Session, 'connection' | 'clock'>,
  stack: string,
): Promise<Finding> {
  const names: string[] = [];
  for await (const { StackResourceSummaries = [] } of paginateListStackResources(
    { client: connection.client(CloudFormationClient) },
    { StackName: stack },
  ))
    for (const { ResourceType, PhysicalResourceId } of StackResourceSummaries)
      if (ResourceType === 'AWS::CloudWatch::Alarm' && PhysicalResourceId !== undefined)
        names.push(PhysicalResourceId);
  if (names.length === 0) return ok(`${stack} has no alarms`);
  const raisedAlarms = await readRaisedAlarms(connection.client(CloudWatchClient), names);
  const serious = raisedAlarms.filter((alarm) => !isNewlyDeployed(alarm, clock.now()));
  if (serious.length > 0)
    return failed(`in alarm: ${serious.map(formatAlarm).join('; ')}`, serious.map(remedyFor).join(' '));
  const newlyDeployed = raisedAlarms.map(({ AlarmName }) => AlarmName).join(', ');
  return ok(
    raisedAlarms.length === 0
      ? `none of ${names.length} is in alarm`
      : `none of ${names.length} is in alarm, except for missing data right after the deployment: ${newlyDeployed}`,
  );
}

async function readRaisedAlarms(client: CloudWatchClient, names: readonly string[]): Promise<MetricAlarm[]> {
  const raised: MetricAlarm[] = [];
  // At most a hundred names per call. docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
  for (let from = 0; from < names.length; from += 100) {
    const AlarmNames = names.slice(from, from + 100);
    const { MetricAlarms = [] } = await client.send(
      new DescribeAlarmsCommand({ AlarmNames, StateValue: 'ALARM', MaxRecords: 100 }),
    );
    raised.push(...MetricAlarms);
  }
  return raised;
}

/** Whether an alarm on a missing heartbeat was deployed more recently than its evaluation period. */
function isNewlyDeployed(alarm: MetricAlarm, now: number): boolean {
  if (alarm.TreatMissingData !== 'breaching') return false;
  const deployed = alarm.AlarmConfigurationUpdatedTimestamp?.getTime() ?? 0;
  return now - deployed < (alarm.Period ?? 0) * (alarm.EvaluationPeriods ?? 0) * 1000;
}

function formatAlarm({ AlarmName = '', AlarmDescription = '', StateUpdatedTimestamp }: MetricAlarm): string {
  const text = readAlarmText(AlarmDescription);
  const since = StateUpdatedTimestamp === undefined ? '' : ` since ${StateUpdatedTimestamp.toISOString()}`;
  return `${AlarmName}${since} (${text === undefined ? AlarmDescription : `${text.condition} ${text.impact}`})`;
}

function remedyFor({ AlarmName = '', AlarmDescription = '' }: MetricAlarm): string {
  const text = readAlarmText(AlarmDescription);
  if (text === undefined) return `${AlarmName}: follow its description.`;
  const isThis = text.firstCommand === 'npx provision doctor';
  return `${AlarmName}: ${isThis ? 'follow' : `run \`${text.firstCommand}\`, then follow`} ${text.runbook}.`;
}
