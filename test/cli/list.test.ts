import {
  DescribeExecutionCommand,
  type ExecutionStatus,
  ListExecutionsCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { listAnswer } from '../../cli/answers.ts';
import { execution, failedAs, notFound } from '../support/executions.ts';
import { sdkError } from '../support/sdk-errors.ts';
import { OTHER_PROVISIONING_ID, PROVISIONING_ID, SEALED, subject } from '../support/subject.ts';
import { APP1, executionArn, world } from './support/world.ts';

const stepFunctions = mockClient(SFNClient);
const NOW = Date.parse('2026-01-01T12:00:00Z');
const ago = (minutes: number) => new Date(NOW - minutes * 60_000);
const item = (
  name: string,
  begun: number,
  ended: number | undefined,
  status: ExecutionStatus = 'FAILED',
) => ({
  name,
  executionArn: executionArn('ProvisionServiceUser', name),
  stateMachineArn: APP1.state_machine_arn,
  status,
  startDate: ago(begun),
  ...(ended === undefined ? {} : { stopDate: ago(ended) }),
});
const input = { ...subject, owner: 'o', intake_ciphertext: SEALED, request_mac: 'm' };
const described = (id: string, seen: Parameters<typeof execution>[1]) =>
  stepFunctions
    .on(DescribeExecutionCommand, { executionArn: executionArn('ProvisionServiceUser', id) })
    .resolves(execution({ ...input, provisioning_id: id }, seen));
const asked = () => stepFunctions.commandCalls(ListExecutionsCommand).map(({ args }) => args[0].input);
const looks = () => stepFunctions.commandCalls(DescribeExecutionCommand);

beforeEach(() => {
  stepFunctions.reset();
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
});

describe('provision list', () => {
  it('shows which failed, at which step and why, what is left, and what to do', async () => {
    stepFunctions.on(ListExecutionsCommand).resolves({ executions: [] });
    stepFunctions
      .on(ListExecutionsCommand, { statusFilter: 'FAILED' })
      .resolves({ executions: [item(PROVISIONING_ID, 20, 19)] });
    stepFunctions
      .on(ListExecutionsCommand, { statusFilter: 'ABORTED' })
      .resolves({ executions: [item(OTHER_PROVISIONING_ID, 10, 9, 'ABORTED')] });
    described(PROVISIONING_ID, failedAs('ProvisioningFailed', 'RequestUserCreation', 'TargetUnavailable'));
    described(OTHER_PROVISIONING_ID, { status: 'ABORTED', error: 'Cancelled' });
    const here = world({ now: NOW });

    expect(await here.run('list', '--failed', '--since', '1h', '--json')).toBe(0);

    expect(listAnswer.parse(here.answer())).toMatchObject({
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
    expect(asked().map(({ statusFilter }) => statusFilter)).toEqual(['FAILED', 'ABORTED', 'TIMED_OUT']);
  });

  it('goes by the end: one that began long before and failed just now is there, one that ended before is not', async () => {
    stepFunctions.on(ListExecutionsCommand).resolves({
      executions: [item(OTHER_PROVISIONING_ID, 90, 80), item(PROVISIONING_ID, 600, 5)],
    });
    described(PROVISIONING_ID, failedAs('ProvisioningFailed', 'RequestUserCreation', 'TargetUnavailable'));
    const here = world({ now: NOW });

    await here.run('list', '--status', 'failed', '--since', '1h', '--json');

    expect(here.answer()).toMatchObject({ provisionings: [{ provisioning_id: PROVISIONING_ID }] });
    expect(looks().length).toBeGreaterThan(0);
  });

  it('reads pages until they are too old to matter', async () => {
    stepFunctions
      .on(ListExecutionsCommand)
      .resolvesOnce({ executions: [item(PROVISIONING_ID, 10, 9)], nextToken: 'second' })
      .resolvesOnce({ executions: [item(OTHER_PROVISIONING_ID, 60 * 54, 60 * 53)], nextToken: 'third' });
    const here = world({ now: NOW });

    await here.run('list', '--since', '1h');

    expect(asked().map(({ nextToken }) => nextToken)).toEqual([undefined, 'second']);
  });

  it('describes only what it shows, at a pace that leaves the quota to the workflows', async () => {
    const ids = Array.from(
      { length: 30 },
      (_, n) => `0b54a0a5-91d2-4f21-9a5d-${String(n).padStart(12, '0')}`,
    );
    stepFunctions.on(ListExecutionsCommand).resolves({ executions: ids.map((id) => item(id, 10, 9)) });
    for (const id of ids)
      described(id, failedAs('ProvisioningFailed', 'RequestUserCreation', 'TargetUnavailable'));
    const here = world({ now: NOW });

    await here.run('list', '--limit', '12', '--json');

    expect(looks()).toHaveLength(12);
    expect(here.answer()).toMatchObject({ more: 18 });
    expect(here.sleeps.reduce((sum, pause) => sum + pause, 0)).toBeGreaterThanOrEqual(11 * 100);
  });

  it('names executions that are none of ours, and goes on', async () => {
    stepFunctions
      .on(ListExecutionsCommand)
      .resolves({ executions: [item('by-hand', 2, 1), item(PROVISIONING_ID, 10, 9)] });
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: executionArn('ProvisionServiceUser', 'by-hand') })
      .resolves(execution({ some: 'thing' }, { status: 'SUCCEEDED' }));
    described(PROVISIONING_ID, { status: 'SUCCEEDED' });
    const here = world({ now: NOW });

    await here.run('list', '--json');

    expect(here.answer()).toMatchObject({
      unreadable: ['by-hand'],
      provisionings: [{ provisioning_id: PROVISIONING_ID }],
    });
  });

  it('says of which one a retry is', async () => {
    stepFunctions.on(ListExecutionsCommand).resolves({ executions: [item(PROVISIONING_ID, 10, 9)] });
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: executionArn('ProvisionServiceUser', PROVISIONING_ID) })
      .resolves(execution({ ...input, retry_of: OTHER_PROVISIONING_ID }, { status: 'SUCCEEDED' }));
    const here = world({ now: NOW });

    await here.run('list');

    expect(here.shown.out).toMatch(new RegExp(`retry of +${OTHER_PROVISIONING_ID}`));
  });

  it('says that there are none', async () => {
    stepFunctions.on(ListExecutionsCommand).resolves({ executions: [] });
    const here = world({ now: NOW });

    expect(await here.run('list', '--since', '2026-01-01T10:00:00Z')).toBe(0);
    expect(here.shown.out).toBe('None since 2026-01-01 10:00:00 UTC.\n');
  });

  it('says which right is missing', async () => {
    stepFunctions
      .on(ListExecutionsCommand)
      .rejects(
        sdkError('AccessDeniedException', { message: 'not authorized to perform: states:ListExecutions' }),
      );
    const here = world({ now: NOW });

    expect(await here.run('list')).toBe(3);
    expect(here.shown.err).toContain('states:ListExecutions');
  });
});
