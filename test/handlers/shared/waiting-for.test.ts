import { GetExecutionHistoryCommand, type HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { waitingFor } from '../../../contracts/status.ts';
import { OUTAGE_PAUSES } from '../../../contracts/time-limits.ts';
import { outageErrors, waitingForOf, waitingIn } from '../../../handlers/shared/waiting-for.ts';
import { STARTED } from '../../support/executions.ts';
import { golden, machineNames, tasks } from '../../support/golden.ts';
import { historyOf, iterationHistoryOf } from '../../support/history.ts';
import { expectNoLeak } from '../../support/leaks.ts';
import { sdkError } from '../../support/sdk-errors.ts';

const stepFunctions = mockClient(SFNClient);
const NOW = STARTED.getTime() + 60_000;
const at = (milliseconds: number) => new Date(STARTED.getTime() + milliseconds).toISOString();
const executionArn = 'arn:aws:states:eu-central-1:111122223333:execution:ProvisionServiceUser:id';

/** Failed attempts, each with a duration of a tenth of a second. */
const failing = (...attempts: [from: number, error: string][]) =>
  attempts.map(([from, error]) => ({ from, to: from + 100, error }));

const waits = (step: string, ...attempts: [number, string][]): HistoryEvent[] =>
  iterationHistoryOf('ProvisionTargets', { step, from: 10, attempts: failing(...attempts) });

describe('waitingIn', () => {
  it('returns start, code and next attempt of a wait for the target', () => {
    const events = waits('Authenticate', [20, 'TargetUnavailable'], [1_120, 'TargetUnavailable']);

    const found = waitingIn(events, 'app1', ['app2']);

    expect(found).toEqual({
      what: 'target',
      target: 'app2',
      step: 'Authenticate',
      since: at(20),
      code: 'TARGET_UNAVAILABLE',
      retry_at: at(1_220 + 2_000),
    });
    expect(waitingFor.parse(found)).toEqual(found);
    expectNoLeak('canary cause', found);
  });

  it.each([
    ['RequestUserCreation', 'TargetQueueFull', { what: 'target_queue', target: 'app2' }],
    ['RequestUserCreation', 'UserCreationPending', { what: 'target_result', target: 'app2' }],
    ['CancelUserCreation', 'UserRemovalPending', { what: 'target_result', target: 'app2' }],
    ['CancelUserCreation', 'TargetAuthenticationFailed', { what: 'target', target: 'app2' }],
    ['DeleteUser', 'AbsenceNotConfirmed', { what: 'calls_in_flight' }],
    ['DeleteUser', 'ServiceThrottled', { what: 'aws' }],
    ['PublishRequested', 'EventBridge.FailedEntry', { what: 'aws' }],
    ['EncryptCredentials', 'States.Timeout', { what: 'aws' }],
  ])('returns the condition of %s after %s', (step, error, condition) => {
    expect(waitingIn(waits(step, [20, error]), 'app1', ['app2'])).toMatchObject({
      ...condition,
      step,
      since: at(20),
    });
  });

  it('knows the delays of outage errors only', () => {
    const next = (step: string, error: string) =>
      waitingIn(waits(step, [20, error]), 'app1', ['app2'])?.retry_at;

    expect(next('CancelUserCreation', 'UserRemovalPending')).toBe(at(1_120));
    expect(next('RequestUserCreation', 'UserCreationPending')).toBeUndefined();
    expect(next('RequestUserCreation', 'ServiceThrottled')).toBeUndefined();
    for (const [step, { Retry }] of machineNames.flatMap((name) => tasks(golden(name))))
      for (const { ErrorEquals, IntervalSeconds, BackoffRate, MaxDelaySeconds, JitterStrategy } of Retry)
        if (ErrorEquals.includes('TargetUnavailable')) {
          expect([step, ErrorEquals]).toEqual([step, outageErrors(step)]);
          expect({ IntervalSeconds, BackoffRate, MaxDelaySeconds, JitterStrategy }).toEqual({
            IntervalSeconds: OUTAGE_PAUSES.intervalSeconds,
            BackoffRate: OUTAGE_PAUSES.backoffRate,
            MaxDelaySeconds: OUTAGE_PAUSES.maxDelaySeconds,
            JitterStrategy: undefined,
          });
        }
  });

  it('counts only the attempts of the outage, with a delay of at most five minutes', () => {
    const mixed: [number, string][] = [
      [20, 'ServiceThrottled'],
      ...Array.from({ length: 12 }, (_, n): [number, string] => [1_000 * (n + 1), 'TargetUnavailable']),
    ];

    expect(waitingIn(waits('Authenticate', ...mixed.slice(0, 2)), 'app1', ['app2'])?.retry_at).toBe(
      at(1_100 + 1_000),
    );
    expect(waitingIn(waits('Authenticate', ...mixed), 'app1', ['app2'])?.retry_at).toBe(at(12_100 + 300_000));
  });

  it('has no time of the next attempt while an attempt is running', () => {
    const events = historyOf({
      step: 'Authenticate',
      from: 10,
      attempts: [...failing([20, 'TargetUnavailable']), { from: 1_120 }],
    });

    expect(waitingIn(events, 'app1', ['app2'])).toMatchObject({ what: 'target', since: at(20) });
    expect(waitingIn(events, 'app1', ['app2'])).not.toHaveProperty('retry_at');
  });

  it('follows each iteration of a Map, and returns the longest wait', () => {
    const iteration = (id: number, previous: number, type: HistoryEvent['type'], details = {}) => ({
      id,
      previousEventId: previous,
      type,
      timestamp: new Date(STARTED.getTime() + id * 1_000),
      ...details,
    });
    const entered = (name: string) => ({ stateEnteredEventDetails: { name } });
    const failed = (error: string) => ({ taskFailedEventDetails: { error } });
    const events = [
      iteration(2, 0, 'MapStateEntered', entered('Targets')),
      iteration(3, 2, 'MapStateStarted'),
      iteration(4, 3, 'MapIterationStarted', {
        mapIterationStartedEventDetails: { name: 'Targets', index: 0 },
      }),
      iteration(5, 3, 'MapIterationStarted', {
        mapIterationStartedEventDetails: { name: 'Targets', index: 1 },
      }),
      iteration(6, 4, 'TaskStateEntered', entered('Authenticate')),
      iteration(7, 5, 'TaskStateEntered', entered('EncryptCredentials')),
      iteration(8, 6, 'TaskScheduled'),
      iteration(9, 7, 'TaskScheduled'),
      iteration(10, 9, 'TaskFailed', failed('ServiceThrottled')),
      iteration(11, 8, 'TaskFailed', failed('TargetUnavailable')),
      iteration(12, 10, 'TaskScheduled'),
    ];

    expect(waitingIn(events, 'app1', ['app2', 'payments'])).toMatchObject({
      step: 'Authenticate',
      what: 'target',
      target: 'app2',
      since: at(8_000),
    });
    const succeeded = [
      ...events,
      iteration(13, 11, 'TaskScheduled'),
      iteration(14, 13, 'TaskSucceeded'),
      iteration(15, 14, 'TaskStateExited', { stateExitedEventDetails: { name: 'Authenticate' } }),
      iteration(16, 15, 'TaskStateEntered', entered('RequestUserCreation')),
    ];
    expect(waitingIn(succeeded, 'app1')).toMatchObject({
      step: 'EncryptCredentials',
      what: 'aws',
      since: at(9_000),
    });
  });

  it('returns undefined if no attempt has failed, the step has finished, or its entry is missing', () => {
    const failed = waits('Authenticate', [20, 'TargetUnavailable']);
    const over = historyOf({
      step: 'Authenticate',
      from: 10,
      to: 1_300,
      attempts: [...failing([20, 'TargetUnavailable']), { from: 1_120, to: 1_290 }],
    });

    expect(waitingIn(waits('Authenticate'), 'app1', ['app2'])).toBeUndefined();
    expect(waitingIn(over, 'app1', ['app2'])).toBeUndefined();
    expect(waitingIn(failed.slice(-1), 'app1', ['app2'])).toBeUndefined();
    expect(waitingIn([], 'app1', ['app2'])).toBeUndefined();
  });
});

describe('waitingForOf', () => {
  const waitingFor = (seen: object, now = NOW) =>
    waitingForOf(
      new SFNClient({}),
      { executionArn, status: 'RUNNING', startDate: STARTED, ...seen },
      'app1',
      now,
    );

  beforeEach(() => {
    stepFunctions.reset();
    const events = waits('Authenticate', [20, 'TargetUnavailable']);
    stepFunctions.on(GetExecutionHistoryCommand).resolves({ events: events.toReversed() });
  });

  it('reads one page of the history, the latest events first, without data', async () => {
    await expect(waitingFor({})).resolves.toMatchObject({ what: 'target', step: 'Authenticate' });
    expect(stepFunctions.calls().map(({ args }) => args[0].input)).toEqual([
      { executionArn, includeExecutionData: false, reverseOrder: true, maxResults: 1000 },
    ]);
  });

  it.each([
    ['the start of the Map', ['MapStateStarted'], 2],
    ['the end of a Map', ['MapStateExited'], 2],
    ['no such event', ['TaskScheduled', 'TaskFailed'], 3],
  ] as const)('reads further pages of App1 until one has %s', async (_what, types, pages) => {
    const page = (...events: HistoryEvent['type'][]) => ({
      events: events.map((type) => ({ id: 1, type, timestamp: STARTED })),
      nextToken: 'more',
    });
    stepFunctions
      .on(GetExecutionHistoryCommand)
      .resolvesOnce(page('TaskScheduled'))
      .resolvesOnce(page(...types))
      .resolves({ events: [] });

    await waitingForOf(
      new SFNClient({}),
      { executionArn, status: 'RUNNING', startDate: STARTED },
      'app1',
      NOW,
      ['app2'],
    );

    expect(stepFunctions.calls()).toHaveLength(pages);
  });

  it('reads no history of a young, finished or unknown execution', async () => {
    await expect(waitingFor({}, STARTED.getTime() + 9_999)).resolves.toBeUndefined();
    await expect(waitingFor({ status: 'FAILED' })).resolves.toBeUndefined();
    await expect(waitingForOf(new SFNClient({}), undefined, 'app1', NOW)).resolves.toBeUndefined();
    expect(stepFunctions.calls()).toEqual([]);
  });

  it('returns undefined when the history cannot be read', async () => {
    stepFunctions.on(GetExecutionHistoryCommand).rejects(sdkError('ThrottlingException'));

    await expect(waitingFor({})).resolves.toBeUndefined();
  });
});
