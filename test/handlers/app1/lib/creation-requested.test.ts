import { GetExecutionHistoryCommand, type HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { creationRequested } from '../../../../handlers/app1/lib/creation-requested.ts';
import { STOPPED } from '../../../support/executions.ts';
import { historyOf } from '../../../support/history.ts';
import { sdkError } from '../../../support/sdk-errors.ts';

const stepFunctions = mockClient(SFNClient);
const executionArn = 'arn:aws:states:eu-central-1:111122223333:execution:ProvisionServiceUser:id';
const isRequested = () => creationRequested(new SFNClient({}), executionArn);

const waiting = (step: string) =>
  historyOf(
    { step: 'PublishRequested', from: 0, to: 10, attempts: [{ from: 1, to: 9 }] },
    { step, from: 10, attempts: [{ from: 11, to: 20, error: 'TargetUnavailable' }] },
  );
const ended = (events: HistoryEvent[], type: HistoryEvent['type'] = 'ExecutionAborted'): HistoryEvent[] => [
  ...events,
  { id: events.length + 1, type, timestamp: STOPPED },
];
const shows = (events: HistoryEvent[], nextToken?: string) =>
  stepFunctions
    .on(GetExecutionHistoryCommand)
    .resolves({ events: events.toReversed(), ...(nextToken === undefined ? {} : { nextToken }) });

beforeEach(() => {
  stepFunctions.reset();
});

describe('creationRequested', () => {
  it.each(['Authenticate', 'EncryptCredentials'])(
    'is false for a provisioning that finished in %s',
    async (step) => {
      shows(ended(waiting(step)));

      await expect(isRequested()).resolves.toBe(false);
      expect(stepFunctions.calls().map(({ args }) => args[0].input)).toEqual([
        { executionArn, includeExecutionData: false, reverseOrder: true, maxResults: 1000 },
      ]);
    },
  );

  it.each(['ExecutionAborted', 'ExecutionFailed', 'ExecutionTimedOut', 'ExecutionSucceeded'] as const)(
    'is true after the request, with any outcome: %s',
    async (type) => {
      shows(ended(waiting('RequestUserCreation'), type));

      await expect(isRequested()).resolves.toBe(true);
    },
  );

  it('is true for a history longer than one page', async () => {
    shows(ended(waiting('Authenticate')), 'more');

    await expect(isRequested()).resolves.toBe(true);
  });

  it.each([
    ['its end', waiting('Authenticate')],
    ['anything', []],
  ])('fails while the history lacks %s', async (_what, events) => {
    shows(events);

    await expect(isRequested()).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });

  it('fails when the history cannot be read', async () => {
    stepFunctions.on(GetExecutionHistoryCommand).rejects(sdkError('ThrottlingException'));

    await expect(isRequested()).rejects.toMatchObject({ name: 'ThrottlingException' });
  });
});
