/** Step and code of an error, as a status tells it. */
export interface Told {
  step: string;
  code: string;
}

export interface Outcome {
  status: 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  user: 'present' | 'absent';
  /** Why it failed, as App1's and as App2's callers read it. */
  app1?: Told;
  app2?: Told;
  /** Code of the problem that the caller's request is answered with first. */
  refused?: 'SERVICE_UNAVAILABLE' | 'INTERNAL_ERROR';
  /** Whether the end is reached only when the fault is over: the caller repeats the request, or the sweep finds it. */
  afterwards: boolean;
  /** Whether the fault is waited out, however long it stays: it goes on by itself when the fault is over. */
  waits?: 'RequestUserCreation' | 'CancelUserCreation';
  /** What else may come of it, when that is a matter of time. */
  or?: Outcome;
}
