import type { FailureName } from '../../contracts/failures.ts';

/** A step failed for a reason that has a name; Step Functions matches the name, people read the message. */
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

/** Errors of AWS by which a service says that it has too much to do, whatever their HTTP status. */
const THROTTLED = [
  'TooManyRequestsException',
  'ThrottlingException',
  'ThrottledException',
  'Throttling',
  'LimitExceededException',
  'RequestLimitExceeded',
  // DynamoDB: amazondynamodb/latest/developerguide/Programming.Errors.html
  'ProvisionedThroughputExceededException',
  // Step Functions: so many executions run that none can be started (API_StartExecution).
  'ExecutionLimitExceeded',
  'KmsThrottlingException',
];

/** Errors of AWS that say nothing of the request: the same one can succeed in a moment. */
const UNAVAILABLE = [
  'InternalErrorException',
  'InternalServiceError',
  'InternalFailure',
  'ServiceUnavailableException',
  'KMSInternalException',
  'DependencyTimeoutException',
  'KeyUnavailableException',
  // DynamoDB: another write of the same item is under way (API_UpdateItem).
  'TransactionConflictException',
  'ReplicatedWriteConflictException',
  'TimeoutError',
  'AbortError',
  'RequestTimeout',
];

/** What the SDK says of a call that failed. */
function metadataOf(error: unknown): object | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  return typeof error.$metadata === 'object' && error.$metadata !== null ? error.$metadata : undefined;
}

/** Absent where no answer came. */
function httpStatusOf(error: Error): number | undefined {
  const metadata = metadataOf(error);
  return metadata !== undefined && 'httpStatusCode' in metadata && typeof metadata.httpStatusCode === 'number'
    ? metadata.httpStatusCode
    : undefined;
}

/** How often a call was tried before it failed with this error; absent when it was no call of AWS. */
export function attemptsOf(error: unknown): number | undefined {
  const metadata = metadataOf(error);
  return metadata !== undefined && 'attempts' in metadata && typeof metadata.attempts === 'number'
    ? metadata.attempts
    : undefined;
}

/** System errors of Node (ECONNRESET, ENOTFOUND, …): the connection failed, whatever the SDK calls it. */
function isConnectionError(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && /^(E[A-Z]+|UND_ERR_\w+)$/.test(error.code);
}

/**
 * The error that leaves a function instead of the one that was thrown inside: same meaning, nothing quoted.
 * Messages of the SDK, of JSON.parse and of zod can repeat their input, and the message of a step's error stays in
 * the execution's history for 90 days; so only names and the service's request id pass.
 */
export function classifyError(error: unknown): Error {
  if (error instanceof StepError) return error;
  if (!(error instanceof Error)) return named('StepFailed', 'Something was thrown that is not an error.');
  const status = httpStatusOf(error);
  const said = `${error.name}${status === undefined ? '' : ` (HTTP ${status})`}`;
  if (THROTTLED.includes(error.name) || status === 429) return new StepError('ServiceThrottled', said);
  if (UNAVAILABLE.includes(error.name) || isConnectionError(error) || (status ?? 0) >= 500)
    return new StepError('ServiceUnavailable', said);
  return named(error.name, said);
}

function named(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
