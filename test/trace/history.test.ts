import { describe, expect, it } from '@jest/globals';
import { parseGraph } from '../../trace/definition.ts';
import { toSteps } from '../../trace/history.ts';
import { history } from '../support/history.ts';
import { machines } from './support/machines.ts';

const graph = parseGraph(machines.CreateServiceUser, false);
const started = () => history(new Date('2026-01-02T09:00:00Z')).begin({ username: 'anna' });

describe('toSteps', () => {
  it('returns input, output and variables as JSON, and times', () => {
    const { events } = started()
      .after(10)
      .task('CreateUser', 200, { sub: 'a1' }, { user_sub: 'a1', creation_in_flight: false });

    expect(toSteps(events(), graph)).toEqual([
      {
        id: '2',
        name: 'CreateUser',
        type: 'Task',
        compensation: false,
        status: 'succeeded',
        entered_at: '2026-01-02T09:00:00.010Z',
        exited_at: '2026-01-02T09:00:00.210Z',
        attempts: [
          {
            started_at: '2026-01-02T09:00:00.010Z',
            ended_at: '2026-01-02T09:00:00.210Z',
            status: 'succeeded',
          },
        ],
        input: {},
        output: { sub: 'a1' },
        assigned: { user_sub: 'a1', creation_in_flight: false },
      },
    ]);
  });

  it('explains the failure of an attempt', () => {
    const { events } = started().enter('SetPassword').failed(100, 'ServiceThrottled', 'Too many requests');

    expect(toSteps(events(), graph)[0]?.attempts).toEqual([
      {
        started_at: '2026-01-02T09:00:00.000Z',
        ended_at: '2026-01-02T09:00:00.100Z',
        status: 'failed',
        error: 'ServiceThrottled',
        cause: { errorType: 'ServiceThrottled', errorMessage: 'Too many requests' },
        failure: expect.objectContaining({ code: 'SERVICE_THROTTLED', remedy: 'Send a new request later.' }),
      },
    ]);
  });

  it('marks compensating steps', () => {
    const { events } = started()
      .enter('AddToGroup')
      .failed(100, 'UserNotFound')
      .exit('AddToGroup')
      .task('DeleteUser', 100)
      .fail('UserCreationRolledBack', { step: 'AddToGroup', error: 'UserNotFound' });

    expect(toSteps(events(), graph).map(({ name, compensation }) => [name, compensation])).toEqual([
      ['AddToGroup', false],
      ['DeleteUser', true],
      ['UserCreationRolledBack', true],
    ]);
  });

  it('includes a state that is no longer in the definition', () => {
    const { events } = started().enter('Renamed');

    expect(toSteps(events(), graph)[0]).toMatchObject({ name: 'Renamed', type: 'Task', compensation: false });
  });
});
