import { Alarm, ComparisonOperator, type Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { type AlarmText, alarmText, RUNBOOKS, type Runbook } from '../alarm-text.ts';

export interface ServiceAlarmProps extends Omit<AlarmText, 'runbook'> {
  runbook: Runbook;
  /** Where runbooks are read; in this repository unless given. */
  runbooks?: string;
  /** A fixed name; AWS makes one up otherwise. */
  alarmName?: string;
  metric: Metric;
  /** The alarm is raised at this value; 1 unless given. */
  threshold?: number;
  /** Raised when the value is below the threshold. */
  below?: true;
  /** Raised when so many of the last periods are bad; one of one unless given. */
  periods?: { bad: number; of: number };
  /** What a period without data means; that nothing has happened, unless given. */
  missing?: TreatMissingData;
}

/** An alarm as all of ours are: it says what has happened, what that means, what to do first, and its runbook. */
export class ServiceAlarm extends Alarm {
  /** Name and text as they were given; those of the alarm itself are known to CloudFormation only. */
  readonly says: { alarmName: string | undefined; alarmDescription: string };

  constructor(
    scope: Construct,
    id: string,
    {
      happened,
      means,
      first,
      runbook,
      runbooks = RUNBOOKS,
      alarmName,
      metric,
      threshold = 1,
      below,
      periods = { bad: 1, of: 1 },
      missing = TreatMissingData.NOT_BREACHING,
    }: ServiceAlarmProps,
  ) {
    const alarmDescription = alarmText({ happened, means, first, runbook: `${runbooks}/${runbook}.md` });
    super(scope, id, {
      ...(alarmName === undefined ? {} : { alarmName }),
      alarmDescription,
      metric,
      threshold,
      evaluationPeriods: periods.of,
      ...(periods.bad === periods.of ? {} : { datapointsToAlarm: periods.bad }),
      comparisonOperator:
        below === true
          ? ComparisonOperator.LESS_THAN_THRESHOLD
          : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: missing,
    });
    this.says = { alarmName, alarmDescription };
  }
}
