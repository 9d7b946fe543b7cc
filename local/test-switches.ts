/** Switches of the local AWS for test suites; corrections/test_switches.py documents each. */
export interface TestSwitches {
  /** Factor on the maximum of intervals with full jitter. */
  jitter?: number;
  /** Factor on the intervals between attempts of an asynchronous invocation. */
  asyncPauses?: number;
  /** Factor on intervals without jitter that grow to five minutes or more. */
  longPauses?: number;
  /** Factor on the timeouts of tasks that can wait five minutes or more for a callback. */
  callbackTimeouts?: number;
  predictableSubs?: boolean;
  serviceCallsThroughEndpoint?: boolean;
  /** Opens the routes by which a suite ends, kills, recycles and holds. */
  interventions?: boolean;
  /** Folder for samples of requests and responses (corrections/recording.py). */
  record?: string;
  workers?: {
    /** Maximum concurrent invocations of a function. */
    each: number;
    /** Maximum for single functions, by name. */
    of: Record<string, number>;
  };
}

/** The environment variables of the local AWS for some switches. */
export const environmentOfSwitches = (testSwitches: TestSwitches): Record<string, string> => ({
  ...(testSwitches.jitter === undefined ? {} : { LOCAL_AWS_JITTER: String(testSwitches.jitter) }),
  ...(testSwitches.asyncPauses === undefined
    ? {}
    : { LOCAL_AWS_ASYNC_PAUSES: String(testSwitches.asyncPauses) }),
  ...(testSwitches.longPauses === undefined
    ? {}
    : { LOCAL_AWS_LONG_PAUSES: String(testSwitches.longPauses) }),
  ...(testSwitches.callbackTimeouts === undefined
    ? {}
    : { LOCAL_AWS_CALLBACK_TIMEOUTS: String(testSwitches.callbackTimeouts) }),
  ...(testSwitches.predictableSubs ? { LOCAL_AWS_PREDICTABLE_SUBS: 'on' } : {}),
  ...(testSwitches.serviceCallsThroughEndpoint ? { LOCAL_AWS_SERVICE_CALLS: 'through-endpoint' } : {}),
  ...(testSwitches.interventions ? { LOCAL_AWS_UNDER_TEST: 'on' } : {}),
  ...(testSwitches.record === undefined ? {} : { LOCAL_AWS_RECORD: testSwitches.record }),
  ...(testSwitches.workers === undefined ? {} : { LOCAL_AWS_WORKERS: asText(testSwitches.workers) }),
});

const asText = ({ each, of }: NonNullable<TestSwitches['workers']>): string =>
  [each, ...Object.entries(of).map(([name, count]) => `${name}=${count}`)].join(' ');
