import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { timelineAnswer } from '../../cli/answers.ts';
import { CliError } from '../../cli/cli-error.ts';
import { problemBody } from '../../contracts/problems.ts';
import { execution, notFound } from '../support/executions.ts';
import { sdkError } from '../support/sdk-errors.ts';
import { PROVISIONING_ID, ROLL_BACK, subject } from '../support/subject.ts';
import { executionArn, world } from './support/world.ts';

const stepFunctions = mockClient(SFNClient);
const START = Date.parse('2026-01-01T00:00:00Z');
const event = (seconds: number, type: string, more: Partial<HistoryEvent> = {}): HistoryEvent => ({
  id: seconds,
  timestamp: new Date(START + seconds * 1000),
  type: type as HistoryEvent['type'], // the tests write each type as Step Functions does
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

/** App1 tells the owner only; to others it is as if there were none. */
const stranger: Parameters<typeof world>[0] = { answers: [[404, problemBody('NOT_FOUND')]] };

const told = {
  service: 'app1',
  workflow: 'ProvisionServiceUser',
  execution: PROVISIONING_ID,
  step: 'Authenticate',
  started_at: '2026-01-01T00:00:00.000Z',
  attempts: [],
};

describe('provision timeline', () => {
  it('shows the owner what App1 tells of both services, without a right to the histories', async () => {
    const here = world({ answers: [[200, { status: 'RUNNING', timeline: [told] }]] });

    expect(await here.run('timeline', PROVISIONING_ID, '--json')).toBe(0);

    expect(here.answer()).toEqual({ provisioning_id: PROVISIONING_ID, timeline: [told], unseen: [] });
    expect(here.sent.map(({ path }) => path)).toEqual([
      `/create-service-user/${PROVISIONING_ID}?include=timeline`,
    ]);
    expect(stepFunctions.calls()).toEqual([]);
  });

  it('reads the histories where App1 does not know all of it, and keeps what it knows where they are out of sight', async () => {
    const incomplete = { timeline: [told], timeline_incomplete: ['app2'] };
    const operator = world({ answers: [[200, incomplete]] });
    await operator.run('timeline', PROVISIONING_ID, '--json');
    expect(operator.answer()).toMatchObject({ timeline: { length: 3 }, unseen: [] });

    stepFunctions.reset();
    stepFunctions.on(DescribeExecutionCommand).resolves(execution(subject));
    stepFunctions.on(GetExecutionHistoryCommand).rejects(sdkError('AccessDeniedException'));
    const caller = world({ answers: [[200, incomplete]] });
    expect(await caller.run('timeline', PROVISIONING_ID, '--json')).toBe(0);
    expect(caller.answer()).toMatchObject({ timeline: [told], unseen: [{ service: 'app2' }] });
  });

  it('shows the steps of both services in their order, with their attempts', async () => {
    const here = world(stranger);

    expect(await here.run('timeline', PROVISIONING_ID, '--json')).toBe(0);

    const { timeline, unseen } = timelineAnswer.parse(here.answer());
    expect(unseen).toEqual([]);
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

  it('shows every attempt to roll back', async () => {
    history('RollBackServiceUser', `${ROLL_BACK}.1`, entered(10, 'DeleteUser'));
    history('RollBackServiceUser', `${ROLL_BACK}.2`, entered(400, 'DeleteUser'));
    const here = world(stranger);

    await here.run('timeline', PROVISIONING_ID);

    expect(here.shown.out).toContain('app2 RollBackServiceUser\n');
    expect(here.shown.out).toContain('app2 RollBackServiceUser, attempt 2\n');
    expect(here.shown.out).toContain('1 failed: TargetUnavailable');
  });

  it('says what it cannot see, and shows the rest', async () => {
    const elsewhere = new CliError(
      'unreachable',
      'NOT_DEPLOYED',
      'There is no stack App2.',
      'Use another profile.',
    );
    const here = world({ ...stranger, connection: { app2: () => Promise.reject(elsewhere) } });

    expect(await here.run('timeline', PROVISIONING_ID, '--json')).toBe(0);
    expect(here.answer()).toMatchObject({
      timeline: [{ service: 'app1' }, { service: 'app1' }],
      unseen: [{ service: 'app2', why: 'There is no stack App2.' }],
    });
  });

  it('says that there is none', async () => {
    stepFunctions.reset();
    stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
    const here = world(stranger);

    expect(await here.run('timeline', PROVISIONING_ID)).toBe(4);
  });
});
