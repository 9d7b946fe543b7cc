import { explainFailure, type FailureCause, type FailureReport } from '../contracts/failures.ts';

/** Explains a failure to an operator, who can do something about rights. */
export function explain(failure: FailureCause): FailureReport {
  const report = explainFailure(failure);
  if (!failure.error.includes('AccessDenied')) return report;
  return {
    ...report,
    remedy: 'A right is missing: the cause names it. Deploy the service again to give it back.',
  };
}
