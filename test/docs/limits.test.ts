import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  concurrencyAt,
  describeExecutionQuota,
  lambdaConcurrency,
  statusPollsPerSecond,
} from '../../contracts/quotas.ts';
import { DEFAULT_CREATIONS_PER_SECOND } from '../../infra/settings.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'limits.md'), 'utf8');
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
    ['App2: accept', 'app2'],
    ['waiting for the outcome', 'statusPolls'],
    ['compensation of a tenth', 'compensation'],
    ['together', 'total'],
  ] as const)('follows from the rates: %s', (begin, part) => {
    expect(rowOf(begin).slice(2)).toEqual(rates.map((rate) => formatted(concurrencyAt(rate, polls)[part])));
  });

  it('has the seconds of the estimate', () => {
    const seconds = [
      'App1: accept',
      'App2: accept',
      'waiting for the outcome',
      'compensation of a tenth',
    ].map((begin) => Number(rowOf(begin)[1]));
    const { app1, app2, statusPoll, compensation } = secondsPerCreation;

    expect(seconds).toEqual([app1, app2, statusPoll, compensation]);
  });

  it('contains the concurrency of an account and of a new account', () => {
    expect(page).toContain(`${usual.toLocaleString('en-US')} concurrent calls`);
    expect(page).toContain(`may have ${newAccount} until`);
    expect(concurrencyAt(3, polls).total).toBeLessThanOrEqual(newAccount);
    expect(concurrencyAt(4, polls).total).toBeGreaterThan(newAccount);
    expect(page).toContain(`keeps ${unreserved} unreserved`);
  });
});

it('the page contains the number of polled creations for the lowest and the highest quota', () => {
  expect(page).toContain(`\`status_polls_per_second\` (${polls})`);
  expect(page).toContain(`(${statusPollsPerSecond(15)} where the quota is 15)`);
});
