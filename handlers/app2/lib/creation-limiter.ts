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
 * Start times of creations: one queue with a fixed rate, also of all targets that share the table, of which each caller holds at most a quarter. The state is in the
 * table of the rate limiters:
 *
 * - `creations`: the next free start of the queue. While the queue is empty, only this item is used.
 * - `express-creations`: a small second rate beside the queue, for callers with few queued creations.
 * - `caller:<caller>`: the number of queued creations of a caller, per period of their start times.
 * - `reservation:<service>:<creation>`: the start of one queued creation, so that a retried step finds it again and a creation
 *   that finishes early releases it.
 *
 * Best effort, as the rate limiter: it only determines start times.
 */
export interface CreationLimiter {
  /**
   * Estimates the start of a creation of this caller, in milliseconds since the epoch, without a reservation; `undefined`
   * if the queue is full, or the caller holds its share of it.
   */
  estimate(caller: string): Promise<number | undefined>;
  /**
   * Reserves a start, in milliseconds since the epoch. Idempotent for a queued creation.
   * @throws CreationDeferred if the queue is full, or the caller holds its share of it
   */
  reserve(creation: { id: string; caller: string }): Promise<number>;
  /** Releases the start of a creation, if it is in the future. Idempotent. */
  release(id: string): Promise<void>;
}

interface Services {
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  environment: CreationRates;
  now: () => number;
}

/** Timeout of a call to the table, in seconds. */
export const RATE_LIMITS_SECONDS = 1;

/** The caller of a creation: from `On-Behalf-Of`, or else the owner of the client. */
export const callerOf = ({ on_behalf_of, owner }: { on_behalf_of?: string | undefined; owner: string }) =>
  on_behalf_of ?? owner;

/** Delay in seconds up to which the queue counts as empty. */
export const UNCONTENDED_SECONDS = 0.5;

/** Largest share of the queue for one caller. */
export const CALLER_SHARE = 1 / 4;

/** Resolution of the start times of a caller's creations, in seconds. */
const PERIOD_SECONDS = 10;

/**
 * Seconds for which the express rate can be used in advance, and its longest delay. A caller may use it while it holds no
 * more creations than the rate admits in one period.
 */
const EXPRESS_ADVANCE_SECONDS = 2 * PERIOD_SECONDS;
export const EXPRESS_MAX_DELAY_SECONDS = 2;

/** Most queued creations of a caller that may use the express rate. @param perSecond the express rate */
export const expressCreationsOf = (perSecond: number): number =>
  perSecond === 0 ? 0 : Math.max(1, Math.floor(perSecond * PERIOD_SECONDS));

/** Most past periods that one call removes. */
const MAX_REMOVED_PERIODS = 50;

/** Retention of items after their start time, in seconds. */
const RETENTION_SECONDS = 60 * 60;

export function creationLimiter({ dynamoDb, environment, now }: Services): CreationLimiter {
  const {
    SERVICE: service,
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

  // Two targets with one table have the same provisioning_id in a request for both.
  const reservationItem = (id: string): string => `reservation:${service}:${id}`;

  const keyOf = (name: string) => ({ TableName: tableName, Key: { name: { S: name } } });
  const itemOf = async (name: string, ConsistentRead: boolean): Promise<Item> =>
    (await dynamoDb.send(new GetItemCommand({ ...keyOf(name), ConsistentRead }))).Item ?? {};

  /** Changes the numbers of a caller in the periods of these times, and removes `past` periods; returns its item. */
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

  /** Reserves a start in the queue, or by the express rate for a caller with few queued creations. */
  const reserveInQueue = async (creation: { id: string; caller: string }): Promise<number> => {
    const { id, caller } = creation;
    const reservation = await itemOf(reservationItem(id), true);
    if (reservation['start_at'] !== undefined) return numberIn(reservation, 'start_at');

    // Counted before the decision, so that concurrent reservations count each other.
    const countedAt = now();
    const callerCounts = await count(caller, [{ at: countedAt, by: 1 }]);
    const held = heldIn(callerCounts, countedAt);
    const past = pastIn(callerCounts, countedAt).slice(0, MAX_REMOVED_PERIODS);
    if (held <= expressShare) {
      const slot = await express.reserve();
      if (slot !== undefined) {
        if (past.length === MAX_REMOVED_PERIODS) await count(caller, [{ at: countedAt, by: 0 }], past);
        return expressStart(slot, now());
      }
    }
    const start = held > callerShare ? undefined : await queue.reserve();
    if (start === undefined) {
      await count(caller, [{ at: countedAt, by: -1 }], past);
      throw new StepError('CreationDeferred', 'The queue is full, or the caller holds its share of it.');
    }
    const moved =
      periodOf(countedAt) === periodOf(start)
        ? [{ at: start, by: 0 }]
        : [
            { at: countedAt, by: -1 },
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
        const [{ next_at }, callerCounts] = await Promise.all([
          itemOf('creations', false),
          itemOf(callerItem(caller), false),
        ]);
        const at = now();
        const next = Math.max(at, Number(next_at?.N ?? 0));
        const held = heldIn(callerCounts, at);
        if (next - at <= UNCONTENDED_SECONDS * 1000) return next;
        if (next - at > timeLimits.longestQueue * 1000 || held >= callerShare) return undefined;
        if (held >= expressShare) return next;
        const slot = numberIn(await itemOf('express-creations', false), 'next_at');
        const start = expressStart(slot, at);
        return start - at <= EXPRESS_MAX_DELAY_SECONDS * 1000 ? start : next;
      } catch (error) {
        warn('Queue not estimated', error);
        return now();
      }
    },

    async reserve(creation) {
      const start = await queue.reserve(UNCONTENDED_SECONDS);
      if (start !== undefined) return start;
      return reserveInQueue(creation).catch((error: unknown) => {
        if (error instanceof StepError) throw error;
        warn('Start not reserved', error);
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
        warn('Reservation not released', error);
      }
    },
  };
}

/** The start of a creation with this slot of the express limiter, which may be used in advance. */
const expressStart = (slot: number, at: number): number =>
  Math.max(at, slot - EXPRESS_ADVANCE_SECONDS * 1000);

type Item = Record<string, AttributeValue>;

const callerItem = (caller: string): string => `caller:${caller}`;

const numberIn = (item: Item | undefined, field: string): number => Number(item?.[field]?.N ?? 0);

const expiresAt = (at: number) => ({ N: String(Math.ceil(at / 1000) + RETENTION_SECONDS) });

const PERIOD = /^period_(\d+)$/;
const periodNumber = (at: number): number => Math.floor(at / (PERIOD_SECONDS * 1000));
const periodOf = (at: number): string => `period_${periodNumber(at)}`;

/** Number of a caller's creations that have not started, those of the present period included. */
const heldIn = (item: Item, at: number): number =>
  Object.keys(item)
    .filter((name) => PERIOD.test(name) && !isPast(name, at))
    .reduce((sum, name) => sum + numberIn(item, name), 0);

/** The past periods of an item. */
const pastIn = (item: Item, at: number): string[] =>
  Object.keys(item).filter((name) => PERIOD.test(name) && isPast(name, at));

const isPast = (name: string, at: number): boolean => Number(PERIOD.exec(name)?.[1]) < periodNumber(at);

const warn = (what: string, error: unknown): void => logger.warn(what, { error: classifyError(error).name });
