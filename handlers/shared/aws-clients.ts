import { timeLimits } from '../../contracts/time-limits.ts';

/**
 * All AWS clients are created here. A call that exceeds its timeout fails, so that attempts × timeout stays below the
 * timeout of the function.
 * docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/timeouts.html
 */
const configuration = (maxAttempts: number, seconds: number = timeLimits.awsCall) => ({
  maxAttempts,
  requestHandler: {
    connectionTimeout: timeLimits.awsConnect * 1000,
    requestTimeout: seconds * 1000,
    throwOnRequestTimeout: true,
  },
});

type ClientClass<Client> = new (settings: ReturnType<typeof configuration>) => Client;

/** Client for a step of a workflow: one attempt, so that the workflow retries and its history has each attempt. */
export const stepClient = <Client>(Class: ClientClass<Client>): Client => new Class(configuration(1));

/** Client for a function of an API or a schedule: two attempts, so that a single transient error has no effect. */
export const apiClient = <Client>(Class: ClientClass<Client>): Client => new Class(configuration(2));

/** Client for synchronous invocations: one attempt with a timeout of `seconds`. */
export const invokeClient = <Client>(Class: ClientClass<Client>, seconds: number): Client =>
  new Class(configuration(1, seconds));
