import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { describe, expect, it } from '@jest/globals';
import { graphOf } from '../../trace/definition.ts';
import { stepsOf } from '../../trace/history.ts';
import { history } from './support/history.ts';
import { machines } from './support/machines.ts';

const graph = graphOf(machines.CreateServiceUser, false);
const BEGIN = new Date('2026-01-02T09:00:00Z');
const begun = () => history(BEGIN).begin({ username: 'anna' });
const why = { step: 'AddToGroup', error: 'UserNotFound' };

describe('the steps of a history', () => {
  it('have input, output, variables and time', () => {
    const { events } = begun()
      .after(10)
      .task('CreateUser', 200, { sub: 'a1' }, { user_sub: 'a1', creation_in_flight: false });
    expect(stepsOf(events(), graph)).toEqual([
      expect.objectContaining({
        name: 'CreateUser',
        type: 'Task',
        undo: false,
        status: 'succeeded',
        entered_at: '2026-01-02T09:00:00.010Z',
        exited_at: '2026-01-02T09:00:00.210Z',
        input: {},
        output: { sub: 'a1' },
        assigned: { user_sub: 'a1', creation_in_flight: false },
      }),
    ]);
  });

  it('keep every attempt with its error, its cause and what to do', () => {
    const { events } = begun()
      .enter('SetPassword')
      .failed(100, 'ServiceThrottled', 'Too many requests')
      .after(2_000)
      .done(50)
      .exit('SetPassword');
    const [step] = stepsOf(events(), graph);
    expect(step?.status).toBe('succeeded');
    expect(step?.attempts).toEqual([
      {
        started_at: '2026-01-02T09:00:00.000Z',
        ended_at: '2026-01-02T09:00:00.100Z',
        status: 'failed',
        error: 'ServiceThrottled',
        cause: { errorType: 'ServiceThrottled', errorMessage: 'Too many requests' },
        failure: expect.objectContaining({ code: 'SERVICE_THROTTLED', remedy: 'Send a new request later.' }),
      },
      { started_at: '2026-01-02T09:00:02.100Z', ended_at: '2026-01-02T09:00:02.150Z', status: 'succeeded' },
    ]);
  });

  it('say of a failure that was caught that it was, and of what follows that it undoes', () => {
    const { events } = begun()
      .enter('AddToGroup')
      .failed(100, 'UserNotFound')
      .exit('AddToGroup')
      .task('DeleteUser', 100)
      .fail('UserCreationRolledBack', why);
    expect(stepsOf(events(), graph).map(({ name, status, undo }) => [name, status, undo])).toEqual([
      ['AddToGroup', 'caught', false],
      ['DeleteUser', 'succeeded', true],
      ['UserCreationRolledBack', 'failed', true],
    ]);
  });

  it('tell a step that runs from one that waits for its next attempt', () => {
    const waiting = begun().enter('SetPassword').failed(100, 'ServiceThrottled');
    expect(stepsOf(waiting.events(), graph)[0]?.status).toBe('retrying');
    const running = waiting.after(2_000).schedule();
    expect(stepsOf(running.events(), graph)[0]).toMatchObject({
      status: 'running',
      attempts: [{ status: 'failed' }, { status: 'running' }],
    });
  });

  it.each(['ExecutionAborted', 'ExecutionTimedOut'] as const)(
    'are stopped where the execution was: %s',
    (type) => {
      const { events } = begun().enter('CreateUser').schedule().after(500).add(type);
      expect(stepsOf(events(), graph)[0]).toMatchObject({
        status: 'stopped',
        exited_at: '2026-01-02T09:00:00.500Z',
        attempts: [{ status: 'stopped' }],
      });
    },
  );

  it('keep branches that run side by side apart', () => {
    const two = begun()
      .enter('CreateUser')
      .enter('SetPassword')
      .events()
      .map((event) => ({ ...event }));
    const [, first, second] = two;
    const scheduled = {
      type: 'TaskScheduled' as const,
      id: 4,
      previousEventId: first?.id,
      timestamp: BEGIN,
    };
    const steps = stepsOf([...two, scheduled], graph);
    expect(second?.id).toBe(3);
    expect(steps.map(({ attempts }) => attempts.length)).toEqual([1, 0]);
  });

  it('go on with the step that had failed when the execution is redriven', () => {
    const { events } = begun()
      .enter('CreateUser')
      .failed(100, 'ServiceUnavailable')
      .add('ExecutionFailed')
      .after(60_000)
      .add('ExecutionRedriven')
      .schedule();
    expect(stepsOf(events(), graph)).toEqual([
      expect.objectContaining({
        name: 'CreateUser',
        status: 'running',
        attempts: [
          expect.objectContaining({ status: 'failed' }),
          expect.objectContaining({ status: 'running' }),
        ],
      }),
    ]);
  });

  it('count an expression that cannot be evaluated as an attempt that failed', () => {
    const { events } = begun().task('CreateUser', 100).enter('SetPassword').evaluationFailed('no');
    expect(stepsOf(events(), graph).map(({ name, attempts }) => [name, attempts])).toEqual([
      ['CreateUser', [expect.objectContaining({ status: 'succeeded' })]],
      [
        'SetPassword',
        [expect.objectContaining({ status: 'failed', error: 'States.QueryEvaluationError', cause: 'no' })],
      ],
    ]);
  });

  it('tell a refused redrive of the state that refused it', () => {
    const { events } = begun()
      .task('CreateUser', 100)
      .enter('PublishUserCreated')
      .failed(100, 'EventBridge.FailedEntry')
      .add('ExecutionAborted')
      .add('ExecutionRedriven')
      .enter('PublishUserCreated')
      .evaluationFailed('$error()')
      .exit('PublishUserCreated')
      .enter('DeleteUser')
      .schedule();
    expect(stepsOf(events(), graph).map(({ name, status }) => [name, status])).toEqual([
      ['CreateUser', 'succeeded'],
      ['PublishUserCreated', 'stopped'],
      ['PublishUserCreated', 'caught'],
      ['DeleteUser', 'running'],
    ]);
  });

  it('tell of iterations in the same state in which one of them the expression failed', () => {
    const entry = (id: number, previousEventId: number): HistoryEvent => ({
      type: 'PassStateEntered',
      id,
      previousEventId,
      timestamp: BEGIN,
      stateEnteredEventDetails: { name: 'Same' },
    });
    const failure: HistoryEvent = {
      type: 'EvaluationFailed',
      id: 7,
      previousEventId: 3,
      timestamp: BEGIN,
      evaluationFailedEventDetails: { error: 'States.QueryEvaluationError', state: 'Same' },
    };
    const steps = stepsOf([entry(5, 3), entry(6, 4), failure], graph);
    expect(steps.map(({ attempts }) => attempts.length)).toEqual([1, 0]);
  });

  it('know a state that the definition does not have any more', () => {
    const { events } = begun().enter('Renamed');
    expect(stepsOf(events(), graph)[0]).toMatchObject({ name: 'Renamed', type: 'Task', undo: false });
  });
});
