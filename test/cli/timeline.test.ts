import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { CliError } from '../../cli/cli-error.ts';
import { timelineOutput } from '../../cli/json-output.ts';
import { problemBody } from '../../contracts/problems.ts';
import { execution, notFound } from '../support/executions.ts';
import { sdkError } from '../support/sdk-errors.ts';
import { PROVISIONING_ID, ROLL_BACK, subject } from '../support/subject.ts';
import { executionArn, fakeRuntime } from './support/runtime.ts';

const stepFunctions = mockClient(SFNClient);
const START = Date.parse('2026-01-01T00:00:00Z');
const event = (seconds: number, type: string, more: Partial<HistoryEvent> = {}): HistoryEvent => ({
  id: seconds,
  timestamp: new Date(START + seconds * 1000),
  type: type as HistoryEvent['type'], // the tests use the types of Step Functions
  ...more,
});
const entered = (seconds: number, name: string) =>
  event(seconds, 'TaskStateEntered', { stateEnteredEventDetails: { name } });
const exited = (seconds: number, name: string) =>
  event(seconds, 'TaskStateExited', { stateExitedEventDetails: { name } });
const failure = (seconds: number, error: string) =>
  event(seconds, 'TaskFailed', {
    taskFailedEventDetails: { resourceType: 'lambda', resource: 'invoke', error },
  });

const history = (machine: string, name: string, ...events: HistoryEvent[]) =>
  stepFunctions
    .on(GetExecutionHistoryCommand, { executionArn: executionArn(machine, name) })
    .resolves({ events: events.map((one, n) => ({ ...one, id: n + 1, previousEventId: n })) });

beforeEach(() => {
  stepFunctions.reset();
  stepFunctions.on(GetExecutionHistoryCommand).rejects(notFound());
  stepFunctions.on(DescribeExecutionCommand).resolves(execution(subject));
  history(
    'ProvisionServiceUser',
    PROVISIONING_ID,
    event(0, 'ExecutionStarted'),
    entered(0, 'RequestUserCreation'),
    event(0, 'TaskScheduled'),
    failure(1, 'TargetUnavailable'),
    event(3, 'TaskScheduled'),
    event(5, 'TaskSucceeded'),
    exited(5, 'RequestUserCreation'),
    entered(5, 'Provisioned'),
    event(6, 'ExecutionSucceeded'),
  );
  history('CreateServiceUser', PROVISIONING_ID, entered(4, 'CreateUser'), event(4, 'TaskScheduled'));
});

/** App1 returns 404 to callers that are not the owner. */
const notOwner: Parameters<typeof fakeRuntime>[0] = { responses: [[404, problemBody('NOT_FOUND')]] };

const step = {
  service: 'app1',
  workflow: 'ProvisionServiceUser',
  execution: PROVISIONING_ID,
  step: 'Authenticate',
  started_at: '2026-01-01T00:00:00.000Z',
  attempts: [],
};

describe('provision timeline', () => {
  it('prints the timeline of App1 for the owner, without permission to read histories', async () => {
    const cli = fakeRuntime({ responses: [[200, { status: 'RUNNING', timeline: [step] }]] });

    expect(await cli.run('timeline', PROVISIONING_ID, '--json')).toBe(0);

    expect(cli.jsonOutput()).toEqual({ provisioning_id: PROVISIONING_ID, timeline: [step], incomplete: [] });
    expect(cli.sent.map(({ path }) => path)).toEqual([
      `/create-service-user/${PROVISIONING_ID}?include=timeline`,
    ]);
    expect(stepFunctions.calls()).toEqual([]);
  });

  const incomplete = { timeline: [step], timeline_incomplete: ['app2'] };

  it('reads the histories when the timeline of App1 is incomplete', async () => {
    const operator = fakeRuntime({ responses: [[200, incomplete]] });
    await operator.run('timeline', PROVISIONING_ID, '--json');

    expect(operator.jsonOutput()).toMatchObject({ timeline: { length: 3 }, incomplete: [] });
  });

  it('prints the incomplete timeline of App1 without permission to read histories', async () => {
    stepFunctions.reset();
    stepFunctions.on(DescribeExecutionCommand).resolves(execution(subject));
    stepFunctions.on(GetExecutionHistoryCommand).rejects(sdkError('AccessDeniedException'));
    const caller = fakeRuntime({ responses: [[200, incomplete]] });

    expect(await caller.run('timeline', PROVISIONING_ID, '--json')).toBe(0);
    expect(caller.jsonOutput()).toMatchObject({ timeline: [step], incomplete: [{ service: 'app2' }] });
  });

  it('prints the steps of both services in their order, with their attempts', async () => {
    const cli = fakeRuntime(notOwner);

    expect(await cli.run('timeline', PROVISIONING_ID, '--json')).toBe(0);

    const { timeline, incomplete } = timelineOutput.parse(cli.jsonOutput());

    expect(incomplete).toEqual([]);
    expect(timeline).toEqual([
      {
        service: 'app1',
        workflow: 'ProvisionServiceUser',
        execution: PROVISIONING_ID,
        step: 'RequestUserCreation',
        started_at: '2026-01-01T00:00:00.000Z',
        duration_ms: 5_000,
        attempts: [
          {
            started_at: '2026-01-01T00:00:00.000Z',
            duration_ms: 1_000,
            error: { name: 'TargetUnavailable', code: 'TARGET_UNAVAILABLE' },
          },
          { started_at: '2026-01-01T00:00:03.000Z', duration_ms: 2_000 },
        ],
      },
      expect.objectContaining({ service: 'app2', step: 'CreateUser' }),
      expect.objectContaining({ step: 'Provisioned', attempts: [] }),
    ]);
    expect(timeline[1]).not.toHaveProperty('duration_ms');
  });

  it('prints every roll-back attempt', async () => {
    history('RollBackServiceUser', `${ROLL_BACK}.1`, entered(10, 'DeleteUser'));
    history('RollBackServiceUser', `${ROLL_BACK}.2`, entered(400, 'DeleteUser'));
    const cli = fakeRuntime(notOwner);

    await cli.run('timeline', PROVISIONING_ID);

    expect(cli.output.out).toContain('app2 RollBackServiceUser\n');
    expect(cli.output.out).toContain('app2 RollBackServiceUser, attempt 2\n');
    expect(cli.output.out).toContain('1 failed: TargetUnavailable');
  });

  it('names a service that is not available, and prints the other one', async () => {
    const elsewhere = new CliError(
      'unreachable',
      'NOT_DEPLOYED',
      'There is no stack App2.',
      'Use another profile.',
    );
    const cli = fakeRuntime({ ...notOwner, connection: { target: () => Promise.reject(elsewhere) } });

    expect(await cli.run('timeline', PROVISIONING_ID, '--json')).toBe(0);
    expect(cli.jsonOutput()).toMatchObject({
      timeline: [{ service: 'app1' }, { service: 'app1' }],
      incomplete: [{ service: 'app2', reason: 'There is no stack App2.' }],
    });
  });

  it('fails when there is no execution', async () => {
    stepFunctions.reset();
    stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
    const cli = fakeRuntime(notOwner);

    expect(await cli.run('timeline', PROVISIONING_ID)).toBe(4);
  });
});
