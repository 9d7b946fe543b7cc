import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, DescribeAlarmsCommand, type MetricAlarm } from '@aws-sdk/client-cloudwatch';
import { readAlarmText } from '../../infra/alarm-text.ts';
import type { Session } from '../session.ts';
import { type Finding, ok, wrong } from './finding.ts';

/** Which alarms of a stack are raised, since when, what that means, and what to do first. */
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
  const raised = await raisedOf(connection.client(CloudWatchClient), names);
  const loud = raised.filter((alarm) => !isTooYoung(alarm, clock.now()));
  if (loud.length > 0) return wrong(`in alarm: ${loud.map(said).join('; ')}`, loud.map(toDo).join(' '));
  const young = raised.map(({ AlarmName }) => AlarmName).join(', ');
  return ok(
    raised.length === 0
      ? `none of ${names.length} is in alarm`
      : `none of ${names.length} is in alarm, but for want of data so soon after its deployment: ${young}`,
  );
}

async function raisedOf(client: CloudWatchClient, names: readonly string[]): Promise<MetricAlarm[]> {
  const raised: MetricAlarm[] = [];
  // A hundred names at once. docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
  for (let from = 0; from < names.length; from += 100) {
    const AlarmNames = names.slice(from, from + 100);
    const { MetricAlarms = [] } = await client.send(
      new DescribeAlarmsCommand({ AlarmNames, StateValue: 'ALARM', MaxRecords: 100 }),
    );
    raised.push(...MetricAlarms);
  }
  return raised;
}

/** A heartbeat is missing, but it was not deployed for as long as the alarm looks back. */
function isTooYoung(alarm: MetricAlarm, now: number): boolean {
  if (alarm.TreatMissingData !== 'breaching') return false;
  const deployed = alarm.AlarmConfigurationUpdatedTimestamp?.getTime() ?? 0;
  return now - deployed < (alarm.Period ?? 0) * (alarm.EvaluationPeriods ?? 0) * 1000;
}

function said({ AlarmName = '', AlarmDescription = '', StateUpdatedTimestamp }: MetricAlarm): string {
  const text = readAlarmText(AlarmDescription);
  const since = StateUpdatedTimestamp === undefined ? '' : ` since ${StateUpdatedTimestamp.toISOString()}`;
  return `${AlarmName}${since} (${text === undefined ? AlarmDescription : `${text.condition} ${text.impact}`})`;
}

function toDo({ AlarmName = '', AlarmDescription = '' }: MetricAlarm): string {
  const text = readAlarmText(AlarmDescription);
  if (text === undefined) return `${AlarmName}: do what its description says.`;
  const isThis = text.firstCommand === 'npx provision doctor';
  return `${AlarmName}: ${isThis ? 'do' : `begin with \`${text.firstCommand}\`, then do`} what ${text.runbook} says.`;
}
