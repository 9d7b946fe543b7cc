import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { REDELIVERY } from '../../../contracts/redelivery.ts';
import { handler as app1Handler } from '../../../handlers/app1/start-roll-back.ts';
import { handler as app2Handler } from '../../../handlers/app2/start-roll-back.ts';
import { execution, failedAs, notFound } from '../../support/executions.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import {
  ENCRYPTED,
  INTAKE_CIPHERTEXT,
  PROVISIONING_ID,
  ROLL_BACK,
  subject,
  TRACE_ID,
} from '../../support/subject.ts';

const stepFunctions = mockClient(SFNClient);
const dynamoDb = mockClient(DynamoDBClient);
const log = watchLog();
const account = 'arn:aws:states:eu-central-1:111122223333';
const rollBackInput = { ...subject, owner: 'owner', trace_id: TRACE_ID };
const causation_id = `execution:Machine:${PROVISIONING_ID}`;

/** The client context of a mobile client, which the type of Lambda's context requires. */
const client = {
  installationId: '',
  appTitle: '',
  appVersionName: '',
  appVersionCode: '',
  appPackageName: '',
};
const env = { platformVersion: '', platform: '', make: '', model: '', locale: '' };

/** The functions of both services, with the input of the executions that they roll back. */
const services = [
  {
    service: 'App1',
    handler: app1Handler,
    input: {
      ...rollBackInput,
      targets: ['app2'],
      causation_id: 'request:r-1',
      intake_ciphertext: INTAKE_CIPHERTEXT,
      request_mac: 'mac',
    },
    cleanOutcomes: ['ProvisioningFailed'],
  },
  {
    service: 'App2',
    handler: app2Handler,
    input: { ...rollBackInput, causation_id: 'request:r-1', encrypted_password: ENCRYPTED },
    cleanOutcomes: ['UserCreationRejected', 'UserCreationRolledBack', 'Cancelled'],
  },
];

/** A complete event as EventBridge delivers it. */
const event = (status: string, error?: string) => ({
  version: '0',
  id: 'event-1',
  'detail-type': 'Step Functions Execution Status Change',
  source: 'aws.states',
  account: '111122223333',
  time: '2026-01-01T00:00:09Z',
  region: 'eu-central-1',
  resources: [`${account}:execution:Machine:${PROVISIONING_ID}`],
  detail: {
    executionArn: `${account}:execution:Machine:${PROVISIONING_ID}`,
    stateMachineArn: `${account}:stateMachine:Machine`,
    name: PROVISIONING_ID,
    status,
    startDate: 1767225600000,
    stopDate: 1767225609000,
    input: null,
    output: null,
    error: error ?? null,
    cause: null,
  },
});

type Seen = Parameters<typeof execution>[1];
const executionIs = (input: object, seen: Seen) =>
  stepFunctions
    .on(DescribeExecutionCommand, { executionArn: `${account}:execution:Machine:${PROVISIONING_ID}` })
    .resolves(execution(input, seen));
const started = () =>
  stepFunctions.commandCalls(StartExecutionCommand).map(({ args: [{ input: request }] }) => ({
    machine: request.stateMachineArn,
    name: request.name,
    input: JSON.parse(request.input ?? ''),
  }));

/** The items that were written to the sweep's table. */
const recorded = () =>
  dynamoDb.commandCalls(PutItemCommand).map(({ args: [{ input }] }) => [input.TableName, input.Item]);

beforeEach(() => {
  dynamoDb.reset();
  dynamoDb.on(PutItemCommand).resolves({});
  stepFunctions.reset();
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
  stepFunctions.on(StartExecutionCommand).resolves({});
});

describe.each(services)('the handler of status changes of $service', ({ handler, input, cleanOutcomes }) => {
  it.each([
    ['an operator who stops it', 'ABORTED', { status: 'ABORTED' }],
    ['its time limit', 'TIMED_OUT', { status: 'TIMED_OUT' }],
    ['Step Functions itself', 'FAILED', { status: 'FAILED', error: 'States.Runtime' }],
    ['a failed compensation', 'FAILED', failedAs('RollBackFailed', 'SetPassword', 'StepFailed')],
    ['an unpublished outcome', 'FAILED', failedAs('OutcomeNotPublished', 'SetPassword', 'StepFailed')],
  ] as const)('starts the roll-back of an execution that finished with %s', async (_whom, status, seen) => {
    executionIs(input, seen);

    await expect(handler(event(status))).resolves.toEqual({ finding: 'started' });
    expect(started()).toEqual([
      {
        machine: `${account}:stateMachine:RollBackMachine`,
        name: `${ROLL_BACK}.1`,
        input: {
          ...rollBackInput,
          ...('targets' in input ? { targets: input.targets } : {}),
          causation_id,
          had_succeeded: false,
          failure: expect.any(Object),
        },
      },
    ]);
    expectNoLeak(INTAKE_CIPHERTEXT, started(), log());
    expectNoLeak(ENCRYPTED, started(), log());
  });

  it.each(cleanOutcomes)('makes no call after %s', async (error) => {
    await expect(handler(event('FAILED', error))).resolves.toEqual({ finding: 'clean' });
    expect(stepFunctions.calls()).toHaveLength(0);
  });

  it.each(cleanOutcomes)('records %s for the sweep', async (error) => {
    await handler(event('FAILED', error));

    expect(recorded()).toEqual([
      [
        'unit-test-sweep',
        {
          id: { S: PROVISIONING_ID },
          stopped_at: { N: '1767225609000' },
          expires_at: { N: String(1767225609 + 14 * 24 * 60 * 60) },
        },
      ],
    ]);
  });

  it.each(cleanOutcomes)('returns clean for %s when the record cannot be written', async (error) => {
    dynamoDb.on(PutItemCommand).rejects(sdkError('ThrottlingException'));

    await expect(handler(event('FAILED', error))).resolves.toEqual({ finding: 'clean' });
  });

  describe('with a redelivered event', () => {
    const redelivery = { awsRequestId: 'r-1', clientContext: { client, env, ...REDELIVERY } };

    it.each(cleanOutcomes)('reads the outcome from Step Functions despite %s in the event', async (error) => {
      executionIs(input, { status: 'ABORTED' });

      await expect(handler(event('FAILED', error), redelivery)).resolves.toEqual({ finding: 'started' });
      expect(recorded()).toEqual([]);
    });

    it('starts nothing when Step Functions reports a clean outcome', async () => {
      executionIs(input, failedAs(cleanOutcomes[0] ?? '', 'SetPassword', 'StepFailed'));

      const finding = await handler(event('FAILED', cleanOutcomes[0]), redelivery);

      expect(finding).toEqual({ finding: 'clean' });
      expect(started()).toEqual([]);
    });

    it('trusts an event with another client context', async () => {
      const other = { awsRequestId: 'r-1', clientContext: { client, env, Custom: {} } };

      await expect(handler(event('FAILED', cleanOutcomes[0]), other)).resolves.toEqual({
        finding: 'clean',
      });
      expect(stepFunctions.calls()).toHaveLength(0);
    });
  });

  it('records no other outcome', async () => {
    for (const [status, error] of [
      ['FAILED', 'RollBackFailed'],
      ['ABORTED', cleanOutcomes[0]],
      ['TIMED_OUT', undefined],
    ] as const) {
      executionIs(input, { status, ...(error === undefined ? {} : { error }) });
      await handler(event(status, error));
    }

    expect(recorded()).toEqual([]);
  });

  it.each(cleanOutcomes)(
    'starts the roll-back of an execution that was stopped with the error %s',
    async (error) => {
      executionIs(input, { status: 'ABORTED', error });

      await expect(handler(event('ABORTED', error))).resolves.toEqual({ finding: 'started' });
    },
  );

  it('recognizes a clean outcome also without the error in the event', async () => {
    executionIs(input, failedAs(cleanOutcomes[0] ?? '', 'SetPassword', 'StepFailed'));

    await expect(handler(event('FAILED'))).resolves.toEqual({ finding: 'clean' });
    expect(started()).toEqual([]);
  });

  it.each(['RUNNING', 'SUCCEEDED'] as const)(
    'starts nothing for an execution that is %s again',
    async (status) => {
      executionIs(input, { status });

      await expect(handler(event('FAILED', 'RollBackFailed'))).resolves.toEqual({ finding: 'clean' });
      expect(started()).toEqual([]);
    },
  );

  it('returns existed for a repeated event', async () => {
    executionIs(input, { status: 'ABORTED' });
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));

    await expect(handler(event('ABORTED'))).resolves.toEqual({ finding: 'existed' });
  });

  it('fails, so that Lambda retries, while the execution is not found', async () => {
    await expect(handler(event('ABORTED'))).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });

  it('fails when the roll-back cannot be started', async () => {
    executionIs(input, { status: 'ABORTED' });
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ThrottlingException'));

    await expect(handler(event('ABORTED'))).rejects.toMatchObject({ name: 'ServiceThrottled' });
  });

  it('starts nothing for an execution with an invalid input', async () => {
    executionIs({ hello: 'world' }, { status: 'ABORTED' });

    await expect(handler(event('ABORTED'))).rejects.toThrow();
    expect(started()).toEqual([]);
  });

  it('refuses another event', async () => {
    await expect(handler({ detail: { status: 'FAILED' } })).rejects.toMatchObject({
      name: 'InvalidStepInput',
    });
  });
});

it('starts nothing for a cancellation, with any outcome', async () => {
  const { provisioning_id, creation_id } = subject;
  executionIs({ provisioning_id, creation_id, owner: 'owner', cancelled: true }, { status: 'TIMED_OUT' });

  await expect(app2Handler(event('TIMED_OUT'))).resolves.toEqual({ finding: 'clean' });
  expect(started()).toEqual([]);
});
