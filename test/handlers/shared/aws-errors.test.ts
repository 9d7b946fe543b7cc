import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { classifyError } from '../../../handlers/shared/errors.ts';
import { sdkError } from '../../support/sdk-errors.ts';

/**
 * Every client error of the AWS calls of the functions. Transient ones are retried by name; all others are permanent and
 * keep their names. Server errors (5xx) are transient with any name.
 */
const verdicts = {
  ServiceThrottled: [
    'ExecutionLimitExceeded',
    'KmsThrottlingException',
    'LimitExceededException',
    'ProvisionedThroughputExceededException',
    'RequestLimitExceeded',
    'ThrottlingException',
    'TooManyRequestsException',
  ],
  ServiceUnavailable: ['ReplicatedWriteConflictException', 'TransactionConflictException'],
  /** The state differs from the one that the request expects. The functions handle these names. */
  state: [
    'ConditionalCheckFailedException',
    'ExecutionAlreadyExists',
    'ExecutionDoesNotExist',
    'InvalidCiphertextException',
    'NotAuthorizedException',
    'NotFoundException',
    'PasswordResetRequiredException',
    'PreconditionNotMetException',
    'ResourceExistsException',
    'ResourceNotFound',
    'ResourceNotFoundException',
    'TaskDoesNotExist',
    'TaskTimedOut',
    'UnsupportedUserStateException',
    'UserNotConfirmedException',
    'UserNotFoundException',
    'UsernameExistsException',
  ],
  /** The request is not valid, so a retry fails, too. */
  request: [
    'BadRequestException',
    'DryRunOperationException',
    'IncorrectKeyException',
    'InvalidArn',
    'InvalidEndpointException',
    'InvalidExecutionInput',
    'InvalidGrantTokenException',
    'InvalidName',
    'InvalidOutput',
    'InvalidParameterException',
    'InvalidPasswordException',
    'InvalidRequestException',
    'InvalidToken',
    'ItemCollectionSizeLimitExceededException',
    'PasswordHistoryPolicyViolationException',
    'StateMachineTypeNotSupported',
    'UnsupportedOperationException',
    'ValidationException',
  ],
  /** The deployment was changed: a key, a permission, a trigger, a state machine. */
  deployment: [
    'CodeDeliveryFailureException',
    'DecryptionFailure',
    'DisabledException',
    'EncryptionFailure',
    'FeatureUnavailableInTierException',
    'ForbiddenException',
    'InvalidEmailRoleAccessPolicyException',
    'InvalidKeyUsageException',
    'InvalidLambdaResponseException',
    'InvalidSmsRoleAccessPolicyException',
    'InvalidSmsRoleTrustRelationshipException',
    'InvalidUserPoolConfigurationException',
    'KMSInvalidStateException',
    'KmsAccessDeniedException',
    'KmsInvalidStateException',
    'OperationNotEnabledException',
    'StateMachineDeleting',
    'StateMachineDoesNotExist',
    'UnexpectedLambdaException',
    'UserLambdaValidationException',
  ],
} as const;
const passing = ['ServiceThrottled', 'ServiceUnavailable'] as const;

const handlers = join(import.meta.dirname, '..', '..', '..', 'handlers');
const { resolve } = createRequire(import.meta.url);

/**
 * The commands that the functions send, by client: `import { PutItemCommand } from '@aws-sdk/client-dynamodb'`. Errors of
 * Lambda's Invoke are on a list of their own (workflows/aws-errors.ts).
 */
function commandsInUse(): { client: string; command: string }[] {
  const files = readdirSync(handlers, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /^(app1|app2|shared)\/.*\.ts$/.test(file),
  );
  return files.flatMap((file) =>
    [
      ...readFileSync(join(handlers, file), 'utf8').matchAll(
        /import \{([^}]*)\} from '(@aws-sdk\/client-(?!lambda)[\w-]+)'/g,
      ),
    ].flatMap(([, names = '', client = '']) =>
      [...names.matchAll(/\b\w+Command\b/g)].map(([command]) => ({ client, command })),
    ),
  );
}

/** The client errors (4xx) of a command in the SDK's types. */
function clientFaults({ client, command }: { client: string; command: string }): string[] {
  const types = join(dirname(resolve(`${client}/package.json`)), 'dist-types', 'commands', `${command}.d.ts`);
  const matches = readFileSync(types, 'utf8').matchAll(/@throws \{@link (\w+)\} \(client fault\)/g);
  return [...matches].map(([, name = '']) => name);
}

const faults = [...new Set(commandsInUse().flatMap(clientFaults))].toSorted();
const nameOf = (fault: string): string =>
  passing.find((verdict) => verdicts[verdict].some((name) => name === fault)) ?? fault;

describe('a client error of AWS', () => {
  it.each(faults)('is classified by its remedy: %s', (name) => {
    expect(classifyError(sdkError(name, { status: 400 })).name).toBe(nameOf(name));
  });

  it('is listed', () => {
    expect(faults).toEqual(Object.values(verdicts).flat().toSorted());
  });
});
