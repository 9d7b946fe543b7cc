import {
  documentedFailures,
  explainFailure,
  type FailureCause,
  type FailureReport,
} from '../contracts/failures.ts';

/**
 * The remedy for a step without a permission; `undefined` for other failures. The history does not contain the name of
 * the permission: error messages are not written to it, because they can quote secrets.
 */
export const permissionRemedy = ({ step, error }: FailureCause): string | undefined =>
  error.includes('AccessDenied')
    ? `${step} lacks a permission. CloudTrail names it; the drift of the stack shows the change of the role. Grant it again.`
    : undefined;

/** Explains a failure to an operator. */
export function explain(failure: FailureCause): FailureReport {
  const report = explainFailure(failure);
  return { ...report, remedy: permissionRemedy(failure) ?? report.remedy };
}

/** The operator's remedy for a failure; `undefined` when there is none. Rows are found by their message: codes are not unique. */
export function operatorRemedy({ message }: Pick<FailureReport, 'message'>): string | undefined {
  const operator = documentedFailures().find(([, row]) => row.message === message)?.[1].operator;
  return operator?.startsWith('Nothing to do') ? undefined : operator;
}
