import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { oldestRunning } from '../../../handlers/shared/oldest-running.ts';

const stepFunctions = mockClient(SFNClient);
const machines = { STATE_MACHINE_ARN: 'arn:machine', ROLL_BACK_STATE_MACHINE_ARN: 'arn:roll-back' };
const NOW = Date.parse('2026-01-01T12:00:00Z');

const running = (...secondsAgo: number[]) =>
  secondsAgo.map((seconds) => ({
    executionArn: `arn:${seconds}`,
    stateMachineArn: 'arn',
    name: `${seconds}`,
    status: 'RUNNING' as const,
    startDate: new Date(NOW - seconds * 1000),
  }));
const list = (stateMachineArn: string, more: object = {}) =>
  stepFunctions.on(ListExecutionsCommand, { stateMachineArn, statusFilter: 'RUNNING', ...more });
const look = () => oldestRunning(new SFNClient({}), machines, NOW);

beforeEach(() => {
  stepFunctions.reset();
  stepFunctions.on(ListExecutionsCommand).resolves({ executions: [] });
});

describe('the age of the oldest that is running', () => {
  it('is none when nothing runs', async () => {
    await expect(look()).resolves.toBe(0);
  });

  it('is that of the last in the list, which begins with the newest', async () => {
    list('arn:machine').resolves({ executions: running(1, 20, 300) });

    await expect(look()).resolves.toBe(300);
  });

  it('is also that of a roll-back', async () => {
    list('arn:machine').resolves({ executions: running(20) });
    list('arn:roll-back').resolves({ executions: running(4000) });

    await expect(look()).resolves.toBe(4000);
  });

  it('is looked for on all pages', async () => {
    list('arn:machine').resolves({ executions: running(1), nextToken: 'more' });
    list('arn:machine', { nextToken: 'more' }).resolves({ executions: running(7200) });

    await expect(look()).resolves.toBe(7200);
  });

  it('ends after a hundred pages, however many there are', async () => {
    list('arn:machine').resolves({ executions: running(5), nextToken: 'more' });

    await expect(look()).resolves.toBe(5);
    expect(stepFunctions.commandCalls(ListExecutionsCommand)).toHaveLength(101);
  });
});
