import { describe, expect, it } from '@jest/globals';
import { graphOf } from '../../trace/definition.ts';
import { tracedSteps } from '../../trace/history.ts';
import { history } from '../support/history.ts';
import { machines } from './support/machines.ts';

const graph = graphOf(machines.CreateServiceUser, false);
const begun = () => history(new Date('2026-01-02T09:00:00Z')).begin({ username: 'anna' });

describe('the steps that the page shows', () => {
  it('have input, output and variables as JSON, and times', () => {
    const { events } = begun()
      .after(10)
      .task('CreateUser', 200, { sub: 'a1' }, { user_sub: 'a1', creation_in_flight: false });

    expect(tracedSteps(events(), graph)).toEqual([
      {
        id: '2',
        name: 'CreateUser',
        type: 'Task',
        undo: false,
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

  it('explain what an attempt failed with', () => {
    const { events } = begun().enter('SetPassword').failed(100, 'ServiceThrottled', 'Too many requests');

    expect(tracedSteps(events(), graph)[0]?.attempts).toEqual([
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

  it('are marked when they compensate', () => {
    const { events } = begun()
      .enter('AddToGroup')
      .failed(100, 'UserNotFound')
      .exit('AddToGroup')
      .task('DeleteUser', 100)
      .fail('UserCreationRolledBack', { step: 'AddToGroup', error: 'UserNotFound' });

    expect(tracedSteps(events(), graph).map(({ name, undo }) => [name, undo])).toEqual([
      ['AddToGroup', false],
      ['DeleteUser', true],
      ['UserCreationRolledBack', true],
    ]);
  });

  it('include a state that the definition does not have any more', () => {
    const { events } = begun().enter('Renamed');

    expect(tracedSteps(events(), graph)[0]).toMatchObject({ name: 'Renamed', type: 'Task', undo: false });
  });
});
