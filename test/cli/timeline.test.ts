import { GetExecutionHistoryCommand, type HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { timelineAnswer } from '../../cli/answers.ts';
import { CliProblem } from '../../cli/problem.ts';
import { notFound } from '../support/executions.ts';
import { PROVISIONING_ID } from '../support/subject.ts';
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
    .resolves({ events });

beforeEach(() => {
  stepFunctions.reset();
  stepFunctions.on(GetExecutionHistoryCommand).rejects(notFound());
  history(
    'ProvisionServiceUser',
    PROVISIONING_ID,
    event(0, 'ExecutionStarted'),
    entered(0, 'RequestUserCreation'),
    event(0, 'TaskScheduled'),
    failure(1, 'App2Unavailable'),
    event(3, 'TaskScheduled'),
    event(5, 'TaskSucceeded'),
    exited(5, 'RequestUserCreation'),
    entered(5, 'Provisioned'),
    event(6, 'ExecutionSucceeded'),
  );
  history('CreateServiceUser', PROVISIONING_ID, entered(4, 'CreateUser'), event(4, 'TaskScheduled'));
});

describe('provision timeline', () => {
  it('shows the steps of both services in their order, with their attempts', async () => {
    const here = world();

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
            error: { name: 'App2Unavailable', code: 'APP2_UNAVAILABLE' },
          },
          { started_at: '2026-01-01T00:00:03.000Z', duration_ms: 2_000 },
        ],
      },
      expect.objectContaining({ service: 'app2', step: 'CreateUser' }),
      expect.objectContaining({ step: 'Provisioned', duration_ms: 1_000, attempts: [] }),
    ]);
    expect(timeline[1]).not.toHaveProperty('duration_ms');
  });

  it('shows every attempt to roll back', async () => {
    history('RollBackServiceUser', PROVISIONING_ID, entered(10, 'DeleteUser'));
    history('RollBackServiceUser', `${PROVISIONING_ID}.2`, entered(400, 'DeleteUser'));
    const here = world();

    await here.run('timeline', PROVISIONING_ID);

    expect(here.shown.out).toContain('app2 RollBackServiceUser\n');
    expect(here.shown.out).toContain('app2 RollBackServiceUser, attempt 2\n');
    expect(here.shown.out).toContain('1 failed: App2Unavailable');
  });

  it('says what it cannot see, and shows the rest', async () => {
    const elsewhere = new CliProblem(
      'unreachable',
      'NOT_DEPLOYED',
      'There is no stack App2.',
      'Use another profile.',
    );
    const here = world({ connection: { app2: () => Promise.reject(elsewhere) } });

    expect(await here.run('timeline', PROVISIONING_ID, '--json')).toBe(0);
    expect(here.answer()).toMatchObject({
      timeline: [{ service: 'app1' }, { service: 'app1' }],
      unseen: [{ service: 'app2', why: 'There is no stack App2.' }],
    });
  });

  it('says that there is none', async () => {
    stepFunctions.reset();
    stepFunctions.on(GetExecutionHistoryCommand).rejects(notFound());
    const here = world();

    expect(await here.run('timeline', PROVISIONING_ID)).toBe(4);
  });
});
