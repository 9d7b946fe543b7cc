import { GetExecutionHistoryCommand, type HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { findHistory, readHistory, readLatestEvents, stepsOf } from '../../../handlers/shared/history.ts';
import { notFound } from '../../support/executions.ts';
import { history } from '../../support/history.ts';
import { sdkError } from '../../support/sdk-errors.ts';

const BEGIN = new Date('2026-01-02T09:00:00Z');
const at = (milliseconds: number) => new Date(BEGIN.getTime() + milliseconds);
const started = () => history(BEGIN).begin({ username: 'anna' });

describe('the reader of histories', () => {
  const mock = mockClient(SFNClient);
  const stepFunctions = new SFNClient({});
  const pages = started().task('One', 10).task('Two', 10).events();
  const [first, second] = [pages.slice(0, 6), pages.slice(6)];
  const sent = () => mock.commandCalls(GetExecutionHistoryCommand).map(({ args }) => args[0].input);

  beforeEach(() => {
    mock.reset();
    mock.on(GetExecutionHistoryCommand).resolves({ events: first, nextToken: 'more' });
    mock.on(GetExecutionHistoryCommand, { nextToken: 'more' }).resolves({ events: second });
  });

  it('reads all pages, without data by default', async () => {
    await expect(readHistory(stepFunctions, 'arn')).resolves.toEqual({ events: pages, truncated: false });
    await readHistory(stepFunctions, 'arn', { includeExecutionData: true, maxEvents: 1 });

    const page = { executionArn: 'arn', maxResults: 1000, includeExecutionData: false };
    expect(sent()).toEqual([page, { ...page, nextToken: 'more' }, { ...page, includeExecutionData: true }]);
  });

  it('stops after the page with enough events, and reports the history as truncated', async () => {
    const read = readHistory(stepFunctions, 'arn', { maxEvents: 6 });

    await expect(read).resolves.toEqual({ events: first, truncated: true });
    expect(sent()).toHaveLength(1);
  });

  it('returns undefined for an unknown execution, and throws every other error', async () => {
    mock.on(GetExecutionHistoryCommand).rejectsOnce(notFound()).rejects(sdkError('AccessDeniedException'));

    await expect(findHistory(stepFunctions, 'arn')).resolves.toBeUndefined();
    await expect(findHistory(stepFunctions, 'arn')).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  it('reads the latest events with one call, and returns them oldest first', async () => {
    mock.on(GetExecutionHistoryCommand).resolves({ events: pages.toReversed(), nextToken: 'earlier' });

    const latest = await readLatestEvents(stepFunctions, 'arn');

    expect(latest).toEqual({ events: pages, truncated: true });
    expect(sent()).toEqual([
      { executionArn: 'arn', maxResults: 1000, includeExecutionData: false, reverseOrder: true },
    ]);
  });
});

describe('the steps of a history', () => {
  it('have input, output, variables and time', () => {
    const { events } = started().after(10).task('CreateUser', 200, { sub: 'a1' }, { user_sub: 'a1' });

    expect(stepsOf(events())).toEqual([
      {
        id: 2,
        name: 'CreateUser',
        type: 'Task',
        status: 'succeeded',
        enteredAt: at(10),
        exitedAt: at(210),
        attempts: [{ startedAt: at(10), endedAt: at(210), status: 'succeeded' }],
        input: '{}',
        output: '{"sub":"a1"}',
        assigned: { user_sub: '"a1"' },
      },
    ]);
  });

  it('keep every attempt with its error and its cause', () => {
    const { events } = started()
      .enter('SetPassword')
      .failed(100, 'ServiceThrottled', 'Too many requests')
      .after(2_000)
      .done(50)
      .exit('SetPassword');

    const [step] = stepsOf(events());

    expect(step?.status).toBe('succeeded');
    expect(step?.attempts).toEqual([
      {
        startedAt: at(0),
        endedAt: at(100),
        status: 'failed',
        error: 'ServiceThrottled',
        cause: '{"errorType":"ServiceThrottled","errorMessage":"Too many requests"}',
      },
      { startedAt: at(2_100), endedAt: at(2_150), status: 'succeeded' },
    ]);
  });

  it('distinguish a caught failure from one that failed the execution', () => {
    const { events } = started()
      .enter('AddToGroup')
      .failed(100, 'UserNotFound')
      .exit('AddToGroup')
      .task('DeleteUser', 100)
      .fail('UserCreationRolledBack', { step: 'AddToGroup', error: 'UserNotFound' });

    expect(stepsOf(events()).map(({ name, status }) => [name, status])).toEqual([
      ['AddToGroup', 'caught'],
      ['DeleteUser', 'succeeded'],
      ['UserCreationRolledBack', 'failed'],
    ]);
  });

  it('distinguish a running step from one that waits for its next attempt', () => {
    const waiting = started().enter('SetPassword').failed(100, 'ServiceThrottled');
    expect(stepsOf(waiting.events())[0]?.status).toBe('retrying');

    const running = waiting.after(2_000).schedule();

    expect(stepsOf(running.events())[0]).toMatchObject({
      status: 'running',
      attempts: [{ status: 'failed' }, { status: 'running' }],
    });
  });

  it.each(['ExecutionAborted', 'ExecutionTimedOut'] as const)(
    'are stopped with the execution: %s',
    (type) => {
      const { events } = started().enter('CreateUser').schedule().after(500).add(type);

      expect(stepsOf(events())[0]).toMatchObject({
        status: 'stopped',
        exitedAt: at(500),
        attempts: [{ status: 'stopped' }],
      });
    },
  );

  it('separate parallel iterations', () => {
    const two = started().enter('CreateUser').enter('SetPassword').events();
    const scheduled: HistoryEvent = { type: 'TaskScheduled', id: 4, previousEventId: 2, timestamp: BEGIN };

    const steps = stepsOf([...two, scheduled]);

    expect(steps.map(({ name, attempts }) => [name, attempts.length])).toEqual([
      ['CreateUser', 1],
      ['SetPassword', 0],
    ]);
  });

  it('omit the events of a step that was entered before the first event', () => {
    const all = started().enter('CreateUser').failed(100, 'ServiceThrottled').exit('CreateUser');
    const { events } = all.enter('SetPassword').schedule();

    const steps = stepsOf(events().slice(3));

    expect(steps.map(({ name, attempts }) => [name, attempts.length])).toEqual([['SetPassword', 1]]);
  });

  it('continue with the failed step after a redrive', () => {
    const { events } = started()
      .enter('CreateUser')
      .failed(100, 'ServiceUnavailable')
      .add('ExecutionFailed')
      .after(60_000)
      .add('ExecutionRedriven')
      .schedule();

    expect(stepsOf(events())).toEqual([
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

  it('attribute a refused redrive to the state that refused it', () => {
    const { events } = started()
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

    expect(stepsOf(events()).map(({ name, status }) => [name, status])).toEqual([
      ['CreateUser', 'succeeded'],
      ['PublishUserCreated', 'stopped'],
      ['PublishUserCreated', 'caught'],
      ['DeleteUser', 'running'],
    ]);
  });

  it('count a failed expression as a failed attempt', () => {
    const { events } = started().task('CreateUser', 100).enter('SetPassword').evaluationFailed('no');

    expect(stepsOf(events()).map(({ name, attempts }) => [name, attempts])).toEqual([
      ['CreateUser', [expect.objectContaining({ status: 'succeeded' })]],
      [
        'SetPassword',
        [expect.objectContaining({ status: 'failed', error: 'States.QueryEvaluationError', cause: 'no' })],
      ],
    ]);
  });

  it('attribute a failed expression to one of the iterations that are in a state of the same name', () => {
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

    const steps = stepsOf([entry(5, 3), entry(6, 4), failure]);

    expect(steps.map(({ attempts }) => attempts.length)).toEqual([1, 0]);
  });
});
