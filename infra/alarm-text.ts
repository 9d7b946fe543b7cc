/** What an alarm says to whoever it wakes, in one form; `provision doctor` reads it back. */

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

/** Where the runbooks are read, unless the setting `runbooks_url` says another place. */
export const RUNBOOKS = 'docs/runbooks';

export interface AlarmText {
  /** What has happened, in a sentence. */
  happened: string;
  /** What it means for users and callers, in a sentence. */
  means: string;
  /** The command to begin with; also in the runbook. */
  first: string;
  /** Address of the runbook. */
  runbook: string;
}

/** Longest description that an alarm may have. docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html */
const LONGEST = 1024;

/** @throws Error when it is longer than CloudWatch takes */
export function alarmText({ happened, means, first, runbook }: AlarmText): string {
  const text = `${happened}\n${means}\nFirst: ${first}\nRunbook: ${runbook}`;
  if (text.length > LONGEST) throw new Error(`The alarm's text has ${text.length} characters: ${text}`);
  return text;
}

/** The parts of an alarm's text; `undefined` for an alarm that is none of ours. */
export function readAlarmText(description: string): AlarmText | undefined {
  const parts = /^(?<happened>.+)\n(?<means>.+)\nFirst: (?<first>.+)\nRunbook: (?<runbook>\S+)$/.exec(
    description,
  );
  if (parts?.groups === undefined) return undefined;
  const { happened = '', means = '', first = '', runbook = '' } = parts.groups;
  return { happened, means, first, runbook };
}
