import {
  DescribeExecutionCommand,
  type ExecutionStatus,
  ListExecutionsCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { listOutput } from '../../cli/json-output.ts';
import { execution, failedAs, notFound } from '../support/executions.ts';
import { APP1 } from '../support/outputs.ts';
import { sdkError } from '../support/sdk-errors.ts';
import { INTAKE_CIPHERTEXT, OTHER_PROVISIONING_ID, PROVISIONING_ID, subject } from '../support/subject.ts';
import { executionArn, fakeRuntime } from './support/runtime.ts';

const stepFunctions = mockClient(SFNClient);
const NOW = Date.parse('2026-01-01T12:00:00Z');
const ago = (minutes: number) => new Date(NOW - minutes * 60_000);
const item = (
  name: string,
  startedMinutesAgo: number,
  stoppedMinutesAgo: number | undefined,
  status: ExecutionStatus = 'FAILED',
) => ({
  name,
  executionArn: executionArn('ProvisionServiceUser', name),
  stateMachineArn: APP1.state_machine_arn,
  status,
  startDate: ago(startedMinutesAgo),
  ...(stoppedMinutesAgo === undefined ? {} : { stopDate: ago(stoppedMinutesAgo) }),
});
const input = {
  ...subject,
  owner: 'o',
  targets: ['app2'],
  intake_ciphertext: INTAKE_CIPHERTEXT,
  request_mac: 'm',
};
const mockExecution = (id: string, seen: Parameters<typeof execution>[1]) =>
  stepFunctions
    .on(DescribeExecutionCommand, { executionArn: executionArn('ProvisionServiceUser', id) })
    .resolves(execution({ ...input, provisioning_id: id }, seen));
const listCalls = () => stepFunctions.commandCalls(ListExecutionsCommand).map(({ args }) => args[0].input);
const describeCalls = () => stepFunctions.commandCalls(DescribeExecutionCommand);

beforeEach(() => {
  stepFunctions.reset();
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
});

describe('provision list', () => {
  it('prints failures with their step, cause, what is left behind, and the next command', async () => {
    stepFunctions.on(ListExecutionsCommand).resolves({ executions: [] });
    stepFunctions
      .on(ListExecutionsCommand, { statusFilter: 'FAILED' })
      .resolves({ executions: [item(PROVISIONING_ID, 20, 19)] });
    stepFunctions
      .on(ListExecutionsCommand, { statusFilter: 'ABORTED' })
      .resolves({ executions: [item(OTHER_PROVISIONING_ID, 10, 9, 'ABORTED')] });
    mockExecution(
      PROVISIONING_ID,
      failedAs('ProvisioningFailed', 'RequestUserCreation', 'TargetUnavailable'),
    );
    mockExecution(OTHER_PROVISIONING_ID, { status: 'ABORTED', error: 'Cancelled' });
    const cli = fakeRuntime({ now: NOW });

    expect(await cli.run('list', '--failed', '--since', '1h', '--json')).toBe(0);

    expect(listOutput.parse(cli.jsonOutput())).toMatchObject({
      since: '2026-01-01T11:00:00.000Z',
      more: 0,
      unreadable: [],
      provisionings: [
        {
          provisioning_id: OTHER_PROVISIONING_ID,
          user: 'being_removed',
          left_behind: 'maybe_a_user',
          error: { code: 'CANCELLED' },
          next: `npx provision status ${OTHER_PROVISIONING_ID} --watch`,
        },
        {
          provisioning_id: PROVISIONING_ID,
          user: 'absent',
          left_behind: 'nothing',
          error: { code: 'TARGET_UNAVAILABLE', step: 'RequestUserCreation' },
          next: `npx provision retry ${PROVISIONING_ID}`,
        },
      ],
    });
    expect(listCalls().map(({ statusFilter }) => statusFilter)).toEqual(['FAILED', 'ABORTED', 'TIMED_OUT']);
  });

  it('filters by the end of an execution, not by its start', async () => {
    stepFunctions.on(ListExecutionsCommand).resolves({
      executions: [item(OTHER_PROVISIONING_ID, 90, 80), item(PROVISIONING_ID, 600, 5)],
    });
    mockExecution(
      PROVISIONING_ID,
      failedAs('ProvisioningFailed', 'RequestUserCreation', 'TargetUnavailable'),
    );
    const cli = fakeRuntime({ now: NOW });

    await cli.run('list', '--status', 'failed', '--since', '1h', '--json');

    expect(cli.jsonOutput()).toMatchObject({ provisionings: [{ provisioning_id: PROVISIONING_ID }] });
    expect(describeCalls().length).toBeGreaterThan(0);
  });

  it('prints that a target is gone and was not checked', async () => {
    const gone = { ...APP1, targets: [...APP1.targets, { name: 'old', state: 'gone' as const }] };
    stepFunctions.on(ListExecutionsCommand).resolves({ executions: [item(PROVISIONING_ID, 10, 9)] });
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: executionArn('ProvisionServiceUser', PROVISIONING_ID) })
      .resolves(
        execution(
          { ...input, targets: ['old'] },
          failedAs('ProvisioningFailed', 'RequestUserCreation', 'TargetUnavailable'),
        ),
      );
    const run = async (...options: string[]) => {
      const cli = fakeRuntime({ now: NOW, connection: { app1: async () => gone } });
      await cli.run('list', ...options);
      return cli;
    };

    expect((await run('--json')).jsonOutput()).toMatchObject({
      provisionings: [{ user: 'unknown', left_behind: 'not_checked', next: 'npx provision targets' }],
    });
    expect((await run()).output.out).toMatch(/targets +old: gone, not checked/);
  });

  it('reads pages until executions are too old', async () => {
    stepFunctions
      .on(ListExecutionsCommand)
      .resolvesOnce({ executions: [item(PROVISIONING_ID, 10, 9)], nextToken: 'second' })
      .resolvesOnce({ executions: [item(OTHER_PROVISIONING_ID, 60 * 54, 60 * 53)], nextToken: 'third' });
    const cli = fakeRuntime({ now: NOW });

    await cli.run('list', '--since', '1h');

    expect(listCalls().map(({ nextToken }) => nextToken)).toEqual([undefined, 'second']);
  });

  it('describes only what it prints, at half of the smallest quota', async () => {
    const ids = Array.from(
      { length: 30 },
      (_, n) => `0b54a0a5-91d2-4f21-9a5d-${String(n).padStart(12, '0')}`,
    );
    stepFunctions.on(ListExecutionsCommand).resolves({ executions: ids.map((id) => item(id, 10, 9)) });
    for (const id of ids)
      mockExecution(id, failedAs('ProvisioningFailed', 'RequestUserCreation', 'TargetUnavailable'));
    const cli = fakeRuntime({ now: NOW });

    await cli.run('list', '--limit', '12', '--json');

    expect(describeCalls()).toHaveLength(12);
    expect(cli.jsonOutput()).toMatchObject({ more: 18 });
    expect(cli.sleeps.reduce((sum, pause) => sum + pause, 0)).toBeGreaterThanOrEqual(11 * 100);
  });

  it('names executions that App1 did not start, and continues', async () => {
    stepFunctions
      .on(ListExecutionsCommand)
      .resolves({ executions: [item('by-hand', 2, 1), item(PROVISIONING_ID, 10, 9)] });
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: executionArn('ProvisionServiceUser', 'by-hand') })
      .resolves(execution({ some: 'thing' }, { status: 'SUCCEEDED' }));
    mockExecution(PROVISIONING_ID, { status: 'SUCCEEDED' });
    const cli = fakeRuntime({ now: NOW });

    await cli.run('list', '--json');

    expect(cli.jsonOutput()).toMatchObject({
      unreadable: ['by-hand'],
      provisionings: [{ provisioning_id: PROVISIONING_ID }],
    });
  });

  it('prints which provisioning a retry repeats', async () => {
    stepFunctions.on(ListExecutionsCommand).resolves({ executions: [item(PROVISIONING_ID, 10, 9)] });
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: executionArn('ProvisionServiceUser', PROVISIONING_ID) })
      .resolves(execution({ ...input, retry_of: OTHER_PROVISIONING_ID }, { status: 'SUCCEEDED' }));
    const cli = fakeRuntime({ now: NOW });

    await cli.run('list');

    expect(cli.output.out).toMatch(new RegExp(`retry of +${OTHER_PROVISIONING_ID}`));
  });

  it('prints that there are none', async () => {
    stepFunctions.on(ListExecutionsCommand).resolves({ executions: [] });
    const cli = fakeRuntime({ now: NOW });

    expect(await cli.run('list', '--since', '2026-01-01T10:00:00Z')).toBe(0);
    expect(cli.output.out).toBe('None since 2026-01-01 10:00:00 UTC.\n');
  });

  it('names the missing permission', async () => {
    stepFunctions
      .on(ListExecutionsCommand)
      .rejects(
        sdkError('AccessDeniedException', { message: 'not authorized to perform: states:ListExecutions' }),
      );
    const cli = fakeRuntime({ now: NOW });

    expect(await cli.run('list')).toBe(3);
    expect(cli.output.err).toContain('states:ListExecutions');
  });
});
