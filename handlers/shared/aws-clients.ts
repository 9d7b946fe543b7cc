import { timeLimits } from '../../contracts/time-limits.ts';

/**
 * The one place where AWS clients are made. A call that takes too long is an error, not a warning in the log, so that
 * attempts × time limit stays below the function's own limit.
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

/** Client of a step. One attempt: the workflow's retry policy is the only one, and the history shows each attempt. */
export const stepClient = <Client>(Class: ClientClass<Client>): Client => new Class(configuration(1));

/** Client of a function that no workflow calls, behind an API or scheduled: two attempts, so that a blip is not seen. */
export const apiClient = <Client>(Class: ClientClass<Client>): Client => new Class(configuration(2));

/** Client that waits for the answer of a function for so many seconds, once. */
export const invokeClient = <Client>(Class: ClientClass<Client>, seconds: number): Client =>
  new Class(configuration(1, seconds));
