import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { announced } from '../../../contracts/announcement.ts';
import { provisioningStatus } from '../../../contracts/status.ts';
import { handler } from '../../../handlers/app2/announce-settled.ts';
import { STARTED, STOPPED } from '../../support/executions.ts';
import { ENCRYPTED, PROVISIONING_ID, subject, subjectInStatus } from '../../support/subject.ts';

const eventBridge = mockClient(EventBridgeClient);
const input = { ...subject, owner: 'app1', encrypted_password: ENCRYPTED, awaited: true };

const ended = (detail: object) =>
  handler({
    detail: {
      executionArn: `arn:aws:states:eu-central-1:111122223333:execution:CreateServiceUser:${PROVISIONING_ID}`,
      stateMachineArn: 'arn:aws:states:eu-central-1:111122223333:stateMachine:CreateServiceUser',
      name: PROVISIONING_ID,
      startDate: STARTED.getTime(),
      stopDate: STOPPED.getTime(),
      input: JSON.stringify(input),
      error: null,
      cause: null,
      ...detail,
    },
  });

/** What was told, as who subscribes reads it. */
const told = () =>
  eventBridge
    .commandCalls(PutEventsCommand)
    .flatMap(({ args: [{ input: put }] }) => put.Entries ?? [])
    .map(({ EventBusName, Source, DetailType, Detail }) => ({
      bus: EventBusName,
      ...announced.parse({ source: Source, 'detail-type': DetailType, detail: JSON.parse(Detail ?? '') }),
      detail: provisioningStatus.parse(JSON.parse(Detail ?? '')),
    }));

beforeEach(() => {
  eventBridge.reset();
  eventBridge.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{}] });
});

describe('the end of an execution that a client waits for', () => {
  it('is told as a GET would tell it, without the ciphertext', async () => {
    await ended({ status: 'SUCCEEDED' });

    expect(told()).toEqual([
      {
        bus: 'unit-test-bus',
        source: 'app2.announcements',
        'detail-type': 'UserCreationSettled',
        detail: {
          ...subjectInStatus,
          status: 'SUCCEEDED',
          user: 'present',
          started_at: STARTED.toISOString(),
          stopped_at: STOPPED.toISOString(),
        },
      },
    ]);
  });

  it.each([
    [
      {
        status: 'FAILED',
        error: 'UserCreationRolledBack',
        cause: '{"step":"SetPassword","error":"PasswordRejected"}',
      },
      { status: 'FAILED', user: 'absent', error: { code: 'PASSWORD_REJECTED', step: 'SetPassword' } },
    ],
    [
      { status: 'ABORTED', error: 'Operator' },
      { status: 'ABORTED', user: 'being_removed' },
    ],
    [
      { status: 'TIMED_OUT', error: 'States.Timeout' },
      { status: 'TIMED_OUT', error: { code: 'TIMED_OUT' } },
    ],
  ])('says what went wrong: %j', async (detail, expected) => {
    await ended(detail);

    expect(told()).toMatchObject([{ detail: expected }]);
  });

  it('is told again when the bus did not take it', async () => {
    eventBridge
      .on(PutEventsCommand)
      .resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure' }] });

    await expect(ended({ status: 'SUCCEEDED' })).rejects.toThrow('UserCreationSettled was not published');
  });
});
