import {
  InvokeCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  type PutFunctionEventInvokeConfigCommandInput,
} from '@aws-sdk/client-lambda';
import { describe, expect, it } from '@jest/globals';
import { client } from './support/clients.ts';
import { eventually } from './support/eventually.ts';
import { createFunction, functionRole } from './support/functions.ts';
import { invocationLogs } from './support/logs.ts';
import { createQueue, nextEvent } from './support/queues.ts';

const lambda = client(LambdaClient);

/** Logs its request id, and fails. */
const FAILING = `
  exports.handler = async (_event, context) => {
    console.log(context.awsRequestId);
    throw new Error('no');
  };`;

const invokeLater = (FunctionName: string) =>
  lambda.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: '{}' }));

const configure = (
  FunctionName: string,
  config: Omit<PutFunctionEventInvokeConfigCommandInput, 'FunctionName'> = {},
) => lambda.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, ...config }));

/** The condition and the number of attempts for a maximum age of the event in seconds. */
async function expectOutcome(age: number, condition: string, attempts: number): Promise<void> {
  const queue = await createQueue();
  const role = await functionRole({ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*' });
  const arn = await createFunction(FAILING, { role });
  await configure(arn, {
    MaximumEventAgeInSeconds: age,
    DestinationConfig: { OnFailure: { Destination: queue.arn } },
  });
  await invokeLater(arn);
  expect(await nextEvent(queue.url)).toMatchObject({
    requestContext: { condition, approximateInvokeCount: attempts },
  });
  expect(await invocationLogs(arn)).toHaveLength(attempts);
}

describe('unchanged: failed asynchronous invocations', () => {
  // lambda/latest/dg/invocation-async-error-handling
  // recorded: lambda_ test_lambda_destination_default_retries
  it('are attempted three times within the maximum age', () => expectOutcome(181, 'RetriesExhausted', 3));
});

// This suite has shorter intervals (setup.ts). The age of an event, and so the number of attempts, is as on AWS.
describe('corrected: failed asynchronous invocations', () => {
  // lambda/latest/dg/invocation-async-error-handling
  // recorded: lambda_ test_request_id_async_invoke_with_retry
  it('are attempted three times with one request id', async () => {
    const arn = await createFunction(FAILING);
    await invokeLater(arn);
    const ids = await eventually(async () => {
      const invocations = await invocationLogs(arn);
      expect(invocations).toHaveLength(3);
      return invocations.map(([id]) => id);
    });

    expect(new Set(ids).size).toBe(1);
  });

  // lambda/latest/dg/invocation-async-error-handling: one minute, then two minutes
  // recorded: lambda_ test_maxeventage
  it.each([
    [60, 'EventAgeExceeded', 1],
    [61, 'EventAgeExceeded', 2],
    [180, 'EventAgeExceeded', 2],
  ])(
    'with a maximum age of %i seconds, have the condition %s after %i attempts',
    async (age, condition, attempts) => {
      await expectOutcome(age, condition, attempts);
    },
  );

  // lambda/latest/api/API_PutFunctionEventInvokeConfig
  // recorded: lambda_ test_lambda_destination_default_retries
  it('have a configuration with only the given fields', async () => {
    const arn = await createFunction(FAILING);
    const { FunctionArn, MaximumRetryAttempts, MaximumEventAgeInSeconds } = await configure(arn, {
      MaximumRetryAttempts: 1,
    });

    expect([FunctionArn, MaximumRetryAttempts, MaximumEventAgeInSeconds]).toEqual([
      `${arn}:$LATEST`,
      1,
      undefined,
    ]);
  });

  // lambda/latest/api/API_Invoke (X-Amz-Executed-Version)
  // recorded: lambda_ test_invocation_type_event
  it('are accepted without an executed version in the response', async () => {
    const arn = await createFunction('exports.handler = async () => {};');

    expect((await invokeLater(arn)).ExecutedVersion).toBeUndefined();
  });

  // lambda/latest/dg/invocation-async-error-handling: a throttle is not an attempt
  it('return to the queue while the function is throttled', async () => {
    const FunctionName = await createFunction(
      'exports.handler = async () => { await new Promise((resolve) => setTimeout(resolve, 300)); };',
    );
    await configure(FunctionName, { MaximumRetryAttempts: 0 });
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 1 }));
    const events = [1, 2, 3, 4];
    await Promise.all(events.map(() => invokeLater(FunctionName)));

    await eventually(async () => expect(await invocationLogs(FunctionName)).toHaveLength(events.length));
  });

  // lambda/latest/dg/invocation-async-retain-records
  // recorded: lambda_ test_reserved_concurrency
  it('are sent to the destination without an attempt while the reserved concurrency is zero', async () => {
    const queue = await createQueue();
    const role = await functionRole({ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*' });
    const FunctionName = await createFunction('exports.handler = async () => {};', { role });
    await configure(FunctionName, { DestinationConfig: { OnFailure: { Destination: queue.arn } } });
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));

    await invokeLater(FunctionName);
    const record = await nextEvent(queue.url);

    expect(record).toMatchObject({
      requestContext: { condition: 'ZeroReservedConcurrency', approximateInvokeCount: 0 },
      requestPayload: {},
    });
    expect(record).not.toHaveProperty('responsePayload');
  });
});
