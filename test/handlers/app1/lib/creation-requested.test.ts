import { GetExecutionHistoryCommand, type HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { creationRequested } from '../../../../handlers/app1/lib/creation-requested.ts';
import { STARTED } from '../../../support/executions.ts';
import { history } from '../../../support/history.ts';
import { sdkError } from '../../../support/sdk-errors.ts';

const stepFunctions = mockClient(SFNClient);
const executionArn = 'arn:aws:states:eu-central-1:111122223333:execution:ProvisionServiceUser:id';
const requestedAt = () => creationRequested(new SFNClient({}), executionArn, ['app2', 'payments', 'orders']);

/** The history of a provisioning with an iteration for each target. The iterations have entered these steps. */
const entered = (...steps: [step: string, step: string, step: string]) => {
  const started = history(STARTED).begin({}).task('PublishRequested', 10).map('ProvisionTargets', 3);
  for (const [index] of steps.entries()) started.iteration(index).enter('Authenticate');
  for (const [index, step] of steps.entries())
    if (step !== 'Authenticate') started.iteration(index).done(10).exit('Authenticate').enter(step);
  return started;
};
const shows = (events: HistoryEvent[], nextToken?: string) =>
  stepFunctions
    .on(GetExecutionHistoryCommand)
    .resolves({ events: events.toReversed(), ...(nextToken === undefined ? {} : { nextToken }) });

beforeEach(() => {
  stepFunctions.reset();
});

describe('creationRequested', () => {
  it('names no target if no iteration entered the step that sends the request', async () => {
    shows(entered('Authenticate', 'EncryptCredentials', 'Authenticate').add('ExecutionAborted').events());

    await expect(requestedAt()).resolves.toEqual([]);
    expect(stepFunctions.calls().map(({ args }) => args[0].input)).toEqual([
      { executionArn, includeExecutionData: false, reverseOrder: true, maxResults: 1000 },
    ]);
  });

  it.each(['ExecutionAborted', 'ExecutionFailed', 'ExecutionTimedOut', 'ExecutionSucceeded'] as const)(
    'names the targets whose iterations entered that step, with any outcome: %s',
    async (type) => {
      shows(entered('RequestUserCreation', 'Authenticate', 'RequestUserCreation').add(type).events());

      await expect(requestedAt()).resolves.toEqual(['app2', 'orders']);
    },
  );

  it('names every target for a history longer than one page', async () => {
    shows(entered('Authenticate', 'Authenticate', 'Authenticate').add('ExecutionAborted').events(), 'more');

    await expect(requestedAt()).resolves.toEqual(['app2', 'payments', 'orders']);
  });

  it.each([
    ['its end', entered('Authenticate', 'Authenticate', 'Authenticate').events()],
    ['anything', []],
  ])('fails while the history lacks %s', async (_what, events) => {
    shows(events);

    await expect(requestedAt()).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });

  it('fails when the history cannot be read', async () => {
    stepFunctions.on(GetExecutionHistoryCommand).rejects(sdkError('ThrottlingException'));

    await expect(requestedAt()).rejects.toMatchObject({ name: 'ThrottlingException' });
  });
});
