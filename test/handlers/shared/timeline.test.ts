import { DescribeExecutionCommand, GetExecutionHistoryCommand, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { provisioningInput } from '../../../contracts/executions.ts';
import type { ServiceKind } from '../../../contracts/services.ts';
import { timelineStep } from '../../../contracts/status.ts';
import { attemptIn } from '../../../handlers/shared/roll-back-names.ts';
import { merge, timelineAt, timelineSteps } from '../../../handlers/shared/timeline.ts';
import { execution, notFound, STARTED } from '../../support/executions.ts';
import { history, historyOf } from '../../support/history.ts';
import { expectNoLeak } from '../../support/leaks.ts';
import { PROVISIONING_ID, ROLL_BACK, subject } from '../../support/subject.ts';

const of = { service: 'app2', workflow: 'CreateServiceUser', execution: PROVISIONING_ID } as const;
const time = (milliseconds: number) => new Date(Date.UTC(2026) + milliseconds).toISOString();

describe('timelineSteps', () => {
  it('contains start and duration of each step, and the error of each attempt', () => {
    const events = historyOf(
      {
        step: 'CreateUser',
        from: 10,
        to: 2_500,
        attempts: [
          { from: 11, to: 200, error: 'ServiceThrottled' },
          { from: 1_200, to: 1_300, error: 'Lambda.TooManyRequestsException' },
          { from: 2_300, to: 2_400 },
        ],
      },
      { step: 'ChoosePublishedOutcome', from: 2_500, to: 2_500 },
    );

    const steps = timelineSteps(events, of);

    expect(steps).toEqual([
      {
        ...of,
        step: 'CreateUser',
        started_at: time(10),
        duration_ms: 2_490,
        attempts: [
          {
            started_at: time(11),
            duration_ms: 189,
            error: { name: 'ServiceThrottled', code: 'SERVICE_THROTTLED' },
          },
          {
            started_at: time(1_200),
            duration_ms: 100,
            error: { name: 'Lambda.TooManyRequestsException', code: 'SERVICE_THROTTLED' },
          },
          { started_at: time(2_300), duration_ms: 100 },
        ],
      },
      { ...of, step: 'ChoosePublishedOutcome', started_at: time(2_500), duration_ms: 0, attempts: [] },
    ]);
    for (const step of steps) expect(timelineStep.parse(step)).toEqual(step);
    expectNoLeak('canary cause', steps);
  });

  it('contains a timeout', () => {
    const [step] = timelineSteps(
      historyOf({
        step: 'SetPassword',
        from: 0,
        attempts: [{ from: 0, to: 18_000, error: 'States.Timeout' }],
      }),
      of,
    );

    expect(step?.attempts[0]?.error).toEqual({ name: 'States.Timeout', code: 'SERVICE_UNAVAILABLE' });
  });

  it('contains a failed expression', () => {
    const events = history(STARTED)
      .begin({})
      .at(5)
      .enter('PublishUserCreated')
      .evaluationFailed('canary cause')
      .events();

    const [step] = timelineSteps(events, of);

    expect(step?.attempts).toEqual([
      {
        started_at: time(5),
        duration_ms: 0,
        error: { name: 'States.QueryEvaluationError', code: 'INTERNAL_ERROR' },
      },
    ]);
  });

  it('has no duration for a running or interrupted step', () => {
    const steps = timelineSteps(historyOf({ step: 'SetPassword', from: 5, attempts: [{ from: 6 }] }), of);

    expect(steps).toEqual([
      { ...of, step: 'SetPassword', started_at: time(5), attempts: [{ started_at: time(6) }] },
    ]);
  });

  it('replaces a text that is not the name of an error', () => {
    const [step] = timelineSteps(
      historyOf({
        step: 'SetPassword',
        from: 0,
        attempts: [{ from: 0, to: 1, error: 'canary: not a name' }],
      }),
      of,
    );

    expect(step?.attempts[0]?.error).toEqual({ name: 'StepFailed', code: 'INTERNAL_ERROR' });
  });
});

describe('timelineAt', () => {
  const stepFunctions = mockClient(SFNClient);
  const workflows = {
    stepFunctions: new SFNClient({}),
    machines: {
      STATE_MACHINE_ARN: 'a:stateMachine:Make',
      ROLL_BACK_STATE_MACHINE_ARN: 'a:stateMachine:RollBack',
    },
    inputSchema: provisioningInput,
    cleanOutcomes: [],
  };
  const read = () => timelineAt('app1', workflows, subject);
  const histories = () =>
    stepFunctions.commandCalls(GetExecutionHistoryCommand).map(({ args }) => args[0].input);

  /** A number of failed roll-backs. */
  function rollBacks(count: number) {
    stepFunctions
      .on(DescribeExecutionCommand)
      .callsFake(async ({ executionArn }: { executionArn: string }) => {
        const name = executionArn.split(':').at(-1) ?? '';
        if (attemptIn(name) > count) throw notFound();
        const failure = { step: 'Execution', error: 'Cancelled' };
        const input = { ...subject, owner: 'o', had_succeeded: false, failure };
        return { name, ...execution(input, { status: 'FAILED' }) };
      });
  }

  beforeEach(() => {
    stepFunctions.reset();
    rollBacks(0);
    stepFunctions.on(GetExecutionHistoryCommand).resolves({ events: [] });
  });

  it('reads the history without data, page by page', async () => {
    const first = historyOf({ step: 'One', from: 0, to: 1 });
    stepFunctions.on(GetExecutionHistoryCommand).resolvesOnce({ events: first, nextToken: 'more' });
    stepFunctions
      .on(GetExecutionHistoryCommand, { nextToken: 'more' })
      .resolves({ events: historyOf({ step: 'Two', from: 1, to: 2 }) });

    const { timeline, ...rest } = await read();

    expect(timeline.map(({ step, workflow }) => [workflow, step])).toEqual([
      ['Make', 'One'],
      ['Make', 'Two'],
    ]);
    expect(rest).toEqual({});
    expect(histories()).toEqual([
      {
        executionArn: `a:execution:Make:${PROVISIONING_ID}`,
        includeExecutionData: false,
        maxResults: 1000,
      },
      expect.objectContaining({ includeExecutionData: false, nextToken: 'more' }),
    ]);
  });

  it('contains the steps of the roll-backs in the order of their start times', async () => {
    rollBacks(2);
    const from: Record<string, number> = { Make: 0, RollBack: 100 };
    stepFunctions
      .on(GetExecutionHistoryCommand)
      .callsFake(async ({ executionArn }: { executionArn: string }) => {
        const [, , machine = '', name = ''] = executionArn.split(':');
        const startedAt = (from[machine] ?? 0) + attemptIn(name);
        return { events: historyOf({ step: `${machine}It`, from: startedAt, to: startedAt }) };
      });

    const { timeline } = await read();

    expect(timeline.map(({ step, execution: name }) => [step, name])).toEqual([
      ['MakeIt', PROVISIONING_ID],
      ['RollBackIt', `${ROLL_BACK}.1`],
      ['RollBackIt', `${ROLL_BACK}.2`],
    ]);
  });

  it('contains the latest roll-backs only, and is marked as incomplete', async () => {
    rollBacks(9);

    const { timeline_incomplete } = await read();

    const names = histories().map(({ executionArn }) => executionArn?.split(':').at(-1));
    expect(names).toEqual([PROVISIONING_ID, ...[9, 8, 7, 6].map((attempt) => `${ROLL_BACK}.${attempt}`)]);
    expect(timeline_incomplete).toEqual(['app1']);
  });
});

it('merge combines the steps and the incomplete services of both timelines', () => {
  const one = (service: ServiceKind, from: number) =>
    timelineSteps(historyOf({ step: `${service}-${from}`, from }), { ...of, service });

  const merged = merge(
    { timeline: [...one('app1', 0), ...one('app1', 30)] },
    { timeline: one('app2', 10), timeline_incomplete: ['app2'] },
  );

  expect(merged.timeline.map(({ step }) => step)).toEqual(['app1-0', 'app2-10', 'app1-30']);
  expect(merged.timeline_incomplete).toEqual(['app2']);
  expect(merge({ timeline: [] })).toEqual({ timeline: [] });
});
