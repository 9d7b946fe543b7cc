import { describe, expect, it } from '@jest/globals';
import { eventRows } from '../../contracts/events/catalogue.ts';
import {
  eventPattern,
  type HandledEvents,
  handleOnce,
  readEvent,
} from '../../contracts/events/subscriber.ts';
import { exampleOf } from '../../docs/generate/events.ts';

const example = exampleOf('ServiceUserCreated');
/** With the other fields of EventBridge's envelope. */
const delivered = {
  version: '0',
  id: 'delivery-1',
  account: '111122223333',
  region: 'eu-central-1',
  ...example,
};

function memory(): HandledEvents {
  const eventIds = new Set<string>();
  return {
    add: async (eventId) => {
      const isNew = !eventIds.has(eventId);
      eventIds.add(eventId);
      return isNew;
    },
  };
}

describe('readEvent', () => {
  it.each(eventRows)('reads %s', (name) => {
    expect(readEvent(exampleOf(name))).toMatchObject({ 'detail-type': name });
  });

  it('reads the events of every target', () => {
    const event = { ...example, source: 'payments.service-users' };

    expect(readEvent(event)).toMatchObject({ source: 'payments.service-users' });
  });

  it("ignores the other fields of EventBridge's envelope", () => {
    expect(readEvent(delivered)).toEqual(example);
  });

  it.each([
    ['with an unknown detail-type', { ...example, 'detail-type': 'ServiceUserRenamed' }],
    ['with an unknown source', { ...example, source: 'app3.other' }],
    ['with the source of the other kind of service', { ...example, source: 'app1.provisioning' }],
    ['of a target with the name of App1', { ...example, source: 'app1.service-users' }],
    ['with a source that only begins like one', { ...example, source: 'app2.service-users.other' }],
  ])('throws UnknownEvent for an event %s', (_description, event) => {
    expect(() => readEvent(event)).toThrow(expect.objectContaining({ name: 'UnknownEvent' }));
  });

  it.each([
    ['with another version', { schema_version: '2' }],
    ['with the sequence number of another event', { sequence: 40 }],
    ['without an id', { event_id: undefined }],
    ['with an unknown field', { more: 1 }],
  ])('refuses an event %s', (_description, change) => {
    const { detail } = example;
    const event = { ...example, detail: { ...detail, metadata: { ...detail.metadata, ...change } } };

    expect(() => readEvent(event)).toThrow(expect.objectContaining({ name: 'ZodError' }));
  });
});

describe('handleOnce', () => {
  it('calls the handler once for repeated deliveries of an event', async () => {
    const handledEvents = memory();
    const handled: string[] = [];
    const handle = async (event: ReturnType<typeof readEvent>) =>
      handled.push(event.detail.metadata.event_id);

    for (const delivery of [delivered, delivered, { ...delivered, id: 'delivery-2', 'replay-name': 'r' }])
      await handleOnce(delivery, handledEvents, handle);
    await handleOnce(exampleOf('ServiceUserRemoved'), handledEvents, handle);

    expect(handled).toEqual([
      example.detail.metadata.event_id,
      exampleOf('ServiceUserRemoved').detail.metadata.event_id,
    ]);
  });

  it('stores no id of an event that it cannot read', async () => {
    const handledEvents = memory();

    await expect(handleOnce({ source: 'x' }, handledEvents, async () => 1)).rejects.toThrow();
    await expect(handleOnce(delivered, handledEvents, async () => 1)).resolves.toBe(1);
  });
});

describe('eventPattern', () => {
  it('contains each source, event and version once', () => {
    expect(
      eventPattern('payments', ['ServiceUserCreated', 'ServiceUserRemoved', 'ServiceUserCreated']),
    ).toEqual({
      source: ['payments.service-users'],
      'detail-type': ['ServiceUserCreated', 'ServiceUserRemoved'],
      detail: { metadata: { schema_version: ['1'] } },
    });
  });

  it('filters by fields', () => {
    expect(
      eventPattern('app1', ['ServiceUserProvisioned'], {
        human_user_id: ['h-1', 'h-2'],
        provisioning_id: ['p'],
      }).detail,
    ).toEqual({
      metadata: { schema_version: ['1'], provisioning_id: ['p'] },
      data: { human_user_id: ['h-1', 'h-2'] },
    });
  });

  it('rejects events that the service does not publish', () => {
    expect(() => eventPattern('payments', ['ServiceUserCreated', 'ServiceUserProvisioned'])).toThrow(
      'payments does not publish ServiceUserProvisioned.',
    );
    expect(() => eventPattern('app1', ['ServiceUserCreated'])).toThrow(
      'app1 does not publish ServiceUserCreated.',
    );
  });

  it('accepts only fields that each of the events has', () => {
    eventPattern('app2', ['ServiceUserCreated'], { on_behalf_of: ['111122223333/AROA'], username: ['ada'] });
    // @ts-expect-error only one of them has the field
    eventPattern('app2', ['ServiceUserCreated', 'ServiceUserRollBackFailed'], { failure: ['SetPassword'] });
    // @ts-expect-error the field is not a text
    eventPattern('app1', ['ServiceUserProvisioningFailed'], { failure: ['SetPassword'] });
    const misspelt = () =>
      // @ts-expect-error the event does not exist
      eventPattern('app2', ['ServiceUserMade']);

    expect(misspelt).toThrow();
  });
});
