import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminGetUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  DecryptCommand,
  EncryptCommand,
  GenerateMacCommand,
  KMSClient,
  ReEncryptCommand,
} from '@aws-sdk/client-kms';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { type FailureName, failures } from '../../contracts/failures.ts';
import { cleanOutcomes, ROLL_BACK_FAILED } from '../../contracts/outcomes.ts';
import { type ProblemCode, problem, problemBody } from '../../contracts/problems.ts';
import { callTarget as calls, callTargetInput } from '../../handlers/app1/call-target.ts';
import { handler as encryptCredentials } from '../../handlers/app1/encrypt-credentials.ts';
import { handler as getProvisioning } from '../../handlers/app1/get-provisioning.ts';
import { presentTarget } from '../../handlers/app1/lib/registry.ts';
import { targetClient } from '../../handlers/app1/lib/target-client.ts';
import { legacyEndpoint } from '../../handlers/app1/migration/legacy-endpoint.ts';
import { routeProvisioning } from '../../handlers/app1/migration/route-provisioning.ts';
import { handler as retryProvisioning } from '../../handlers/app1/retry-provisioning.ts';
import { handler as startProvisioning } from '../../handlers/app1/start-provisioning.ts';
import { handler as addToGroup } from '../../handlers/app2/add-to-group.ts';
import { handler as createUser } from '../../handlers/app2/create-user.ts';
import { handler as decryptCredentials } from '../../handlers/app2/decrypt-credentials.ts';
import { handler as deleteUser } from '../../handlers/app2/delete-user.ts';
import { handler as sample } from '../../handlers/app2/sample.ts';
import { handler as setPassword } from '../../handlers/app2/set-password.ts';
import { handler as startUserCreation } from '../../handlers/app2/start-user-creation.ts';
import { statusOf } from '../../handlers/shared/status.ts';
import { step } from '../../handlers/shared/step.ts';
import { templates } from '../../infra/templates.ts';
import { authorizedRequest, CALLERS_OWNER, MACHINE_OWNER, signedRequest } from '../support/api-events.ts';
import { execution, failedAs, notFound, STARTED } from '../support/executions.ts';
import { attributesOf, stamps } from '../support/pool-users.ts';
import { resources } from '../support/resources.ts';
import { sdkError } from '../support/sdk-errors.ts';
import {
  ENCRYPTED,
  GENERATION,
  INTAKE_CIPHERTEXT,
  OTHER_CREATION_ID,
  OTHER_PROVISIONING_ID,
  PASSWORD,
  PROVISIONING_ID,
  SUB,
  subject,
} from '../support/subject.ts';
import { creationStatus } from '../support/target-replies.ts';
import { REGISTRY } from '../support/targets.ts';
import { thrownBy } from '../support/thrown.ts';

/**
 * Every code of the contract can be returned: for each row, a cause, run through the deployed functions. A row without a
 * cause here does not compile.
 */

const cognito = mockClient(CognitoIdentityProviderClient);
const kms = mockClient(KMSClient);
const stepFunctions = mockClient(SFNClient);
const dynamoDb = mockClient(DynamoDBClient);
const fetch = jest.fn<typeof globalThis.fetch>();
const tokens = { get: async () => ({ value: 'token', expiresAt: Date.now() + 900_000 }) };
const callbacks = {
  registerTaskToken: async () => ({ notified: false }),
  recordNotification: async () => undefined,
};
const callTarget = step(
  callTargetInput,
  calls({
    registry: REGISTRY,
    connect: (target) => {
      presentTarget(REGISTRY, target);
      return { client: targetClient({ apiUrl: `https://${target}.example`, tokens, fetch }), tokens };
    },
    callbacks,
    resumeTask: async () => undefined,
  }),
);

const creation = { ...subject, owner: 'machine', encrypted_password: ENCRYPTED };
const run = { ...creation, on_behalf_of: null, redrive_count: 0 };
const request = {
  action: 'RequestUserCreation',
  target: 'app2',
  ...subject,
  owner: 'owner',
  encrypted_password: ENCRYPTED,
  task_token: 'task-token',
  step: { attempt: 1 },
};
const body = { username: 'alice', password: PASSWORD, human_user_id: 'h-42' };
const userStamped = (provisioning_id: string) => ({
  UserAttributes: attributesOf({ ...stamps, provisioning_id }),
});

/** The response of App2 to App1. */
const app2Returns = (response: Response) => fetch.mockResolvedValue(response);

beforeEach(() => {
  for (const client of [cognito, kms, stepFunctions, dynamoDb]) client.reset();
  kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from(PASSWORD) });
  kms.on(EncryptCommand).resolves({ CiphertextBlob: Buffer.from(INTAKE_CIPHERTEXT) });
  kms.on(GenerateMacCommand).resolves({ Mac: Buffer.from('mac') });
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
});

/** The code that a status has for the error that a step throws. */
const thrown = (step: () => Promise<unknown>) => async () => {
  const { name } = await thrownBy(step());
  return codeOf(failedAs('ProvisioningFailed', 'SomeStep', name));
};

const codeOf = (description: object): string | undefined =>
  statusOf(
    {
      executionArn: 'e',
      stateMachineArn: 'm',
      status: 'FAILED',
      startDate: STARTED,
      parsedInput: subject,
      ...description,
    },
    cleanOutcomes.app1,
  ).error?.code;

const reachFailure: Record<FailureName, () => Promise<string | undefined>> = {
  CredentialsRejected: thrown(() => {
    kms.rejects(sdkError('InvalidCiphertextException'));
    return decryptCredentials(creation);
  }),
  PasswordRejected: thrown(() => {
    cognito.on(AdminSetUserPasswordCommand).rejects(sdkError('InvalidPasswordException'));
    return setPassword({ ...creation, sub: SUB });
  }),
  UsernameRejected: thrown(() => {
    cognito
      .on(AdminCreateUserCommand)
      .rejects(sdkError('InvalidParameterException', { message: 'Username cannot be of email format' }));
    return createUser(run);
  }),
  UserAlreadyExists: thrown(() => {
    cognito.on(AdminCreateUserCommand).rejects(sdkError('UsernameExistsException'));
    cognito.on(AdminGetUserCommand).resolves(userStamped(OTHER_PROVISIONING_ID));
    return createUser(run);
  }),
  UserNotFound: thrown(() => {
    cognito.on(AdminAddUserToGroupCommand).rejects(sdkError('UserNotFoundException'));
    return addToGroup({ provisioning_id: PROVISIONING_ID, sub: SUB });
  }),
  UserCreationFailed: thrown(() => {
    app2Returns(Response.json(creationStatus({ status: 'ABORTED' })));
    return callTarget(request);
  }),
  TargetAuthenticationFailed: thrown(() => {
    app2Returns(new Response('', { status: 401 }));
    return callTarget(request);
  }),
  TargetRequestRefused: thrown(() => {
    app2Returns(new Response('', { status: 409 }));
    return callTarget(request);
  }),
  TargetNotRegistered: thrown(() => callTarget({ action: 'Authenticate', target: 'unknown' })),
  TargetUnavailable: thrown(() => {
    app2Returns(new Response('', { status: 503 }));
    return callTarget(request);
  }),
  UserCreationPending: thrown(() => {
    app2Returns(Response.json(creationStatus(), { status: 202 }));
    return callTarget(request);
  }),
  CreationDeferred: thrown(() => {
    kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from(PASSWORD) });
    const next_at = { N: String(Date.now() + 24 * 60 * 60 * 1000) };
    dynamoDb
      .on(UpdateItemCommand)
      .rejects(new ConditionalCheckFailedException({ message: 'queued', $metadata: {}, Item: { next_at } }));
    dynamoDb.on(GetItemCommand).resolves({});
    const held = { period_9999999999: { N: '1000000' } };
    dynamoDb.on(UpdateItemCommand, { ReturnValues: 'ALL_NEW' }).resolves({ Attributes: held });
    return decryptCredentials(creation);
  }),
  TargetQueueFull: thrown(() => {
    app2Returns(Response.json(problemBody('QUEUE_FULL'), { status: 503 }));
    return callTarget(request);
  }),
  UserRemovalPending: thrown(() => {
    app2Returns(Response.json(creationStatus({ user: 'being_removed' }), { status: 202 }));
    return callTarget({ action: 'CancelUserCreation', target: 'app2', ...GENERATION, username: 'alice' });
  }),
  AbsenceNotConfirmed: thrown(() => {
    cognito.on(AdminGetUserCommand).rejects(sdkError('UserNotFoundException'));
    const entered_at = new Date().toISOString();
    return deleteUser({ ...subject, sub: null, creation_in_flight: true, entered_at });
  }),
  EventNotPublished: async () =>
    codeOf(failedAs('ProvisioningFailed', 'PublishRequested', 'EventBridge.FailedEntry')),
  ServiceThrottled: thrown(() => {
    kms.rejects(sdkError('ThrottlingException'));
    return encryptCredentials({ target: 'app2', ...subject, intake_ciphertext: INTAKE_CIPHERTEXT });
  }),
  ServiceUnavailable: thrown(() => {
    kms.rejects(sdkError('KMSInternalException', { status: 500 }));
    return decryptCredentials(creation);
  }),
  InvalidStepInput: thrown(() => decryptCredentials({})),
  StepFailed: thrown(() => {
    kms.rejects(sdkError('AccessDeniedException'));
    return encryptCredentials({ target: 'app2', ...subject, intake_ciphertext: INTAKE_CIPHERTEXT });
  }),
  UserBeingRemoved: thrown(() => {
    const of = (machine: string) => ({
      executionArn: `arn:aws:states:eu-central-1:111122223333:execution:${machine}:${OTHER_PROVISIONING_ID}`,
    });
    const other = { ...creation, provisioning_id: OTHER_PROVISIONING_ID };
    cognito.on(AdminCreateUserCommand).rejects(sdkError('UsernameExistsException'));
    cognito.on(AdminGetUserCommand).resolves(userStamped(OTHER_PROVISIONING_ID));
    stepFunctions
      .on(DescribeExecutionCommand, of('Machine'))
      .resolves(execution(other, { status: 'ABORTED' }));
    stepFunctions.on(DescribeExecutionCommand, of('RollBackMachine')).resolves(execution(other));
    return createUser(run);
  }),
  RedriveRefused: thrown(() => createUser({ ...run, redrive_count: 1 })),
  Cancelled: thrown(() => decryptCredentials({ ...GENERATION, owner: 'machine', cancelled: true })),
  ExecutionAborted: async () => codeOf({ status: 'ABORTED' }),
  ExecutionTimedOut: async () => codeOf({ status: 'TIMED_OUT' }),
  RollBackFailed: async () => codeOf(failedAs(ROLL_BACK_FAILED, 'CreateUser', 'ServiceUnavailable')),
};

describe('the functions', () => {
  it.each(Object.entries(failures))('can fail with %s', async (name, { code }) => {
    await expect(reachFailure[name as FailureName]()).resolves.toBe(code); // the rows have exactly these names
  });
});

const post = (over: { headers?: Record<string, string>; body?: unknown } = {}) =>
  startProvisioning(signedRequest({ path: '/create-service-user', body, ...over }));

const former = {
  ...subject,
  owner: CALLERS_OWNER,
  targets: ['app2'],
  intake_ciphertext: INTAKE_CIPHERTEXT,
  request_mac: 'mac',
};
const retry = () => retryProvisioning(signedRequest({ id: PROVISIONING_ID }));

/** A response of the deployed API itself. */
function fromGateway(type: string): APIGatewayProxyResult {
  const found = resources(templates({ environment: 'aws' }).app1, 'AWS::ApiGateway::GatewayResponse').find(
    ([, { Properties }]) => Properties['ResponseType'] === type,
  );
  const templatesOf = found?.[1].Properties['ResponseTemplates'] as Record<string, string>; // the form in CloudFormation
  return {
    statusCode: Number(found?.[1].Properties['StatusCode']),
    body: templatesOf['application/json'] ?? '',
  };
}

/** A request that is routed to a legacy endpoint. */
const toLegacy = (fetch: typeof globalThis.fetch) =>
  routeProvisioning({
    choose: async () => 'legacy',
    pin: async (_id, chosen) => chosen,
    workflow: startProvisioning,
    legacy: legacyEndpoint({
      url: 'https://legacy.example',
      secretsManager: { send: async () => ({ SecretString: 'the-key' }) },
      secretArn: 'secret',
      fetch,
    }),
    count: () => undefined,
  })(signedRequest({ body }));

const requests: Record<ProblemCode, () => Promise<APIGatewayProxyResult>> = {
  INVALID_REQUEST: () => post({ body: {} }),
  UNAUTHENTICATED: () => sample(authorizedRequest({ path: '/sample', body: { data: {} } }, {})),
  FORBIDDEN: () => startProvisioning(signedRequest({ body }, {})),
  NOT_FOUND: () => getProvisioning(signedRequest({ method: 'GET', id: PROVISIONING_ID })),
  IDEMPOTENCY_CONFLICT: () => {
    const other = { ...former, request_mac: 'another' };
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
    stepFunctions.on(DescribeExecutionCommand).resolves(execution(other));
    return post({ headers: { 'Idempotency-Key': 'k' } });
  },
  USER_OF_EARLIER_PROVISIONING: () => {
    dynamoDb.on(UpdateItemCommand).resolves({ Attributes: { next_at: { N: String(Date.now()) } } });
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
    stepFunctions.on(DescribeExecutionCommand).resolves(execution({ ...creation, owner: MACHINE_OWNER }));
    return startUserCreation(
      authorizedRequest({
        path: '/admin/create-user',
        headers: { 'Idempotency-Key': PROVISIONING_ID, 'Creation-Id': OTHER_CREATION_ID },
        body: { username: 'alice', human_user_id: 'h-42', encrypted_password: ENCRYPTED },
      }),
    );
  },
  PROVISIONING_IN_PROGRESS: () => {
    stepFunctions.on(DescribeExecutionCommand).resolves(execution(former));
    return retry();
  },
  NOT_RETRYABLE: () => {
    const ended = failedAs('ProvisioningFailed', 'RequestUserCreation', 'TargetUnavailable');
    stepFunctions.on(DescribeExecutionCommand).resolves(execution(former, ended));
    kms.on(ReEncryptCommand).rejects(sdkError('InvalidCiphertextException'));
    return retry();
  },
  PAYLOAD_TOO_LARGE: () => post({ body: { ...body, human_user_id: 'h'.repeat(20_000) } }),
  UNSUPPORTED_MEDIA_TYPE: () => post({ headers: { 'Content-Type': 'text/plain' } }),
  THROTTLED: async () => fromGateway('THROTTLED'),
  INTERNAL_ERROR: () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('AccessDeniedException'));
    return post();
  },
  LEGACY_UNAVAILABLE: () => toLegacy(async () => new Response('<html>', { status: 200 })),
  LEGACY_TIMEOUT: () =>
    toLegacy(async () => {
      throw new DOMException('too late', 'TimeoutError');
    }),
  QUEUE_FULL: () => {
    const full = String(Date.now() + 24 * 60 * 60 * 1000);
    dynamoDb.on(GetItemCommand).resolves({ Item: { next_at: { N: full } } });
    stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
    return startUserCreation(
      authorizedRequest({
        path: '/admin/create-user',
        headers: { 'Idempotency-Key': PROVISIONING_ID },
        body: { username: 'alice', human_user_id: 'h-42', encrypted_password: ENCRYPTED },
      }),
    );
  },
  SERVICE_UNAVAILABLE: () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ThrottlingException'));
    return post();
  },
};

describe('the routes', () => {
  it.each(Object.entries(requests))('can return %s', async (code, send) => {
    const response = await send();

    const { code: returned, status } = problem.parse(JSON.parse(response.body));

    expect([returned, response.statusCode]).toEqual([code, status]);
  });
});
