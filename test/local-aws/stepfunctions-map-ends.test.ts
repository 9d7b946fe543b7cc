import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  FilterLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateStateMachineCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  RedriveExecutionCommand,
  SFNClient,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, jest, test } from '@jest/globals';
import { sendFailure, sendSuccess, tokenReceiver, tokensOf, waitForCallback } from './support/callbacks.ts';
import { account, client, region } from './support/clients.ts';
import { eventually } from './support/eventually.ts';
import {
  createMachine,
  type Definition,
  ended,
  history,
  machineMay,
  machineRole,
  outputOf,
  reached,
  start,
} from './support/machines.ts';
import { iterationOf, mapOf, typesOf } from './support/maps.ts';
import { present } from './support/present.ts';
import { nextEvent, queueOf } from './support/queues.ts';
import { only } from './support/recorded.ts';
import { unique } from './support/unique.ts';

jest.setTimeout(30_000);

const sfn = client(SFNClient);

const pass = { Type: 'Pass', End: true };
const caughtAll = { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }], Next: 'Caught' };

const stop = (executionArn: string) =>
  sfn.send(new StopExecutionCommand({ executionArn, error: 'Stopped', cause: 'by a test' }));
const redrive = (executionArn: string) => sfn.send(new RedriveExecutionCommand({ executionArn }));

/** Waits until the history has this number of events of the type. */
const reachedTimes = (executionArn: string, type: HistoryEvent['type'], times: number): Promise<void> =>
  eventually(async () => {
    const found = (await history(executionArn)).filter((event) => event.type === type);
    if (found.length < times) throw new Error(`${executionArn} has ${found.length} ${type}`);
  });

describe('corrected: the end of an execution in a Map', () => {
  /** Its end would let the iterations continue, if they were not stopped. */
  const calling = async (receiver: string): Promise<Definition> =>
    mapOf({ Wait: { Type: 'Wait', Seconds: 2, Next: 'Call' }, Call: waitForCallback(receiver) }, caughtAll, {
      Caught: pass,
    });

  // recorded: stepfunctions test_stop_execution; not recorded: in a Map
  test('by StopExecution is the last event, and the iterations start no further call', async () => {
    const receiver = await tokenReceiver();
    const machine = await createMachine(await calling(receiver));
    const stopped = await start(machine, ['stopped', 'stopped too']);
    await reachedTimes(stopped, 'WaitStateEntered', 2);

    await stop(stopped);
    const control = await start(machine, ['control']); // its wait ends after those of the stopped one would have ended
    const { control: token = '' } = await tokensOf(receiver, 1);
    await sendSuccess(token);

    outputOf(await ended(control));

    expect(await ended(stopped)).toMatchObject({ status: 'ABORTED', error: 'Stopped', cause: 'by a test' });

    const events = await history(stopped);

    expect(events.at(-1)).toMatchObject({
      type: 'ExecutionAborted',
      previousEventId: 0,
      executionAbortedEventDetails: { error: 'Stopped', cause: 'by a test' },
    });
    expect(typesOf(events).filter((type) => type?.endsWith('Aborted'))).toEqual(['ExecutionAborted']);
    expect(Object.keys(await tokensOf(receiver, 1))).toEqual(['control']);
  });

  // recorded: stepfunctions test_global_timeout; not recorded: in a Map
  test('by its TimeoutSeconds is not caught by the Map, and closes the tokens of the iterations', async () => {
    const receiver = await tokenReceiver();
    const map = mapOf({ Wait: waitForCallback(receiver) }, caughtAll, { Caught: pass });
    const execution = await start(await createMachine({ ...map, TimeoutSeconds: 2 }), ['a', 'b']);
    const tokens = await tokensOf(receiver, 2);

    const record = await ended(execution);
    const events = await history(execution);

    expect(record).toMatchObject({ status: 'TIMED_OUT', redriveStatus: 'REDRIVABLE' });
    expect(typesOf(events).slice(-1)).toEqual(['ExecutionTimedOut']);
    expect(typesOf(events).filter((type) => type?.endsWith('Aborted'))).toEqual([]);
    for (const token of Object.values(tokens))
      await expect(sendSuccess(token)).rejects.toMatchObject({ name: 'TaskTimedOut' });
  });

  // step-functions/latest/dg/eventbridge-integration
  test('is published with the error and cause of the failed iteration, or of the stop', async () => {
    const Fail = { Type: 'Fail', Error: 'TargetFailed', Cause: '{"target":"b"}' };
    const Wait = { Type: 'Wait', Seconds: '{% $states.input %}', Next: 'Fail' };
    const machine = await createMachine(mapOf({ Wait, Fail }));
    const queue = await queueOf({
      source: ['aws.states'],
      detail: { stateMachineArn: [machine], status: ['FAILED', 'ABORTED'] },
    });

    const failed = await start(machine, [0, 60]);
    const failure = await nextEvent(queue);
    const stopped = await start(machine, [60, 60]);
    await reached(stopped, 'WaitStateEntered');
    await stop(stopped);

    expect(failure).toMatchObject({
      detail: {
        executionArn: failed,
        status: 'FAILED',
        error: 'TargetFailed',
        cause: '{"target":"b"}',
        redriveStatus: 'REDRIVABLE',
      },
    });
    expect(await nextEvent(queue)).toMatchObject({
      detail: { executionArn: stopped, status: 'ABORTED', error: 'Stopped', cause: 'by a test' },
    });
  });
});

describe('corrected: the history of a Map', () => {
  // step-functions/latest/apireference/API_GetExecutionHistory
  test('is the same in pages and in both directions', async () => {
    const map = mapOf({ One: { Type: 'Pass', Next: 'Two' }, Two: pass });
    const { executionArn = '' } = await ended(await start(await createMachine(map), [1, 2, 3]));
    const pages = async (reverseOrder: boolean) => {
      const events: HistoryEvent[] = [];
      let nextToken: string | undefined;
      do {
        const page = await sfn.send(
          new GetExecutionHistoryCommand({ executionArn, reverseOrder, maxResults: 7, nextToken }),
        );
        events.push(...(page.events ?? []));
        nextToken = page.nextToken;
      } while (nextToken !== undefined);
      return events;
    };

    const events = await pages(false);

    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    expect(typesOf(events).filter((type) => type === 'MapIterationSucceeded')).toHaveLength(3);
    expect((await pages(true)).toReversed()).toEqual(events);
    for (const index of [0, 1, 2])
      expect(typesOf(iterationOf(events, index))).toEqual([
        'MapIterationStarted',
        'PassStateEntered',
        'PassStateExited',
        'PassStateEntered',
        'PassStateExited',
      ]);
  });

  // step-functions/latest/dg/cw-logs (level ALL), apireference/API_MapIterationEventDetails
  test('is logged with the name and index of each iteration', async () => {
    const logs = client(CloudWatchLogsClient);
    const logGroupName = unique('log');
    await logs.send(new CreateLogGroupCommand({ logGroupName }));
    const logGroupArn = `arn:aws:logs:${region}:${account}:log-group:${logGroupName}:*`;
    const Choose = {
      Type: 'Choice',
      Choices: [{ Condition: '{% $states.input = 1 %}', Next: 'Fail' }],
      Default: 'Wait',
    };
    const { stateMachineArn = '' } = await sfn.send(
      new CreateStateMachineCommand({
        name: unique('machine'),
        roleArn: await machineRole(machineMay('logs:*')),
        definition: JSON.stringify({
          QueryLanguage: 'JSONata',
          ...mapOf({
            Choose,
            Fail: { Type: 'Wait', Seconds: 1, Next: 'Failed' },
            Failed: { Type: 'Fail', Error: 'TargetFailed' },
            Wait: { Type: 'Wait', Seconds: 60, End: true },
          }),
        }),
        loggingConfiguration: {
          level: 'ALL',
          destinations: [{ cloudWatchLogsLogGroup: { logGroupArn } }],
        },
      }),
    );

    const execution = await start(stateMachineArn, [1, 2]);
    await ended(execution);

    const events = await history(execution);
    const lines = await eventually(async () => {
      const { events: found = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName }));
      if (found.length < events.length) throw new Error(`${found.length} of ${events.length} lines`);
      return found.map(({ message }) => JSON.parse(present(message)));
    });

    const shape = ({ id, previousEventId, type }: HistoryEvent) => [
      String(id),
      String(previousEventId),
      type,
    ];
    const detailsOf = (type: string) => lines.flatMap((line) => (line.type === type ? line.details : []));

    expect(lines.map(({ id, previous_event_id, type }) => [id, previous_event_id, type])).toEqual(
      events.map(shape),
    );
    expect(detailsOf('MapStateStarted')).toEqual([{ length: 2 }]);
    expect(detailsOf('MapIterationStarted')).toEqual([
      { name: 'Map', index: 0 },
      { name: 'Map', index: 1 },
    ]);
    expect(detailsOf('MapIterationFailed')).toEqual([{ name: 'Map', index: 0 }]);
    expect(detailsOf('MapIterationAborted')).toEqual([{ name: 'Map', index: 1 }]);
    expect(detailsOf('WaitStateAborted')).toEqual([{}]);
  });
});

// step-functions/latest/dg/redrive-executions (Inline Map: redrives only the iterations that failed or aborted)
describe('corrected: the redrive of an execution in a Map', () => {
  /** The variable and the state before the callback show what is run again. */
  const steps = (receiver: string) => ({
    Before: { Type: 'Pass', Assign: { kept: '{% $states.input %}' }, Next: 'Wait' },
    Wait: waitForCallback(receiver, { Next: 'After', End: undefined }),
    After: { Type: 'Pass', Output: '{% [$kept, $states.input] %}', End: true },
  });
  const statesOf = (events: HistoryEvent[]) =>
    events.flatMap(({ stateEnteredEventDetails: entered }) => entered?.name ?? []);
  const sinceRedrive = (events: HistoryEvent[]) => events.slice(only(events, 'ExecutionRedriven').id);

  test('continues the iterations that failed or were aborted, and none that has succeeded', async () => {
    const receiver = await tokenReceiver();
    const execution = await start(await createMachine(mapOf(steps(receiver))), ['a', 'b', 'c']);
    const tokens = await tokensOf(receiver, 3);
    await sendSuccess(present(tokens['a']), 'first');
    await reached(execution, 'MapIterationSucceeded');
    await sendFailure(present(tokens['b']), 'TargetFailed', '');

    expect(await ended(execution)).toMatchObject({ status: 'FAILED', error: 'TargetFailed' });

    await redrive(execution);
    const again = await tokensOf(receiver, 5);
    await sendSuccess(present(again['c']), 'second');
    await sendSuccess(present(again['b']), 'second');

    expect(outputOf(await ended(execution))).toEqual([
      ['a', 'first'],
      ['b', 'second'],
      ['c', 'second'],
    ]);

    const events = sinceRedrive(await history(execution));

    expect(statesOf(events).toSorted()).toEqual(['After', 'After', 'Map', 'Wait', 'Wait']);
    expect(events.flatMap(({ mapIterationStartedEventDetails: started }) => started?.index ?? [])).toEqual([
      1, 2,
    ]);
    expect(only(events, 'MapStateStarted').mapStateStartedEventDetails).toEqual({ length: 3 });
    for (const token of Object.values(tokens))
      await expect(sendSuccess(token)).rejects.toMatchObject({ name: 'TaskTimedOut' });
  });

  test('continues every unfinished iteration of a stopped execution, also one that had not started', async () => {
    const receiver = await tokenReceiver();
    const map = mapOf(steps(receiver), { MaxConcurrency: 1, Items: '{% $states.input %}' });
    const execution = await start(await createMachine(map), ['a', 'b', 'c']);
    await sendSuccess(present((await tokensOf(receiver, 1))['a']), 'first');
    await tokensOf(receiver, 2);
    await stop(execution);

    await redrive(execution);
    await sendSuccess(present((await tokensOf(receiver, 3))['b']), 'second');
    await sendSuccess(present((await tokensOf(receiver, 4))['c']), 'second');

    expect(outputOf(await ended(execution))).toEqual([
      ['a', 'first'],
      ['b', 'second'],
      ['c', 'second'],
    ]);
    expect(statesOf(sinceRedrive(await history(execution)))).toEqual([
      'Map',
      'Wait',
      'After',
      'Before',
      'Wait',
      'After',
    ]);
  });

  test('fails again at the Fail state of the iteration', async () => {
    const map = mapOf({
      Before: { Type: 'Pass', Next: 'Fail' },
      Fail: { Type: 'Fail', Error: 'TargetFailed' },
    });
    const execution = await start(await createMachine(map), [1]);
    await ended(execution);

    await redrive(execution);

    expect(await ended(execution)).toMatchObject({
      status: 'FAILED',
      error: 'TargetFailed',
      redriveCount: 1,
    });
    expect(statesOf(sinceRedrive(await history(execution)))).toEqual(['Map', 'Fail']);
  });

  // step-functions/latest/dg/redrive-executions (States.DataLimitExceeded)
  test('runs all iterations again if the result of the Map exceeded the limit', async () => {
    const double = { Type: 'Pass', Output: '{% $states.input & $states.input %}', End: true };
    const large = 'x'.repeat(100 * 1024);
    const execution = await start(await createMachine(mapOf({ Double: double })), [large, large]);

    expect(await ended(execution)).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });

    await redrive(execution);

    expect(await ended(execution)).toMatchObject({ error: 'States.DataLimitExceeded', redriveCount: 1 });
    expect(statesOf(sinceRedrive(await history(execution)))).toEqual(['Map', 'Double', 'Double']);
  });

  // step-functions/latest/dg/redrive-executions (retry behavior)
  test('resets the retries of the Map, of which each runs all iterations', async () => {
    const receiver = await tokenReceiver();
    const Retry = [{ ErrorEquals: ['TargetFailed'], IntervalSeconds: 1, MaxAttempts: 1 }];
    const execution = await start(await createMachine(mapOf(steps(receiver), { Retry })), ['a', 'b']);
    /** The callbacks of the attempt that follows; `count` is the number of all tokens with it. */
    const attempt = async (count: number, a: string | undefined, b?: string) => {
      const tokens = await tokensOf(receiver, count);
      if (a !== undefined) {
        await sendSuccess(present(tokens['a']), a);
        await reachedTimes(execution, 'MapIterationSucceeded', Math.floor(count / 2));
      }
      if (b === undefined) await sendFailure(present(tokens['b']), 'TargetFailed', '');
      else await sendSuccess(present(tokens['b']), b);
    };

    await attempt(2, 'first');
    await attempt(4, 'second');

    expect(await ended(execution)).toMatchObject({ status: 'FAILED' });

    await redrive(execution);
    await attempt(5, undefined);
    await attempt(7, 'third', 'third');

    expect(outputOf(await ended(execution))).toEqual([
      ['a', 'third'],
      ['b', 'third'],
    ]);
  });
});
