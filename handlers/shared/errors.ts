import type { FailureName } from '../../contracts/failures.ts';

/** The failure of a step. Step Functions matches its name (Retry, Catch); the history has its message. */
export class StepError extends Error {
  override readonly name: FailureName;

  constructor(name: FailureName, message: string) {
    super(message);
    this.name = name;
  }
}

/** Whether an error carries this `name`, as the errors of the AWS SDK do. */
export function hasErrorName(error: unknown, ...names: string[]): error is Error {
  return error instanceof Error && names.includes(error.name);
}

/** Throttling errors of AWS services. */
const THROTTLED = [
  'TooManyRequestsException',
  'ThrottlingException',
  'ThrottledException',
  'Throttling',
  'LimitExceededException',
  'RequestLimitExceeded',
  // DynamoDB: amazondynamodb/latest/developerguide/Programming.Errors.html
  'ProvisionedThroughputExceededException',
  // Step Functions: the quota of running executions is used up (API_StartExecution).
  'ExecutionLimitExceeded',
  'KmsThrottlingException',
];

/** Transient errors of AWS services: a retry of the same request can succeed. */
const UNAVAILABLE = [
  'InternalErrorException',
  'InternalServiceError',
  'InternalFailure',
  'ServiceUnavailableException',
  'KMSInternalException',
  'DependencyTimeoutException',
  'KeyUnavailableException',
  // DynamoDB: another write of the same item is in progress (API_UpdateItem).
  'TransactionConflictException',
  'ReplicatedWriteConflictException',
  'TimeoutError',
  'AbortError',
  'RequestTimeout',
];

/** The SDK's `$metadata` of a failed call. */
function metadataOf(error: unknown): object | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  return typeof error.$metadata === 'object' && error.$metadata !== null ? error.$metadata : undefined;
}

/** Absent without a response. */
function httpStatusOf(error: Error): number | undefined {
  const metadata = metadataOf(error);
  return metadata !== undefined && 'httpStatusCode' in metadata && typeof metadata.httpStatusCode === 'number'
    ? metadata.httpStatusCode
    : undefined;
}

/** Number of attempts of a failed AWS call; absent for other errors. */
export function attemptsOf(error: unknown): number | undefined {
  const metadata = metadataOf(error);
  return metadata !== undefined && 'attempts' in metadata && typeof metadata.attempts === 'number'
    ? metadata.attempts
    : undefined;
}

/** System errors of Node (ECONNRESET, ENOTFOUND, …): the connection failed. The SDK may have changed the name. */
function isConnectionError(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && /^(E[A-Z]+|UND_ERR_\w+)$/.test(error.code);
}

/**
 * Maps a thrown value to the error that a function returns: a StepError for throttled and unavailable services, else an
 * error with the same name. The message is dropped, because messages of the SDK, of JSON.parse and of zod can contain
 * their input, and the execution's history keeps the error for 90 days. The new message has the name and the HTTP status.
 */
export function classifyError(error: unknown): Error {
  if (error instanceof StepError) return error;
  if (!(error instanceof Error)) return namedError('StepFailed', 'The thrown value is not an error.');
  const status = httpStatusOf(error);
  const message = `${error.name}${status === undefined ? '' : ` (HTTP ${status})`}`;
  if (THROTTLED.includes(error.name) || status === 429) return new StepError('ServiceThrottled', message);
  if (UNAVAILABLE.includes(error.name) || isConnectionError(error) || (status ?? 0) >= 500)
    return new StepError('ServiceUnavailable', message);
  return namedError(error.name, message);
}

function namedError(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
