import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  concurrencyAt,
  describeExecutionQuota,
  lambdaConcurrency,
  statusPollsPerSecond,
} from '../../contracts/quotas.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import {
  DEFAULT_CREATIONS_PER_SECOND,
  expressCreationsPerSecond,
  GROUP_CHANGES_PER_SECOND,
} from '../../infra/settings.ts';
import { retryPolicies, totalDelaySeconds } from '../../workflows/retry-policies.ts';
import { outageMeasurement } from '../load/outage.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'limits.md'), 'utf8');
/** The page with each paragraph in one line. */
const prose = page.replaceAll('\n', ' ');
const { secondsPerCreation, default: usual, newAccount, unreserved } = lambdaConcurrency;
const polls = statusPollsPerSecond(describeExecutionQuota.perSecond);
const rates = [1, 5, DEFAULT_CREATIONS_PER_SECOND];

/** Cells of the table row that starts with a text. */
function rowOf(begin: string): string[] {
  const line = page.split('\n').find((one) => one.startsWith(`| ${begin}`)) ?? '';
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
/** The format of the page: at most one decimal, halves rounded up. */
const formatted = (value: number): string => String(Math.round(Number((value * 10).toPrecision(12))) / 10);

describe("the page's estimate of Lambda's concurrency", () => {
  it.each([
    ['App1: accept', 'app1'],
    ['Target: accept', 'app2'],
    ['waiting for the outcome', 'statusPolls'],
    ['compensation of a tenth', 'compensation'],
    ['together', 'total'],
  ] as const)('follows from the rates: %s', (begin, part) => {
    expect(rowOf(begin).slice(2)).toEqual(rates.map((rate) => formatted(concurrencyAt(rate, polls)[part])));
  });

  it('has the seconds of the estimate', () => {
    const seconds = [
      'App1: accept',
      'Target: accept',
      'waiting for the outcome',
      'compensation of a tenth',
    ].map((begin) => Number(rowOf(begin)[1]));
    const { app1, app2, statusPoll, compensation } = secondsPerCreation;

    expect(seconds).toEqual([app1, app2, statusPoll, compensation]);
  });

  it('contains the concurrency of an account and of a new account', () => {
    expect(prose).toContain(`${usual.toLocaleString('en-US')} concurrent calls`);
    expect(prose).toContain(`may have ${newAccount} until`);
    expect(concurrencyAt(3, polls).total).toBeLessThanOrEqual(newAccount);
    expect(concurrencyAt(4, polls).total).toBeGreaterThan(newAccount);
    expect(prose).toContain(`keeps ${unreserved} unreserved`);
  });
});

describe("the page's description of the queue", () => {
  it('has the lengths of the queue and of the share of a caller', () => {
    const length = DEFAULT_CREATIONS_PER_SECOND * timeLimits.longestQueue;
    const inThousands = (creations: number) => `about ${Math.round(creations / 1_000)},000 creations`;

    expect(prose).toContain(`${timeLimits.longestQueue / 60} minutes, ${inThousands(length)}`);
    expect(prose).toContain(`a quarter of the queue**, ${inThousands(length / 4)}`);
  });

  it('has the express rate, and the rate that is left for compensation', () => {
    const express = expressCreationsPerSecond(DEFAULT_CREATIONS_PER_SECOND);
    const rest = GROUP_CHANGES_PER_SECOND - DEFAULT_CREATIONS_PER_SECOND - express;

    expect(prose).toContain(`(${formatted(express)} per second) are an express rate`);
    expect(prose).toContain(`last third (${formatted(rest)} per second)`);
  });

  it('has the time for which App1 retries while the queue is full', () => {
    const hours = totalDelaySeconds(retryPolicies.targetQueueFull) / 3_600;

    expect(hours).toBeGreaterThan(3.25);
    expect(hours).toBeLessThanOrEqual(3.5);
    expect(prose.match(/three and a half hours/g)).toHaveLength(2);
  });
});

describe("the page's measurement of an outage", () => {
  const { measured, pending, concurrent, maxRatio } = outageMeasurement;

  it('has the numbers of the test', () => {
    expect(concurrent).toBe(4);
    expect(prose).toContain(`${measured} provisionings at App2, four at a time`);
    expect(prose).toContain(`beside ${pending} at another target`);
    expect(prose).toContain(`a ratio of ${maxRatio.p50} for p50 and ${maxRatio.p95} for p95`);
  });

  it.each(['its API', 'its queue', 'its stack'])('has ratios that the test allows: %s', (begin) => {
    const [alone50 = 0, beside50 = 0, alone95 = 0, beside95 = 0] = rowOf(begin)
      .slice(1)
      .map((cell) => Number(cell.replace(',', '')));

    expect(Math.min(alone50, beside50, alone95, beside95)).toBeGreaterThan(0);
    expect(beside50 / alone50).toBeLessThanOrEqual(maxRatio.p50);
    expect(beside95 / alone95).toBeLessThanOrEqual(maxRatio.p95);
  });
});

it('the page contains the number of polled creations for the lowest and the highest quota', () => {
  expect(prose).toContain(`\`status_polls_per_second\` (${polls})`);
  expect(prose).toContain(`(${statusPollsPerSecond(15)} where the quota is 15)`);
});
