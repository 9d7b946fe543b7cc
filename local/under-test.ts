/** Switches of the local AWS for suites of tests; corrections/under_test.py says what each does and why it may. */
export interface UnderTest {
  /** Pauses with full jitter are at most this part of their length. */
  jitter?: number;
  /** Pauses before an asynchronous invocation is tried again last this part of their length. */
  asyncPauses?: number;
  /** Pauses without jitter that grow to five minutes or more last this part of their length. */
  longPauses?: number;
  /** Tasks that may wait five minutes or more for a callback wait this part of it. */
  callbackTimeouts?: number;
  predictableSubs?: boolean;
  serviceCallsThroughEndpoint?: boolean;
  /** Opens the routes `/_local_aws/time-out` and `/_local_aws/kill`. */
  interventions?: boolean;
  /** Folder in which samples of requests and answers are kept (corrections/recording.py). */
  record?: string;
  workers?: {
    /** How many invocations of a function run at once. */
    each: number;
    /** Of some functions more, by name. */
    of: Record<string, number>;
  };
}

export const switchesFor = (underTest: UnderTest): Record<string, string> => ({
  ...(underTest.jitter === undefined ? {} : { LOCAL_AWS_JITTER: String(underTest.jitter) }),
  ...(underTest.asyncPauses === undefined ? {} : { LOCAL_AWS_ASYNC_PAUSES: String(underTest.asyncPauses) }),
  ...(underTest.longPauses === undefined ? {} : { LOCAL_AWS_LONG_PAUSES: String(underTest.longPauses) }),
  ...(underTest.callbackTimeouts === undefined
    ? {}
    : { LOCAL_AWS_CALLBACK_TIMEOUTS: String(underTest.callbackTimeouts) }),
  ...(underTest.predictableSubs ? { LOCAL_AWS_PREDICTABLE_SUBS: 'on' } : {}),
  ...(underTest.serviceCallsThroughEndpoint ? { LOCAL_AWS_SERVICE_CALLS: 'through-endpoint' } : {}),
  ...(underTest.interventions ? { LOCAL_AWS_UNDER_TEST: 'on' } : {}),
  ...(underTest.record === undefined ? {} : { LOCAL_AWS_RECORD: underTest.record }),
  ...(underTest.workers === undefined ? {} : { LOCAL_AWS_WORKERS: asText(underTest.workers) }),
});

const asText = ({ each, of }: NonNullable<UnderTest['workers']>): string =>
  [each, ...Object.entries(of).map(([name, count]) => `${name}=${count}`)].join(' ');
