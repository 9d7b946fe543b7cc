import { describe, expect, it } from '@jest/globals';
import { eventRows } from '../../contracts/events/catalogue.ts';
import { eventPattern, handleOnce, readEvent, type Seen } from '../../contracts/events/subscriber.ts';
import { exampleOf } from '../../docs/generate/events.ts';

const example = exampleOf('ServiceUserCreated');
/** What EventBridge adds. */
const delivered = {
  version: '0',
  id: 'delivery-1',
  account: '111122223333',
  region: 'eu-central-1',
  ...example,
};

function memory(): Seen {
  const known = new Set<string>();
  return {
    add: async (eventId) => {
      const isNew = !known.has(eventId);
      known.add(eventId);
      return isNew;
    },
  };
}

describe('readEvent', () => {
  it.each(eventRows)('reads %s', (name) => {
    expect(readEvent(exampleOf(name))).toMatchObject({ 'detail-type': name });
  });

  it('passes over what EventBridge adds', () => {
    expect(readEvent(delivered)).toEqual(example);
  });

  it.each([
    ['that nobody has published', { ...example, 'detail-type': 'ServiceUserRenamed' }],
    ['of another sender', { ...example, source: 'app3.somebody' }],
    ["of the other service's name", { ...example, source: 'app1.provisioning' }],
  ])('does not know an event %s', (_what, event) => {
    expect(() => readEvent(event)).toThrow(expect.objectContaining({ name: 'UnknownEvent' }));
  });

  it.each([
    ['with another version', { schema_version: '2' }],
    ['with the place of another event', { sequence: 40 }],
    ['without an id', { event_id: undefined }],
    ['with a field more', { more: 1 }],
  ])('refuses an event %s', (_what, change) => {
    const { detail } = example;
    const event = { ...example, detail: { ...detail, metadata: { ...detail.metadata, ...change } } };

    expect(() => readEvent(event)).toThrow(expect.objectContaining({ name: 'ZodError' }));
  });
});

describe('handleOnce', () => {
  it('hands an event on once, however often it is delivered', async () => {
    const seen = memory();
    const handled: string[] = [];
    const handle = async (event: ReturnType<typeof readEvent>) =>
      handled.push(event.detail.metadata.event_id);

    for (const delivery of [delivered, delivered, { ...delivered, id: 'delivery-2', 'replay-name': 'r' }])
      await handleOnce(delivery, seen, handle);
    await handleOnce(exampleOf('ServiceUserRemoved'), seen, handle);

    expect(handled).toEqual([
      example.detail.metadata.event_id,
      exampleOf('ServiceUserRemoved').detail.metadata.event_id,
    ]);
  });

  it('remembers nothing of what it cannot read', async () => {
    const seen = memory();
    await expect(handleOnce({ source: 'x' }, seen, async () => 1)).rejects.toThrow();
    await expect(handleOnce(delivered, seen, async () => 1)).resolves.toBe(1);
  });
});

describe('eventPattern', () => {
  it('names senders, events and versions once', () => {
    expect(eventPattern(['ServiceUserCreated', 'ServiceUserRemoved', 'ServiceUserCreated'])).toEqual({
      source: ['app2.service-users'],
      'detail-type': ['ServiceUserCreated', 'ServiceUserRemoved'],
      detail: { metadata: { schema_version: ['1'] } },
    });
  });

  it('narrows by fields', () => {
    expect(
      eventPattern(['ServiceUserProvisioned'], { human_user_id: ['h-1', 'h-2'], provisioning_id: ['p'] })
        .detail,
    ).toEqual({
      metadata: { schema_version: ['1'], provisioning_id: ['p'] },
      data: { human_user_id: ['h-1', 'h-2'] },
    });
  });

  it('takes fields that each of the events has, and no others', () => {
    eventPattern(['ServiceUserCreated'], { on_behalf_of: ['111122223333/AROA'], username: ['ada'] });
    // @ts-expect-error only one of them has the field
    eventPattern(['ServiceUserCreated', 'ServiceUserProvisioned'], { on_behalf_of: ['111122223333/AROA'] });
    // @ts-expect-error the field holds no text
    eventPattern(['ServiceUserProvisioningFailed'], { failure: ['SetPassword'] });
    const misspelt = () =>
      // @ts-expect-error there is no such event
      eventPattern(['ServiceUserMade']);

    expect(misspelt).toThrow();
  });
});
