/** Step and code of an error, as the status contains them. */
export interface StepError {
  step: string;
  code: string;
}

/** Expected outcome of a provisioning, as the status APIs report it. */
export interface Outcome {
  status: 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  user: 'present' | 'absent';
  /** The error in App1's status, and the one in App2's status. */
  app1?: StepError;
  app2?: StepError;
  /** Code of the problem in the response to the caller's first request. */
  refused?: 'SERVICE_UNAVAILABLE' | 'INTERNAL_ERROR';
  /** Whether the outcome is reached only after the fault: the caller repeats the request, or the sweep continues. */
  requiresFaultEnd: boolean;
  /** The state that retries until the fault ends, and then continues without a caller or a sweep. */
  retryingState?: 'RequestUserCreation' | 'CancelUserCreation';
  /** A second possible outcome, where the timing decides between the two. */
  alternative?: Outcome;
}
