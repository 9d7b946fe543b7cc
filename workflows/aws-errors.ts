/**
 * Names under which Step Functions tells that a call of AWS has failed, and which of them time alone mends. A retry
 * policy is made of these names (retry-policies.ts); what is on no list is not retried.
 */

/**
 * What mends an error: time, because there was too much to do (`throttled`) or for another reason (`passing`), or only
 * somebody (`permanent`). `unused`: no function here has what it comes from.
 */
type Verdict = 'throttled' | 'passing' | 'permanent' | 'unused';

/**
 * Every error that Lambda's Invoke has; a test compares the names with those of the SDK. Step Functions puts `Lambda.`
 * before them. The functions have no VPC; an organization may put them into one, so its errors count.
 * docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
 */
export const invokeErrors = {
  /** Concurrency, or the rate of requests. */
  TooManyRequestsException: 'throttled',
  /** EC2 throttles Lambda while it prepares the function. */
  EC2ThrottledException: 'throttled',
  ServiceQuotaExceededException: 'throttled',

  /** An internal error of Lambda. */
  ServiceException: 'passing',
  /** "Another operation is in progress": the function is Pending, as after it was made or has been idle for weeks. */
  ResourceConflictException: 'passing',
  /** "The function is inactive": its network is being made again. */
  ResourceNotReadyException: 'passing',
  /** "Wait for the function's state to become Active and try the request again." */
  CodeArtifactUserPendingException: 'passing',
  /** "Wait for Lambda to provision a new code artifact user." */
  CodeArtifactUserDeletedException: 'passing',
  ENINotReadyException: 'passing',
  /** An unexpected answer of EC2 while the function's network is made. */
  EC2UnexpectedException: 'passing',
  /** Network interfaces and addresses come free when other functions let go of theirs. */
  ENILimitReachedException: 'passing',
  SubnetIPAddressLimitReachedException: 'passing',

  /** Somebody has to give a right, enable a key, or change or upload the function. */
  CodeArtifactUserFailedException: 'permanent',
  EC2AccessDeniedException: 'permanent',
  InvalidRuntimeException: 'permanent',
  InvalidSecurityGroupIDException: 'permanent',
  InvalidSubnetIDException: 'permanent',
  InvalidZipFileException: 'permanent',
  KMSAccessDeniedException: 'permanent',
  KMSDisabledException: 'permanent',
  KMSInvalidStateException: 'permanent',
  KMSNotFoundException: 'permanent',
  ResourceNotFoundException: 'permanent',
  /** The same request gets the same answer. */
  InvalidParameterValueException: 'permanent',
  InvalidRequestContentException: 'permanent',
  RecursiveInvocationException: 'permanent',
  RequestTooLargeException: 'permanent',
  SerializedRequestEntityTooLargeException: 'permanent',
  UnsupportedMediaTypeException: 'permanent',

  /** File systems, SnapStart, published versions and durable functions. */
  DurableExecutionAlreadyStartedException: 'unused',
  EFSIOException: 'unused',
  EFSMountConnectivityException: 'unused',
  EFSMountFailureException: 'unused',
  EFSMountTimeoutException: 'unused',
  ModeNotSupportedException: 'unused',
  NoPublishedVersionException: 'unused',
  S3FilesMountConnectivityException: 'unused',
  S3FilesMountFailureException: 'unused',
  S3FilesMountTimeoutException: 'unused',
  SnapStartException: 'unused',
  SnapStartNotReadyException: 'unused',
  SnapStartRegenerationFailureException: 'unused',
  SnapStartTimeoutException: 'unused',
} as const satisfies Record<string, Verdict>;

const invokeErrorsThatAre = (verdict: Verdict): string[] =>
  Object.entries(invokeErrors).flatMap(([name, its]) => (its === verdict ? [`Lambda.${name}`] : []));

/** Lambda had too much to do. */
export const LAMBDA_THROTTLED: readonly string[] = invokeErrorsThatAre('throttled');

/** Lambda gave no answer, or one that says nothing of the request: worth another try. */
export const LAMBDA_PASSING: readonly string[] = [
  ...invokeErrorsThatAre('passing'),
  // step-functions/latest/dg/sfn-best-practices (bp-lambda-serviceexception): what the client of Step Functions tells.
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  // step-functions/latest/dg/concepts-error-handling: time limit and memory of a function, in older runtimes.
  'Lambda.Unknown',
  // The same in the present ones. The next attempt gets another environment, with its memory empty.
  // lambda/latest/dg/troubleshooting-invocation
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
];

/**
 * What can go wrong in passing when a state itself publishes an event.
 * docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html
 */
export const EVENTBRIDGE_PASSING: readonly string[] = [
  'EventBridge.FailedEntry',
  'EventBridge.InternalException',
  'EventBridge.SdkClientException',
  // What the API does not model, throttling among it, has the name of the base class of the client. AWS's own recordings
  // of other integrations have both forms of it: `SecretsManager.SecretsManagerException` and
  // `DynamoDB.AmazonDynamoDBException`. Which of them this integration has is written nowhere.
  'EventBridge.EventBridgeException',
  'EventBridge.AmazonEventBridgeException',
];
