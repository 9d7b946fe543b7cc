/**
 * Error names with which Step Functions reports a failed AWS call, and whether they are transient. The retry policies
 * (retry-policies.ts) use these names; an error on no list is not retried.
 */

/**
 * `throttled` and `transient`: a retry can succeed. `permanent`: a person or a deployment must change something first.
 * `unused`: the feature that causes the error is not in use here.
 */
type ErrorClass = 'throttled' | 'transient' | 'permanent' | 'unused';

/**
 * Every error of Lambda's Invoke; a test compares the names with those of the SDK. Step Functions prefixes them with
 * `Lambda.`. The functions have no VPC, but an organization may require one, so errors of VPC functions are classified.
 * docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
 */
export const invokeErrors = {
  /** Concurrency, or the rate of requests. */
  TooManyRequestsException: 'throttled',
  /** EC2 throttles Lambda while it prepares the function. */
  EC2ThrottledException: 'throttled',
  ServiceQuotaExceededException: 'throttled',

  /** An internal error of Lambda. */
  ServiceException: 'transient',
  /** "Another operation is in progress": the function is Pending, after its creation or after weeks without a call. */
  ResourceConflictException: 'transient',
  /** "The function is inactive": Lambda creates its network interface again. */
  ResourceNotReadyException: 'transient',
  /** "Wait for the function's state to become Active and try the request again." */
  CodeArtifactUserPendingException: 'transient',
  /** "Wait for Lambda to provision a new code artifact user." */
  CodeArtifactUserDeletedException: 'transient',
  ENINotReadyException: 'transient',
  /** An unexpected response of EC2 while Lambda creates the function's network interface. */
  EC2UnexpectedException: 'transient',
  /** Network interfaces and addresses become free when other functions release theirs. */
  ENILimitReachedException: 'transient',
  SubnetIPAddressLimitReachedException: 'transient',

  /** A permission, a key or the function itself must be changed. */
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
  /** The same request fails again. */
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
} as const satisfies Record<string, ErrorClass>;

const invokeErrorsOf = (errorClass: ErrorClass): string[] =>
  Object.entries(invokeErrors).flatMap(([name, ownClass]) =>
    ownClass === errorClass ? [`Lambda.${name}`] : [],
  );

/** Lambda throttled the call. */
export const LAMBDA_THROTTLED: readonly string[] = invokeErrorsOf('throttled');

/** Lambda returned no response, or an error that does not depend on the request. */
export const LAMBDA_TRANSIENT: readonly string[] = [
  ...invokeErrorsOf('transient'),
  // Of the client of Step Functions: step-functions/latest/dg/sfn-best-practices (bp-lambda-serviceexception).
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  // Timeout and memory of a function, in older runtimes: step-functions/latest/dg/concepts-error-handling.
  'Lambda.Unknown',
  // The same in present runtimes. The next attempt runs in a new execution environment.
  // lambda/latest/dg/troubleshooting-invocation
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
];

/**
 * Transient errors of a state that publishes an event by the service integration.
 * docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html
 */
export const EVENTBRIDGE_TRANSIENT: readonly string[] = [
  'EventBridge.FailedEntry',
  'EventBridge.InternalException',
  'EventBridge.SdkClientException',
  // An error that the API does not model, such as throttling, has the name of the base class of the Java SDK's client.
  // Recordings of other integrations have both of its forms: `SecretsManager.SecretsManagerException` and
  // `DynamoDB.AmazonDynamoDBException`. AWS does not document the form of this integration.
  'EventBridge.EventBridgeException',
  'EventBridge.AmazonEventBridgeException',
];
