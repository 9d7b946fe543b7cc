import { Alarm, ComparisonOperator, type Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { type AlarmText, alarmText, RUNBOOKS, type Runbook } from '../alarm-text.ts';

export interface ServiceAlarmProps extends Omit<AlarmText, 'runbook'> {
  runbook: Runbook;
  /** Location of the runbooks; in this repository by default. */
  runbooks?: string;
  /** A fixed name; CloudFormation generates one by default. */
  alarmName?: string;
  metric: Metric;
  /** The alarm is raised at this value; 1 by default. */
  threshold?: number;
  /** Raises the alarm below the threshold instead of at or above it. */
  below?: true;
  /** Number of breaching periods that raise the alarm, and number of periods that are evaluated; 1 of 1 by default. */
  periods?: { breaching: number; evaluated: number };
  /** How CloudWatch treats a period without data; as not breaching by default. */
  treatMissingData?: TreatMissingData;
}

/** An alarm whose description states condition, impact, first command and runbook. */
export class ServiceAlarm extends Alarm {
  /** Name and description in clear. The properties of `Alarm` are CloudFormation tokens. */
  readonly text: { alarmName: string | undefined; alarmDescription: string };

  constructor(
    scope: Construct,
    id: string,
    {
      condition,
      impact,
      firstCommand,
      runbook,
      runbooks = RUNBOOKS,
      alarmName,
      metric,
      threshold = 1,
      below,
      periods = { breaching: 1, evaluated: 1 },
      treatMissingData = TreatMissingData.NOT_BREACHING,
    }: ServiceAlarmProps,
  ) {
    const alarmDescription = alarmText({
      condition,
      impact,
      firstCommand,
      runbook: `${runbooks}/${runbook}.md`,
    });
    super(scope, id, {
      ...(alarmName === undefined ? {} : { alarmName }),
      alarmDescription,
      metric,
      threshold,
      evaluationPeriods: periods.evaluated,
      ...(periods.breaching === periods.evaluated ? {} : { datapointsToAlarm: periods.breaching }),
      comparisonOperator:
        below === true
          ? ComparisonOperator.LESS_THAN_THRESHOLD
          : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData,
    });
    this.text = { alarmName, alarmDescription };
  }
}
