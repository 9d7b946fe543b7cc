import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { readOldestStart } from '../../../handlers/shared/oldest-running.ts';

const stepFunctions = mockClient(SFNClient);
const NOW = Date.parse('2026-01-01T12:00:00Z');

const running = (...secondsAgo: number[]) =>
  secondsAgo.map((seconds) => ({
    executionArn: `arn:${seconds}`,
    stateMachineArn: 'arn',
    name: `${seconds}`,
    status: 'RUNNING' as const,
    startDate: new Date(NOW - seconds * 1000),
  }));
const list = (more: object = {}) =>
  stepFunctions.on(ListExecutionsCommand, {
    stateMachineArn: 'arn:machine',
    statusFilter: 'RUNNING',
    ...more,
  });
const readOldest = () => readOldestStart(new SFNClient({}), 'arn:machine');

beforeEach(() => {
  stepFunctions.reset();
  list().resolves({ executions: [] });
});

describe('the start of the oldest running execution', () => {
  it('is undefined when no execution is running', async () => {
    await expect(readOldest()).resolves.toEqual({ isComplete: true });
  });

  it('is that of the last execution in the list', async () => {
    list().resolves({ executions: running(1, 20, 300) });

    await expect(readOldest()).resolves.toEqual({ start: NOW - 300_000, isComplete: true });
  });

  it('is read from all pages', async () => {
    list().resolves({ executions: running(1), nextToken: 'more' });
    list({ nextToken: 'more' }).resolves({ executions: running(7200) });

    await expect(readOldest()).resolves.toEqual({ start: NOW - 7_200_000, isComplete: true });
  });

  it('is incomplete after a hundred pages', async () => {
    list().resolves({ executions: running(5), nextToken: 'more' });

    await expect(readOldest()).resolves.toEqual({ start: NOW - 5_000, isComplete: false });
    expect(stepFunctions.commandCalls(ListExecutionsCommand)).toHaveLength(100);
  });
});
