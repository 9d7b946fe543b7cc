import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type EventName, eventId, events, sourceOf } from '../../contracts/events/catalogue.ts';
import { handleOnce } from '../../contracts/events/subscriber.ts';
import { exampleOf } from '../../docs/generate/events.ts';
import { app1Expectation, app2Expectation } from '../../examples/access-register/expectations.ts';
import { ACCESS_INDEX, processedEvents, updateRegister } from '../../examples/access-register/register.ts';
import { client } from './support/clients.ts';
import { unique } from './support/unique.ts';

/** The example's register with duplicate, replayed and reordered deliveries. */

const dynamo = client(DynamoDBClient);
const [registerTable, seenTable] = [unique('register'), unique('seen')];
const keep = updateRegister({ dynamo, table: registerTable });
const eventNames: readonly EventName[] = [...app1Expectation.events, ...app2Expectation.events];

beforeAll(async () => {
  const key = (AttributeName: string, KeyType: 'HASH' | 'RANGE') => ({ AttributeName, KeyType });
  const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' as const });
  await dynamo.send(
    new CreateTableCommand({
      TableName: registerTable,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['creation_id', 'source', ACCESS_INDEX.service, ACCESS_INDEX.username].map(text),
      KeySchema: [key('creation_id', 'HASH'), key('source', 'RANGE')],
      GlobalSecondaryIndexes: [
        {
          IndexName: ACCESS_INDEX.name,
          KeySchema: [key(ACCESS_INDEX.service, 'HASH'), key(ACCESS_INDEX.username, 'RANGE')],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
  await dynamo.send(
    new CreateTableCommand({
      TableName: seenTable,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [text('event_id')],
      KeySchema: [key('event_id', 'HASH')],
    }),
  );
});

/** An event of a new provisioning, or of another generation of one. */
function eventOf(
  name: EventName,
  provisioning_id: string,
  username = `of-${provisioning_id}`,
  creation_id = provisioning_id,
) {
  const { detail, ...event } = exampleOf(name);
  const { sequence } = events[name];
  return {
    ...event,
    detail: {
      metadata: {
        ...detail.metadata,
        provisioning_id,
        creation_id,
        event_id: eventId(events[name].publisher, name, provisioning_id, creation_id),
        occurred_at: new Date(sequence * 1000).toISOString(),
      },
      data: { ...detail.data, username: `user-${username}` },
    },
  };
}

async function itemOf(creation_id: string, source: string) {
  const Key = { creation_id: { S: creation_id }, source: { S: source } };
  const { Item } = await dynamo.send(
    new GetItemCommand({ TableName: registerTable, Key, ConsistentRead: true }),
  );
  return Item;
}

async function withAccess(service: string, username: string): Promise<number> {
  const { Count = 0 } = await dynamo.send(
    new QueryCommand({
      TableName: registerTable,
      IndexName: ACCESS_INDEX.name,
      KeyConditionExpression: '#service = :service AND #username = :username',
      ExpressionAttributeNames: { '#service': ACCESS_INDEX.service, '#username': ACCESS_INDEX.username },
      ExpressionAttributeValues: { ':service': { S: service }, ':username': { S: username } },
    }),
  );
  return Count;
}

/** Deliveries of one service: some of its events, each several times, in any order. */
const deliveries = (names: readonly EventName[]) =>
  fc
    .subarray([...names], { minLength: 1 })
    .chain((delivered) =>
      fc.tuple(
        fc.constant(delivered),
        fc.shuffledSubarray([...delivered, ...delivered, ...delivered], { minLength: 0 }),
      ),
    )
    .map(([delivered, again]) => [...delivered, ...again]);

describe('the access register', () => {
  it.each([
    ['App1', app1Expectation.events],
    ['App2', app2Expectation.events],
  ])(
    'records the latest event of %s for any order and number of deliveries',
    async (_service, names) => {
      await fc.assert(
        fc.asyncProperty(fc.uuid(), deliveries(names), async (id, delivered) => {
          for (const name of delivered) await keep(eventOf(name, id));
          const last = delivered.reduce((a, b) => (events[b].sequence > events[a].sequence ? b : a));
          const { publisher, sequence, user } = events[last];
          const source = sourceOf(publisher);
          const { username } = eventOf(last, id).detail.data;

          expect(await itemOf(id, source)).toMatchObject({
            user: { S: user },
            sequence: { N: String(sequence) },
            since: { S: new Date(sequence * 1000).toISOString() },
            username: { S: username },
          });
          expect(await withAccess(source, String(username))).toBe(user === 'absent' ? 0 : 1);
        }),
        { numRuns: 40 },
      );
    },
    60_000,
  );

  it.each(eventNames)('reports a duplicate of %s as known', async (name) => {
    const event = eventOf(name, randomUUID());

    expect([await keep(event), await keep({ ...event, 'replay-name': 'r' })]).toEqual([
      'newer',
      'older or known',
    ]);
  });

  it('separates the users of two provisionings, also with one username', async () => {
    const [first, second] = [randomUUID(), randomUUID()];
    await keep(eventOf('ServiceUserCreated', second, first));
    await keep(eventOf('ServiceUserRemoved', first, first));
    await keep(eventOf('ServiceUserCreated', first, first));

    expect(await withAccess('app2.service-users', `user-${first}`)).toBe(1);
  });

  it('separates a provisioning from an earlier one with its id', async () => {
    const [id, later] = [randomUUID(), randomUUID()];
    await keep(eventOf('ServiceUserRemoved', id, id));
    await keep(eventOf('ServiceUserCreated', id, id, later));

    expect(await itemOf(id, 'app2.service-users')).toMatchObject({ user: { S: 'absent' } });
    expect(await itemOf(later, 'app2.service-users')).toMatchObject({ user: { S: 'present' } });
    expect(await withAccess('app2.service-users', `user-${id}`)).toBe(1);
  });

  it('rejects an event that is not in the catalogue', async () => {
    const { detail, ...event } = eventOf('ServiceUserCreated', randomUUID());

    await expect(keep({ ...event, 'detail-type': 'Renamed', detail })).rejects.toMatchObject({
      name: 'UnknownEvent',
    });
    await expect(keep({ ...event, detail: { ...detail, more: 1 } })).rejects.toMatchObject({
      name: 'ZodError',
    });
  });
});

describe('the record of handled events', () => {
  it('runs a handler once per event, for longer than the retention of archives', async () => {
    const now = Date.parse('2026-11-25T12:00:00Z');
    const seen = processedEvents({ dynamo, table: seenTable }, () => now);
    const event = eventOf('ServiceUserCreated', randomUUID());
    let done = 0;
    const count = async () => {
      done += 1;
    };

    await Promise.all([1, 2, 3, 4].map(() => handleOnce(event, seen, count)));
    await handleOnce({ ...event, 'replay-name': 'r' }, seen, count);
    const { Item } = await dynamo.send(
      new GetItemCommand({ TableName: seenTable, Key: { event_id: { S: event.detail.metadata.event_id } } }),
    );

    expect(done).toBe(1);
    expect(Number(Item?.['expires_at']?.N) - now / 1000).toBeGreaterThan(90 * 24 * 60 * 60);
  });
});
