/** The description of an alarm, in one form: an operator reads it in the notification, and `provision doctor` parses it. */

/** The runbooks, by the names of their files in docs/runbooks/. */
export type Runbook =
  | 'api-errors'
  | 'events-not-published'
  | 'provisionings-fail'
  | 'provisionings-hang'
  | 'roll-back-failed'
  | 'sweep-stopped'
  | 'throttling'
  | 'dead-letter-queue';

/** Location of the runbooks unless the setting `runbooks_url` is set. */
export const RUNBOOKS = 'docs/runbooks';

export interface AlarmText {
  /** The condition that raises the alarm, in a sentence. */
  condition: string;
  /** The effect on users and callers, in a sentence. */
  impact: string;
  /** The first command to run; the runbook contains it, too. */
  firstCommand: string;
  /** URL or path of the runbook. */
  runbook: string;
}

/** Maximum length of an alarm description. docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html */
const MAX_LENGTH = 1024;

/**
 * Formats the description of an alarm.
 * @throws Error when it is longer than CloudWatch accepts
 */
export function alarmText({ condition, impact, firstCommand, runbook }: AlarmText): string {
  const text = `${condition}\n${impact}\nRun first: ${firstCommand}\nRunbook: ${runbook}`;
  if (text.length > MAX_LENGTH) throw new Error(`The alarm's text has ${text.length} characters: ${text}`);
  return text;
}

/** Parses the description of an alarm; `undefined` for an alarm of another system. */
export function readAlarmText(description: string): AlarmText | undefined {
  const parts =
    /^(?<condition>.+)\n(?<impact>.+)\nRun first: (?<firstCommand>.+)\nRunbook: (?<runbook>\S+)$/.exec(
      description,
    );
  if (parts?.groups === undefined) return undefined;
  const { condition = '', impact = '', firstCommand = '', runbook = '' } = parts.groups;
  return { condition, impact, firstCommand, runbook };
}
