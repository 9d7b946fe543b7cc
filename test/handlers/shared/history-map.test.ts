import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { describe, expect, it } from '@jest/globals';
import { stepsOf } from '../../../handlers/shared/history.ts';

type Row = [id: number, previous: number, type: HistoryEvent['type'], details?: string | number];

const SECONDS = 1_000;
const at = (id: number) => new Date(Date.UTC(2026, 0, 2) + id * SECONDS);

/** Events with these ids and predecessors, one per second. The detail is a state, an index or an error. */
const historyOf = (rows: Row[]): HistoryEvent[] =>
  rows.map(([id, previousEventId, type, detail]) => ({
    id,
    previousEventId,
    type,
    timestamp: at(id),
    ...detailsOf(type ?? '', detail),
  }));

function detailsOf(type: string, detail: string | number | undefined): Partial<HistoryEvent> {
  const name = String(detail);
  const field = `${type[0]?.toLowerCase()}${type.slice(1)}EventDetails`;
  if (type.endsWith('StateEntered')) return { stateEnteredEventDetails: { name } };
  if (type.endsWith('StateExited')) return { stateExitedEventDetails: { name } };
  if (type === 'EvaluationFailed')
    return { evaluationFailedEventDetails: { error: 'States.QueryEvaluationError', state: name } };
  if (type.startsWith('MapIteration')) {
    const map = typeof detail === 'number' ? 'Map' : 'Inner';
    return { [field]: { name: map, index: Number(name.replace('inner ', '')) } };
  }
  return /Failed$|TimedOut$/.test(type) && detail !== undefined ? { [field]: { error: name } } : {};
}

/** Each step as a line: id, name, iterations, status, attempts. */
const linesOf = (rows: Row[]): string[] =>
  stepsOf(historyOf(rows)).map(({ id, name, iterations = [], status, attempts }) =>
    [
      id,
      [...iterations.map(({ map, index }) => `${map}[${index}]`), name].join('/'),
      status,
      ...attempts.map((attempt) => `(${attempt.status})`),
    ].join(' '),
  );

const started: Row[] = [
  [1, 0, 'ExecutionStarted'],
  [2, 0, 'MapStateEntered', 'Map'],
  [3, 2, 'MapStateStarted'],
];

/** Two iterations whose events alternate; the first one has a failed attempt, and the second one is between two states. */
const alternating: Row[] = [
  ...started,
  [4, 3, 'MapIterationStarted', 0],
  [5, 3, 'MapIterationStarted', 1],
  [6, 4, 'TaskStateEntered', 'Authenticate'],
  [7, 5, 'TaskStateEntered', 'Authenticate'],
  [8, 7, 'TaskScheduled'],
  [9, 6, 'TaskScheduled'],
  [10, 8, 'TaskStarted'],
  [11, 9, 'TaskStarted'],
  [12, 11, 'TaskFailed', 'TargetUnavailable'],
  [13, 10, 'TaskSucceeded'],
  [14, 12, 'TaskScheduled'],
  [15, 13, 'TaskStateExited', 'Authenticate'],
  [16, 15, 'TaskStateEntered', 'EncryptCredentials'],
];

describe('the steps of a history with a Map', () => {
  it('have the iteration of their predecessors, also when the events of iterations alternate', () => {
    expect(linesOf(alternating)).toEqual([
      '2 Map running',
      '6 Map[0]/Authenticate running (failed) (running)',
      '7 Map[1]/Authenticate succeeded (succeeded)',
      '16 Map[1]/EncryptCredentials running',
    ]);
    expect(stepsOf(historyOf(alternating))[2]).toMatchObject({
      enteredAt: at(7),
      exitedAt: at(15),
      attempts: [{ startedAt: at(8), endedAt: at(13) }],
      iterations: [{ map: 'Map', index: 1 }],
    });
  });

  // recorded on AWS: each iteration follows the last event of the one before it
  it('have the iteration of their predecessors when one iteration follows the other', () => {
    const lines = linesOf([
      ...started,
      [4, 3, 'MapIterationStarted', 0],
      [5, 4, 'PassStateEntered', 'One'],
      [6, 5, 'PassStateExited', 'One'],
      [7, 6, 'MapIterationSucceeded', 0],
      [8, 6, 'MapIterationStarted', 1],
      [9, 8, 'PassStateEntered', 'One'],
      [10, 9, 'PassStateExited', 'One'],
      [11, 10, 'MapIterationSucceeded', 1],
      [12, 11, 'MapStateSucceeded'],
      [13, 11, 'MapStateExited', 'Map'],
      [14, 13, 'PassStateEntered', 'After'],
      [15, 14, 'PassStateExited', 'After'],
      [16, 15, 'ExecutionSucceeded'],
    ]);

    expect(lines).toEqual([
      '2 Map succeeded',
      '5 Map[0]/One succeeded',
      '9 Map[1]/One succeeded',
      '14 After succeeded',
    ]);
  });

  // recorded on AWS
  it('have the iterations of both Maps in a Map in a Map', () => {
    const lines = linesOf([
      ...started,
      [4, 3, 'MapIterationStarted', 0],
      [5, 4, 'MapStateEntered', 'Inner'],
      [6, 5, 'MapStateStarted'],
      [7, 6, 'MapIterationStarted', 'inner 0'],
      [8, 7, 'PassStateEntered', 'One'],
      [9, 8, 'PassStateExited', 'One'],
      [10, 9, 'MapIterationSucceeded', 'inner 0'],
      [11, 9, 'MapIterationStarted', 'inner 1'],
      [12, 11, 'FailStateEntered', 'Fail'],
      [13, 12, 'MapIterationFailed', 'inner 1'],
      [14, 12, 'MapStateFailed'],
      [15, 14, 'MapIterationFailed', 0],
      [16, 14, 'MapStateFailed'],
      [17, 16, 'MapStateExited', 'Map'],
    ]);

    expect(lines).toEqual([
      '2 Map caught',
      '5 Map[0]/Inner failed',
      '8 Map[0]/Inner[0]/One succeeded',
      '12 Map[0]/Inner[1]/Fail failed',
    ]);
  });

  // recorded on AWS: the events of the aborted iterations have the predecessor of MapIterationFailed
  it('are stopped when another iteration fails', () => {
    const rows: Row[] = [
      ...alternating,
      [17, 16, 'TaskScheduled'],
      [18, 17, 'TaskFailed', 'TargetFailed'],
      [19, 18, 'MapIterationFailed', 1],
      [20, 18, 'TaskStateAborted'],
      [21, 18, 'MapIterationAborted', 0],
      [22, 18, 'TaskStateAborted'],
      [23, 18, 'MapStateFailed'],
    ];

    expect(linesOf([...rows, [24, 23, 'ExecutionFailed']])).toEqual([
      '2 Map failed',
      '6 Map[0]/Authenticate stopped (failed) (stopped)',
      '7 Map[1]/Authenticate succeeded (succeeded)',
      '16 Map[1]/EncryptCredentials failed (failed)',
    ]);
    expect(stepsOf(historyOf(rows))[1]).toMatchObject({
      exitedAt: at(21),
      attempts: [{}, { status: 'stopped', endedAt: at(21) }],
    });
    const caught = linesOf([
      ...rows,
      [24, 23, 'MapStateExited', 'Map'],
      [25, 24, 'TaskStateEntered', 'Compensate'],
    ]);
    expect(caught.filter((line) => !line.includes('/'))).toEqual(['2 Map caught', '25 Compensate running']);
  });

  it.each(['ExecutionAborted', 'ExecutionTimedOut'] as const)(
    'are stopped in all iterations with the execution: %s',
    (type) => {
      expect(linesOf([...alternating, [17, 0, type]])).toEqual([
        '2 Map stopped',
        '6 Map[0]/Authenticate stopped (failed) (stopped)',
        '7 Map[1]/Authenticate succeeded (succeeded)',
        '16 Map[1]/EncryptCredentials stopped',
      ]);
    },
  );

  // recorded on AWS: the predecessor of the retried Map's start is the last event of the failed iteration
  it('follow a retry of the Map', () => {
    const lines = linesOf([
      ...started,
      [4, 3, 'MapIterationStarted', 0],
      [5, 4, 'FailStateEntered', 'Fail'],
      [6, 5, 'MapIterationFailed', 0],
      [7, 5, 'MapStateStarted'],
      [8, 7, 'MapIterationStarted', 0],
      [9, 8, 'PassStateEntered', 'One'],
      [10, 9, 'PassStateExited', 'One'],
      [11, 10, 'MapIterationSucceeded', 0],
      [12, 11, 'MapStateSucceeded'],
      [13, 11, 'MapStateExited', 'Map'],
    ]);

    expect(lines).toEqual(['2 Map succeeded', '5 Map[0]/Fail failed', '9 Map[0]/One succeeded']);
  });

  // recorded on AWS: the predecessor of EvaluationFailed is that of the StateEntered event
  it('have the failed expressions of their own iteration', () => {
    const lines = linesOf([
      ...started,
      [4, 3, 'MapIterationStarted', 0],
      [5, 3, 'MapIterationStarted', 1],
      [6, 4, 'PassStateEntered', 'One'],
      [7, 5, 'PassStateEntered', 'One'],
      [8, 4, 'EvaluationFailed', 'One'],
      [9, 8, 'MapIterationFailed', 0],
      [10, 8, 'MapIterationAborted', 1],
      [11, 8, 'MapStateFailed'],
      [12, 11, 'ExecutionFailed', 'States.QueryEvaluationError'],
    ]);

    expect(lines).toEqual(['2 Map failed', '6 Map[0]/One failed (failed)', '7 Map[1]/One stopped']);
  });

  const failedOnce: Row[] = [
    ...started,
    [4, 3, 'MapIterationStarted', 0],
    [5, 3, 'MapIterationStarted', 1],
    [6, 4, 'TaskStateEntered', 'One'],
    [7, 6, 'TaskScheduled'],
    [8, 7, 'TaskFailed', 'Refused'],
    [9, 5, 'TaskStateEntered', 'One'],
    [10, 9, 'TaskScheduled'],
    [11, 10, 'TaskSucceeded'],
    [12, 11, 'TaskStateExited', 'One'],
    [13, 12, 'MapIterationSucceeded', 1],
    [14, 8, 'MapIterationFailed', 0],
    [15, 8, 'MapStateFailed'],
    [16, 15, 'ExecutionFailed', 'Refused'],
    [17, 16, 'ExecutionRedriven'],
  ];

  // not recorded: AWS's documentation does not state which events a redrive of a Map writes
  it.each<[string, Row[], string[]]>([
    [
      'enters the Map and the state again',
      [
        [18, 17, 'MapStateEntered', 'Map'],
        [19, 18, 'MapStateStarted'],
        [20, 19, 'MapIterationStarted', 0],
        [21, 20, 'TaskStateEntered', 'One'],
        [22, 21, 'TaskScheduled'],
      ],
      [
        '2 Map failed',
        '6 Map[0]/One failed (failed)',
        '9 Map[1]/One succeeded (succeeded)',
        '18 Map running',
        '21 Map[0]/One running (running)',
      ],
    ],
    [
      'starts the iteration again',
      [
        [18, 17, 'MapIterationStarted', 0],
        [19, 18, 'TaskStateEntered', 'One'],
      ],
      [
        '2 Map running',
        '6 Map[0]/One failed (failed)',
        '9 Map[1]/One succeeded (succeeded)',
        '19 Map[0]/One running',
      ],
    ],
    [
      'enters the state of the iteration again',
      [[18, 17, 'TaskStateEntered', 'One']],
      [
        '2 Map failed',
        '6 Map[0]/One failed (failed)',
        '9 Map[1]/One succeeded (succeeded)',
        '18 Map[0]/One running',
      ],
    ],
    [
      'schedules the task again after the redrive',
      [[18, 17, 'TaskScheduled']],
      ['2 Map failed', '6 Map[0]/One running (failed) (running)', '9 Map[1]/One succeeded (succeeded)'],
    ],
    [
      'schedules the task again after its failure',
      [[18, 8, 'TaskScheduled']],
      ['2 Map failed', '6 Map[0]/One running (failed) (running)', '9 Map[1]/One succeeded (succeeded)'],
    ],
  ])('continue the failed iteration after a redrive that %s', (_, rows, expected) => {
    expect(linesOf([...failedOnce, ...rows])).toEqual(expected);
  });

  it('are separate without their iteration if the events start in the middle of the Map', () => {
    expect(linesOf(alternating.slice(5))).toEqual([
      '6 Authenticate running (failed) (running)',
      '7 Authenticate succeeded (succeeded)',
      '16 EncryptCredentials running',
    ]);
  });
});
