import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import {
  BatchGetItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { LambdaClient } from '@aws-sdk/client-lambda';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  type ListExecutionsCommandInput,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import type * as z from 'zod';
import { provisioningStatus } from '../../contracts/status.ts';
import { cancelProvisioning } from '../../handlers/app1/cancel-provisioning.ts';
import { getProvisioning } from '../../handlers/app1/get-provisioning.ts';
import { provisionings } from '../../handlers/app1/lib/provisioning.ts';
import { targetClient } from '../../handlers/app1/lib/target-client.ts';
import { retryProvisioning } from '../../handlers/app1/retry-provisioning.ts';
import { cancelUserCreation } from '../../handlers/app2/cancel-user-creation.ts';
import { getUserCreation } from '../../handlers/app2/get-user-creation.ts';
import { creations } from '../../handlers/app2/lib/user-creation.ts';
import { api } from '../../handlers/shared/api.ts';
import { rollBackIfNeeded } from '../../handlers/shared/finished-execution.ts';
import type { ProvisioningSubject, Workflows } from '../../handlers/shared/roll-backs.ts';
import { sweep } from '../../handlers/shared/sweep.ts';
import { timelineAt } from '../../handlers/shared/timeline.ts';
import { fakeRuntime } from '../cli/support/runtime.ts';
import { authorizedRequest, CALLERS_OWNER, MACHINE_OWNER, signedRequest } from '../support/api-events.ts';
import { highRates } from '../support/caller-rates.ts';
import { fakeClock } from '../support/clock.ts';
import { execution, failedAs, notFound, STOPPED } from '../support/executions.ts';
import { historyOf } from '../support/history.ts';
import { olderSubject } from '../support/older-values.ts';
import { expectProblem } from '../support/problems.ts';
import { ENCRYPTED, GENERATION, INTAKE_CIPHERTEXT, PROVISIONING_ID, ROLL_BACK } from '../support/subject.ts';
import { creationStatus } from '../support/target-replies.ts';
import { REGISTRY } from '../support/targets.ts';

/**
 * A provisioning that was accepted under older rules for requests is read, cancelled, swept, rolled back and reported.
 * Otherwise its user could not be removed.
 */

const stepFunctions = mockClient(SFNClient);
const dynamoDb = mockClient(DynamoDBClient);

const account = 'eu-central-1:111122223333';
const older = { ...GENERATION, ...olderSubject };
const failure = { step: 'Execution', error: 'Cancelled' };

/** For each service: its state machines, their inputs, and the calls of its functions. */
const services = {
  App1: {
    machines: machinesNamed('ProvisionServiceUser', 'RollBackProvisioning'),
    input: {
      ...older,
      owner: CALLERS_OWNER,
      targets: ['app2'],
      intake_ciphertext: INTAKE_CIPHERTEXT,
      request_mac: 'mac',
    },
    workflows: provisionings,
    status: (machines: Machines) =>
      api(
        getProvisioning({
          stepFunctions: new SFNClient({}),
          lambda: new LambdaClient({}),
          dynamoDb: new DynamoDBClient({}),
          environment: {
            ...machines,
            ...highRates,
            CALLBACKS_TABLE: 'callbacks',
            TARGETS: REGISTRY,
            CALL_TARGET_FUNCTION: 'app1-call-target',
          },
          clock: fakeClock(),
        }),
      )(signedRequest({ method: 'GET', id: PROVISIONING_ID })),
    cancel: (machines: Machines) =>
      api(
        cancelProvisioning({
          stepFunctions: new SFNClient({}),
          dynamoDb: new DynamoDBClient({}),
          environment: { ...machines, ...highRates, TARGETS: REGISTRY },
          clock: fakeClock(),
        }),
      )(signedRequest({ method: 'DELETE', id: PROVISIONING_ID })),
  },
  App2: {
    machines: machinesNamed('CreateServiceUser', 'RollBackServiceUser'),
    input: { ...older, owner: MACHINE_OWNER, on_behalf_of: 'an owner of old', encrypted_password: ENCRYPTED },
    workflows: creations,
    status: (machines: Machines) =>
      api(
        getUserCreation({
          stepFunctions: new SFNClient({}),
          cognito: new CognitoIdentityProviderClient({}),
          environment: {
            ...machines,
            SERVICE: 'app2',
            USER_POOL_ID: 'pool',
            SERVICE_USER_GROUP: 'service-user',
          },
          clock: fakeClock(),
        }),
      )(authorizedRequest({ method: 'GET', id: PROVISIONING_ID })),
    cancel: (machines: Machines) =>
      api(
        cancelUserCreation({
          stepFunctions: new SFNClient({}),
          cognito: new CognitoIdentityProviderClient({}),
          environment: { USER_POOL_ID: 'pool', ...machines },
          clock: fakeClock(),
        }),
      )(authorizedRequest({ method: 'DELETE', id: PROVISIONING_ID })),
  },
} as const;

type Machines = ReturnType<typeof machinesNamed>;
function machinesNamed(machine: string, rollBackMachine: string) {
  const arn = (name: string) => `arn:aws:states:${account}:stateMachine:${name}`;
  return { STATE_MACHINE_ARN: arn(machine), ROLL_BACK_STATE_MACHINE_ARN: arn(rollBackMachine) };
}
const arnIn = (machineArn: string, name: string) =>
  `${machineArn.replace(':stateMachine:', ':execution:')}:${name}`;

const rollBacksStarted = () =>
  stepFunctions
    .commandCalls(StartExecutionCommand)
    .map(({ args: [{ input: request }] }): unknown => JSON.parse(request.input ?? ''));

beforeEach(() => {
  stepFunctions.reset();
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
  stepFunctions.on(ListExecutionsCommand).resolves({ executions: [] });
  stepFunctions.on(StartExecutionCommand).resolves({});
  dynamoDb.reset();
  dynamoDb.on(GetItemCommand).resolves({});
  dynamoDb.on(PutItemCommand).resolves({});
  dynamoDb.on(UpdateItemCommand).resolves({});
  dynamoDb.on(BatchGetItemCommand).resolves({});
});

describe.each(Object.entries(services))('%s', (name, { machines, input, workflows, status, cancel }) => {
  const described = (seen: Parameters<typeof execution>[1]) =>
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: arnIn(machines.STATE_MACHINE_ARN, PROVISIONING_ID) })
      .resolves(execution(input, seen));
  const ours = (): Workflows<z.ZodType<ProvisioningSubject>> => workflows(new SFNClient({}), machines);

  it('returns a status that matches the contract', async () => {
    described({ status: 'SUCCEEDED' });

    const response = await status(machines);

    expect(response.statusCode).toBe(200);
    expect(provisioningStatus.parse(JSON.parse(response.body))).toMatchObject(olderSubject);
  });

  it('is cancelled', async () => {
    described({ status: 'SUCCEEDED' });

    expect((await cancel(machines)).statusCode).toBe(202);
    expect(rollBacksStarted()).toMatchObject([olderSubject]);
  });

  it('is rolled back after a failure', async () => {
    described({ status: 'ABORTED' });

    await expect(rollBackIfNeeded(ours(), PROVISIONING_ID)).resolves.toBe('started');
    expect(rollBacksStarted()).toMatchObject([olderSubject]);
  });

  it('is swept with its roll-backs', async () => {
    described({ status: 'ABORTED' });
    stepFunctions
      .on(DescribeExecutionCommand, {
        executionArn: arnIn(machines.ROLL_BACK_STATE_MACHINE_ARN, `${ROLL_BACK}.1`),
      })
      .resolves(
        execution(
          { ...older, owner: input.owner, had_succeeded: false, failure },
          failedAs('RollBackFailed', 'DeleteUser', 'x'),
        ),
      );
    stepFunctions.on(ListExecutionsCommand).callsFake(async (request: ListExecutionsCommandInput) => ({
      executions:
        request.statusFilter === 'ABORTED'
          ? [
              {
                name:
                  request.stateMachineArn === machines.STATE_MACHINE_ARN ? PROVISIONING_ID : `${ROLL_BACK}.1`,
                startDate: STOPPED,
                stopDate: STOPPED,
              },
            ]
          : [],
    }));
    const run = sweep({
      workflows: ours(),
      dynamoDb: new DynamoDBClient({}),
      tableName: 'sweep',
      describesPerSecond: 1,
      clock: fakeClock(),
    });

    await expect(run()).resolves.toMatchObject({ failed: 2, started: 2, unreadable: 0, remaining: 0 });
  });

  it('has a timeline', async () => {
    described({ status: 'SUCCEEDED' });
    stepFunctions
      .on(GetExecutionHistoryCommand)
      .resolves({ events: historyOf({ step: 'Authenticate', from: 0, to: 5 }) });

    const { timeline } = await timelineAt(name === 'App1' ? 'app1' : 'app2', ours(), GENERATION);

    expect(timeline.map(({ step }) => step)).toEqual(['Authenticate']);
  });
});

describe('App1', () => {
  const { machines, input } = services.App1;
  const described = (seen: Parameters<typeof execution>[1]) =>
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: arnIn(machines.STATE_MACHINE_ARN, PROVISIONING_ID) })
      .resolves(execution(input, seen));

  it('reads the status of App2', async () => {
    const client = targetClient({
      apiUrl: 'https://app2.example',
      tokens: { get: async () => ({ value: 'token', expiresAt: 0 }) },
      fetch: async () => Response.json(creationStatus({ ...olderSubject, status: 'SUCCEEDED' })),
    });

    await expect(client.readStatus(GENERATION, 'alice')).resolves.toMatchObject({ status: 'SUCCEEDED' });
  });

  it('refuses a retry, which is a new request with the present rules', async () => {
    described(failedAs('ProvisioningFailed', 'RequestUserCreation', 'App2Unavailable'));

    const response = await api(
      retryProvisioning({
        kms: new KMSClient({}),
        stepFunctions: new SFNClient({}),
        dynamoDb: new DynamoDBClient({}),
        environment: {
          ...machines,
          ...highRates,
          API_SCHEME: 'https',
          CALLBACKS_TABLE: 'callbacks',
          TARGETS: REGISTRY,
          INTAKE_KEY_ARN: 'intake',
          MAC_KEY_ARN: 'mac',
        },
        clock: fakeClock(),
      }),
    )(signedRequest({ id: PROVISIONING_ID }));

    expectProblem(response, 'NOT_RETRYABLE');
  });

  it('lists it in the CLI', async () => {
    described({ status: 'SUCCEEDED' });
    stepFunctions.on(ListExecutionsCommand).resolves({
      executions: [{ name: PROVISIONING_ID, startDate: STOPPED, stopDate: STOPPED, status: 'SUCCEEDED' }],
    } as object);
    const here = fakeRuntime({ now: STOPPED.getTime() + 60_000 });

    expect(await here.run('list', '--json')).toBe(0);
    expect(here.jsonOutput()).toMatchObject({ unreadable: [], provisionings: [olderSubject] });
  });
});
