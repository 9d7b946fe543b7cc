import { describe, expect, it } from '@jest/globals';
import { costOf, costOfMonth, POLLS_PER_SECOND, totalOf } from '../../bench/cost/model.ts';
import { prices } from '../../bench/cost/prices.ts';
import { type Counts, noCounts } from '../../bench/count/counts.ts';

const counted = (counts: Partial<Counts>) => ({
  counts: { ...noCounts, ...counts },
  functions: {},
  log_bytes: 0,
});
const dynamoDbCostOfMillion = (counts: Partial<Counts>) => (costOf(counted(counts))['DynamoDB'] ?? 0) * 1e6;

describe('the cost of a provisioning', () => {
  it('contains one unit of DynamoDB for each write, and half a unit for each eventually consistent read', () => {
    expect(dynamoDbCostOfMillion({ dynamodb_writes: 1 })).toBeCloseTo(0.625);
    expect(dynamoDbCostOfMillion({ dynamodb_reads: 1 })).toBeCloseTo(0.125 / 2);
    expect(dynamoDbCostOfMillion({ dynamodb_writes: 3, dynamodb_reads: 1 })).toBeCloseTo(
      3 * 0.625 + 0.125 / 2,
    );
  });

  it('contains no charge for calls to Step Functions and Cognito', () => {
    expect(totalOf(costOf(counted({ step_functions: 9, cognito: 9 })))).toBe(totalOf(costOf(counted({}))));
  });
});

describe('the cost of a month', () => {
  const seconds = 30 * 24 * 3_600;
  const costs = { polled: { KMS: 0.5, DynamoDB: 0.25 }, notified: { KMS: 0.75, DynamoDB: 1 } };

  it('is the cost of every second, by service', () => {
    const { use, provisionings } = costOfMonth(POLLS_PER_SECOND, costs, {});

    expect(provisionings).toBe(POLLS_PER_SECOND * seconds);
    expect(use).toEqual({ KMS: provisionings * 0.5, DynamoDB: provisionings * 0.25 });
  });

  it('contains notifications for the provisionings above the rate of polls', () => {
    const polls = POLLS_PER_SECOND;
    const { use } = costOfMonth(polls + 10, costs, {});

    expect(use).toEqual({
      KMS: seconds * (polls * 0.5 + 10 * 0.75),
      DynamoDB: seconds * (polls * 0.25 + 10),
    });
  });

  it('contains the fixed cost, and the users above the free tier', () => {
    const { fixed, users } = costOfMonth(1, { polled: {}, notified: {} }, { 'a key': 1, 'an alarm': 0.1 });

    expect(fixed).toBeCloseTo(1.1);
    expect(users).toBeCloseTo((seconds - 10_000) * prices.activeUser.usd);
  });
});
