import {
  documentedFailures,
  explainFailure,
  type FailureCause,
  type FailureReport,
} from '../contracts/failures.ts';

/**
 * What an operator can do about a step that lacks a right; `undefined` for other failures. The history does not say
 * which right: messages are kept out of it, because they can quote anything.
 */
export const remedyOfRights = ({ step, error }: FailureCause): string | undefined =>
  error.includes('AccessDenied')
    ? `${step} lacks a right: CloudTrail names it, and the drift of the stack shows who has changed the role. Give it back.`
    : undefined;

/** Explains a failure to an operator. */
export function explain(failure: FailureCause): FailureReport {
  const report = explainFailure(failure);
  return { ...report, remedy: remedyOfRights(failure) ?? report.remedy };
}

/** What the operator does about a failure; `undefined` when that is nothing. Messages tell the rows apart, codes do not. */
export function operatorsPart({ message }: Pick<FailureReport, 'message'>): string | undefined {
  const operator = documentedFailures().find(([, row]) => row.message === message)?.[1].operator;
  return operator?.startsWith('Nothing to do') ? undefined : operator;
}
