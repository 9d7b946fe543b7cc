import { describe, expect, it } from '@jest/globals';
import { costOf, month, POLLS_PER_SECOND, totalOf } from '../../bench/cost/model.ts';
import { prices } from '../../bench/cost/prices.ts';
import { type Counts, nothing } from '../../bench/count/counts.ts';

const counted = (counts: Partial<Counts>) => ({
  counts: { ...nothing, ...counts },
  functions: {},
  log_bytes: 0,
});
const million = (counts: Partial<Counts>) => (costOf(counted(counts))['DynamoDB'] ?? 0) * 1e6;

describe('what a provisioning costs', () => {
  it('has a unit of DynamoDB for each write, and half a unit for each read that may lag', () => {
    expect(million({ dynamodb_writes: 1 })).toBeCloseTo(0.625);
    expect(million({ dynamodb_reads: 1 })).toBeCloseTo(0.125 / 2);
    expect(million({ dynamodb_writes: 3, dynamodb_reads: 1 })).toBeCloseTo(3 * 0.625 + 0.125 / 2);
  });

  it('has no charge for calls to Step Functions and Cognito, which users and transitions pay', () => {
    expect(totalOf(costOf(counted({ step_functions: 9, cognito: 9 })))).toBe(totalOf(costOf(counted({}))));
  });
});

describe('what a month costs', () => {
  const seconds = 30 * 24 * 3_600;
  const ways = { waited: { KMS: 0.5, DynamoDB: 0.25 }, announced: { KMS: 0.75, DynamoDB: 1 } };

  it('is every second of it, by service', () => {
    const { use, provisionings } = month(POLLS_PER_SECOND, ways, {});
    expect(provisionings).toBe(POLLS_PER_SECOND * seconds);
    expect(use).toEqual({ KMS: provisionings * 0.5, DynamoDB: provisionings * 0.25 });
  });

  it('has announcements of what is more than can be waited for', () => {
    const waits = POLLS_PER_SECOND;
    const { use } = month(waits + 10, ways, {});
    expect(use).toEqual({
      KMS: seconds * (waits * 0.5 + 10 * 0.75),
      DynamoDB: seconds * (waits * 0.25 + 10),
    });
  });

  it('has what stands, and users beyond those that cost nothing', () => {
    const { fixed, users } = month(1, { waited: {}, announced: {} }, { 'a key': 1, 'an alarm': 0.1 });
    expect(fixed).toBeCloseTo(1.1);
    expect(users).toBeCloseTo((seconds - 10_000) * prices.activeUser.usd);
  });
});
