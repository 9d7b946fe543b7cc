import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { notificationDetail } from '../../../contracts/notification.ts';
import { handler } from '../../../handlers/app2/notify-completion.ts';
import { ENCRYPTED, PROVISIONING_ID, subject } from '../../support/subject.ts';

const eventBridge = mockClient(EventBridgeClient);
const input = { ...subject, owner: 'app1', encrypted_password: ENCRYPTED, notify: true };
const finished = (detail: object = {}) =>
  handler({
    detail: { name: PROVISIONING_ID, status: 'SUCCEEDED', input: JSON.stringify(input), ...detail },
  });
const sent = () =>
  eventBridge.commandCalls(PutEventsCommand).flatMap(({ args: [{ input: put }] }) => put.Entries ?? []);

beforeEach(() => {
  eventBridge.reset();
  eventBridge.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{}] });
});

describe('a completion notification', () => {
  it.each(['SUCCEEDED', 'FAILED', 'ABORTED', 'TIMED_OUT'])(
    'contains the id and no outcome: %s',
    async (status) => {
      await finished({ status });

      expect(sent()).toEqual([
        {
          EventBusName: 'unit-test-bus',
          Source: 'app2.notifications',
          DetailType: 'UserCreationFinished',
          Detail: JSON.stringify({ provisioning_id: PROVISIONING_ID }),
        },
      ]);
    },
  );

  it('matches the schema of the receiver', async () => {
    await finished();

    const [{ Source, DetailType, Detail = '' } = {}] = sent();

    expect({ Source, DetailType }).toEqual({
      Source: 'app2.notifications',
      DetailType: 'UserCreationFinished',
    });
    expect(notificationDetail.parse(JSON.parse(Detail))).toEqual({ provisioning_id: PROVISIONING_ID });
  });

  it('is retried by Lambda when PutEvents fails', async () => {
    eventBridge.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'Throttled' }] });

    await expect(finished()).rejects.toThrow();
  });
});
