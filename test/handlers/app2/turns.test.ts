import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { turns } from '../../../handlers/app2/turns.ts';
import { sdkError } from '../../support/sdk-errors.ts';

const dynamoDb = mockClient(DynamoDBClient);
const BEGIN = 1_000_000;
let time: number;
let stored: number | undefined;

/** The item as DynamoDB keeps it: an update is made only if its condition holds. */
function update({ UpdateExpression, ExpressionAttributeValues = {} }: UpdateItemCommandInput) {
  const value = (name: string) => Number(ExpressionAttributeValues[name]?.N);
  const next =
    UpdateExpression === 'SET next_at = :after'
      ? stored === undefined || stored < value(':now')
        ? value(':after')
        : undefined
      : UpdateExpression === 'SET next_at = next_at + :pause'
        ? stored !== undefined && stored >= value(':now') && stored <= value(':latest')
          ? stored + value(':pause')
          : undefined
        : stored === undefined
          ? undefined
          : stored - value(':pause');
  if (next === undefined)
    throw new ConditionalCheckFailedException({
      message: 'the condition does not hold',
      $metadata: {},
      ...(stored === undefined ? {} : { Item: { next_at: { N: String(stored) } } }),
    });
  stored = next;
  return { Attributes: { next_at: { N: String(next) } } };
}

/** A function of its own, with nothing in its memory. */
const row = (over: { perSecond?: number; longest?: number } = {}) =>
  turns({
    dynamoDb: new DynamoDBClient({}),
    tableName: 'turns',
    name: 'creations',
    perSecond: 10,
    longest: 60,
    now: () => time,
    ...over,
  });

beforeEach(() => {
  time = BEGIN;
  stored = undefined;
  dynamoDb.reset();
  dynamoDb.on(UpdateItemCommand).callsFake(update);
});

describe('turns', () => {
  it('are given with equal pauses, to whoever asks', async () => {
    const [one, other] = [row(), row()];

    expect([await one.take(), await other.take(), await one.take(), await other.take()]).toEqual([
      BEGIN,
      BEGIN + 100,
      BEGIN + 200,
      BEGIN + 300,
    ]);
  });

  it('are not saved up: after a pause the next one is now', async () => {
    const one = row();
    await one.take();
    time += 60_000;

    expect(await one.take()).toBe(time);
    expect(await one.take()).toBe(time + 100);
  });

  it('never come more often than they may, however they are asked for', async () => {
    const rows = [row(), row(), row()];
    const taken: number[] = [];
    for (let n = 0; n < 300; n += 1) {
      time += (n * 7919) % 130;
      taken.push((await rows[n % 3]?.take()) ?? 0);
    }

    const pauses = taken.slice(1).map((at, n) => at - (taken[n] ?? 0));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(100);
  });

  it('are none when the next one is further away than may be waited', async () => {
    const one = row({ longest: 1 });
    for (let n = 0; n < 11; n += 1) expect(await one.take()).toBe(BEGIN + n * 100);

    expect(await one.take()).toBeUndefined();
    expect(await row({ longest: 1 }).take()).toBeUndefined();
    time += 200;
    expect(await one.take()).toBe(BEGIN + 1_100);
  });

  it('can be given back', async () => {
    const one = row();
    await one.take();
    await one.take();
    await one.giveBack();

    expect(await one.take()).toBe(BEGIN + 100);
  });

  it('cost one call each while nothing changes, and two when a row begins or ends', async () => {
    const one = row();
    for (let n = 0; n < 10; n += 1) await one.take();
    const busy = dynamoDb.commandCalls(UpdateItemCommand).length;
    time += 60_000;
    await one.take();

    expect([busy, dynamoDb.commandCalls(UpdateItemCommand).length]).toEqual([10, 11]);
  });

  it.each([
    ['cannot be reached', sdkError('TimeoutError')],
    ['is throttled', sdkError('ProvisionedThroughputExceededException')],
    ['is gone', sdkError('ResourceNotFoundException')],
  ])('come at once when the table %s', async (_what, error) => {
    dynamoDb.on(UpdateItemCommand).rejects(error);

    expect(await row().take()).toBe(BEGIN);
    await expect(row().giveBack()).resolves.toBeUndefined();
  });

  it('come at once to who is overtaken again and again', async () => {
    let n = 0;
    dynamoDb.on(UpdateItemCommand).callsFake(() => {
      n += 1;
      const Item = { next_at: { N: String(n % 2 === 0 ? 0 : BEGIN + 100) } };
      throw new ConditionalCheckFailedException({ message: 'overtaken', $metadata: {}, Item });
    });

    expect(await row().take()).toBe(BEGIN);
    expect(n).toBeLessThanOrEqual(6);
  });
});
