import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { classifyError } from '../../../handlers/shared/errors.ts';
import { sdkError } from '../../support/sdk-errors.ts';

/**
 * Every error of AWS that a call of a function can have, looked at one by one: those that time mends are retried by name,
 * all others are told by their own names, as permanent. Errors of the server (5xx) pass whatever they are called.
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
  /** What the request asks for is not so, or not so yet or any more: the functions decide by these names. */
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
  /** The request itself is refused, also the next time. */
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
  /** Somebody has changed the deployment: a key, a right, a trigger, a machine. */
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
 * The commands that the functions send, by client: `import { PutItemCommand } from '@aws-sdk/client-dynamodb'`. What Lambda
 * itself answers is on a list of its own (workflows/aws-errors.ts).
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

/** What the SDK says of a command that a client's fault (4xx) can end it with. */
function clientFaults({ client, command }: { client: string; command: string }): string[] {
  const types = join(dirname(resolve(`${client}/package.json`)), 'dist-types', 'commands', `${command}.d.ts`);
  const told = readFileSync(types, 'utf8').matchAll(/@throws \{@link (\w+)\} \(client fault\)/g);
  return [...told].map(([, name = '']) => name);
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
