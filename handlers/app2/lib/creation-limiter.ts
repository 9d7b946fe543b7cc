import {
  type AttributeValue,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { timeLimits } from '../../../contracts/time-limits.ts';
import { classifyError, StepError } from '../../shared/errors.ts';
import { logger } from '../../shared/logger.ts';
import { rateLimiter } from '../../shared/rate-limiter.ts';
import type { CreationRates } from './environments.ts';

/**
 * When creations start: one queue at a fixed rate, of which each caller holds a quarter at most. Everything is in the
 * table of the rate limiters:
 *
 * - `creations`: the next free start of the queue. Without a queue this is the only item that is touched.
 * - `express-creations`: a small second rate beside the queue, for callers that have few creations in it.
 * - `caller:<caller>`: how many queued creations of a caller start in which part of the queue.
 * - `reservation:<creation>`: the start of one queued creation, so that a repeated step finds it again and a creation
 *   that ends early gives it back.
 *
 * Best effort, as the rate limiter: nothing is decided by it except when a creation starts.
 */
export interface CreationLimiter {
  /**
   * When a creation of this caller would start, without reserving anything; `undefined` when the queue is full, or the
   * caller holds its share of it.
   */
  estimate(caller: string): Promise<number | undefined>;
  /**
   * Reserves a start, in milliseconds since the epoch. Repeated for the same creation, it returns the same start.
   * @throws CreationDeferred when the queue is full, or the caller holds its share of it
   */
  reserve(creation: { id: string; caller: string }): Promise<number>;
  /** Gives back the start of a creation that has ended before it. Repeated, it changes nothing. */
  release(id: string): Promise<void>;
}

interface Services {
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  environment: CreationRates;
  now: () => number;
}

/** Longest time of a call to the table, in seconds: best effort is not worth more. */
export const RATE_LIMITS_SECONDS = 1;

/** For whom a creation is: the caller that the client names, or else the client itself. */
export const callerOf = ({ on_behalf_of, owner }: { on_behalf_of?: string | undefined; owner: string }) =>
  on_behalf_of ?? owner;

/** A start that is no further away is as good as now, in seconds: so many creations together are no queue. */
export const UNCONTENDED_SECONDS = 0.5;

/** The part of the queue that one caller may hold. */
export const CALLER_SHARE = 1 / 4;

/** How exactly it is known when the creations of a caller start, in seconds. */
const PERIOD_SECONDS = 10;

/**
 * The express rate may be used in advance for so many seconds, and be late by so many. A caller has its share of it as
 * long as it holds no more creations than the rate allows in one period.
 */
const EXPRESS_ADVANCE_SECONDS = 2 * PERIOD_SECONDS;
export const EXPRESS_MAX_DELAY_SECONDS = 2;

/** How many creations a caller may hold and still start by the express rate, which is given per second. */
export const expressCreationsOf = (perSecond: number): number =>
  perSecond === 0 ? 0 : Math.max(1, Math.floor(perSecond * PERIOD_SECONDS));

/** How many periods that are over are forgotten with one call. */
const MAX_FORGOTTEN = 50;

/** How long items are kept after the start that they tell of, in seconds. */
const KEPT_SECONDS = 60 * 60;

export function creationLimiter({ dynamoDb, environment, now }: Services): CreationLimiter {
  const {
    RATE_LIMITS_TABLE: tableName,
    CREATIONS_PER_SECOND: creationsPerSecond,
    EXPRESS_CREATIONS_PER_SECOND: expressCreationsPerSecond,
  } = environment;
  const limit = { dynamoDb, tableName, now };
  const queue = rateLimiter({
    ...limit,
    name: 'creations',
    perSecond: creationsPerSecond,
    maxDelaySeconds: timeLimits.longestQueue,
  });
  const express = rateLimiter({
    ...limit,
    name: 'express-creations',
    perSecond: expressCreationsPerSecond,
    maxDelaySeconds: EXPRESS_ADVANCE_SECONDS + EXPRESS_MAX_DELAY_SECONDS,
  });
  const callerShare = Math.max(1, timeLimits.longestQueue * creationsPerSecond * CALLER_SHARE);
  const expressShare = expressCreationsOf(expressCreationsPerSecond);

  const keyOf = (name: string) => ({ TableName: tableName, Key: { name: { S: name } } });
  const itemOf = async (name: string, ConsistentRead: boolean): Promise<Item> =>
    (await dynamoDb.send(new GetItemCommand({ ...keyOf(name), ConsistentRead }))).Item ?? {};

  /** Adds to what a caller holds in the periods of these times, and forgets `past` periods; returns its item. */
  const count = async (
    caller: string,
    changes: readonly { at: number; by: number }[],
    past: readonly string[] = [],
  ): Promise<Item> => {
    const add = changes.map((_, n) => `#p${n} :n${n}`).join(', ');
    const { Attributes } = await dynamoDb.send(
      new UpdateItemCommand({
        ...keyOf(callerItem(caller)),
        UpdateExpression: `SET expires_at = :expires_at ADD ${add}${past.length === 0 ? '' : ` REMOVE ${past.join(', ')}`}`,
        ExpressionAttributeNames: Object.fromEntries(changes.map(({ at }, n) => [`#p${n}`, periodOf(at)])),
        ExpressionAttributeValues: {
          ':expires_at': expiresAt(now() + timeLimits.longestQueue * 1000),
          ...Object.fromEntries(changes.map(({ by }, n) => [`:n${n}`, { N: String(by) }])),
        },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return Attributes ?? {};
  };

  /** A start in the queue, or before it for a caller that holds little of it. */
  const reserveInQueue = async (creation: { id: string; caller: string }): Promise<number> => {
    const { id, caller } = creation;
    const reservation = await itemOf(reservationItem(id), true);
    if (reservation['start_at'] !== undefined) return numberIn(reservation, 'start_at');

    // Counted before it is decided, so that many at once do not see each other too late.
    const counted = now();
    const ofCaller = await count(caller, [{ at: counted, by: 1 }]);
    const held = heldIn(ofCaller, counted);
    const past = pastIn(ofCaller, counted).slice(0, MAX_FORGOTTEN);
    if (held <= expressShare) {
      const slot = await express.reserve();
      if (slot !== undefined) {
        if (past.length === MAX_FORGOTTEN) await count(caller, [{ at: counted, by: 0 }], past);
        return expressStart(slot, now());
      }
    }
    const start = held > callerShare ? undefined : await queue.reserve();
    if (start === undefined) {
      await count(caller, [{ at: counted, by: -1 }], past);
      throw new StepError('CreationDeferred', 'The queue is full, or its caller holds its share of it.');
    }
    const moved =
      periodOf(counted) === periodOf(start)
        ? [{ at: start, by: 0 }]
        : [
            { at: counted, by: -1 },
            { at: start, by: 1 },
          ];
    await Promise.all([
      count(caller, moved, past),
      dynamoDb.send(
        new PutItemCommand({
          TableName: tableName,
          Item: {
            name: { S: reservationItem(id) },
            start_at: { N: String(start) },
            caller: { S: caller },
            expires_at: expiresAt(start),
          },
        }),
      ),
    ]).catch((error: unknown) => warn('Reservation not recorded', error));
    return start;
  };

  return {
    async estimate(caller) {
      try {
        const [{ next_at }, ofCaller] = await Promise.all([
          itemOf('creations', false),
          itemOf(callerItem(caller), false),
        ]);
        const at = now();
        const next = Math.max(at, Number(next_at?.N ?? 0));
        const held = heldIn(ofCaller, at);
        if (next - at <= UNCONTENDED_SECONDS * 1000) return next;
        if (next - at > timeLimits.longestQueue * 1000 || held >= callerShare) return undefined;
        if (held >= expressShare) return next;
        const slot = numberIn(await itemOf('express-creations', false), 'next_at');
        const start = expressStart(slot, at);
        return start - at <= EXPRESS_MAX_DELAY_SECONDS * 1000 ? start : next;
      } catch (error) {
        warn('The queue cannot be looked at', error);
        return now();
      }
    },

    async reserve(creation) {
      const start = await queue.reserve(UNCONTENDED_SECONDS);
      if (start !== undefined) return start;
      return reserveInQueue(creation).catch((error: unknown) => {
        if (error instanceof StepError) throw error;
        warn('No start can be reserved', error);
        return now();
      });
    },

    async release(id) {
      try {
        const { Attributes: reservation } = await dynamoDb.send(
          new DeleteItemCommand({ ...keyOf(reservationItem(id)), ReturnValues: 'ALL_OLD' }),
        );
        const start = numberIn(reservation, 'start_at');
        const caller = reservation?.['caller']?.S;
        if (caller === undefined || start <= now()) return;
        await Promise.all([queue.release(), count(caller, [{ at: start, by: -1 }])]);
      } catch (error) {
        warn('Reservation not given back', error);
      }
    },
  };
}

/** The start of a creation with this slot of the express limiter, which may be used in advance. */
const expressStart = (slot: number, at: number): number =>
  Math.max(at, slot - EXPRESS_ADVANCE_SECONDS * 1000);

type Item = Record<string, AttributeValue>;

const callerItem = (caller: string): string => `caller:${caller}`;
const reservationItem = (id: string): string => `reservation:${id}`;

const numberIn = (item: Item | undefined, field: string): number => Number(item?.[field]?.N ?? 0);

const expiresAt = (at: number) => ({ N: String(Math.ceil(at / 1000) + KEPT_SECONDS) });

const PERIOD = /^period_(\d+)$/;
const periodNumber = (at: number): number => Math.floor(at / (PERIOD_SECONDS * 1000));
const periodOf = (at: number): string => `period_${periodNumber(at)}`;

/** How many creations of a caller have not started, by its item. What starts in the present period counts. */
const heldIn = (item: Item, at: number): number =>
  Object.keys(item)
    .filter((name) => PERIOD.test(name) && !isPast(name, at))
    .reduce((sum, name) => sum + numberIn(item, name), 0);

/** The periods of an item that are over. */
const pastIn = (item: Item, at: number): string[] =>
  Object.keys(item).filter((name) => PERIOD.test(name) && isPast(name, at));

const isPast = (name: string, at: number): boolean => Number(PERIOD.exec(name)?.[1]) < periodNumber(at);

const warn = (what: string, error: unknown): void => logger.warn(what, { error: classifyError(error).name });
