import type { HistoryEvent, HistoryEventType } from '@aws-sdk/client-sfn';
import { describe, expect, it } from '@jest/globals';
import { executedIn } from '../../bench/count/executions.ts';

const event = (type: HistoryEventType, more: Partial<HistoryEvent> = {}): HistoryEvent => ({
  id: 1,
  timestamp: new Date(0),
  type,
  ...more,
});
const entered = (type: HistoryEventType) => event(type, { stateEnteredEventDetails: { name: 'State' } });
const scheduled = (resourceType: string) =>
  event('TaskScheduled', {
    taskScheduledEventDetails: { resourceType, resource: 'invoke', region: 'r', parameters: '{}' },
  });

describe('what a history tells', () => {
  it('counts the start, each state, and each retry as a transition', () => {
    const { transitions } = executedIn([
      event('ExecutionStarted'),
      entered('TaskStateEntered'),
      scheduled('lambda'),
      event('TaskFailed'),
      scheduled('lambda'),
      event('TaskSucceeded'),
      entered('ChoiceStateEntered'),
      entered('SucceedStateEntered'),
      event('ExecutionSucceeded'),
    ]);
    expect(transitions).toBe(1 + 3 + 1);
  });

  it('counts attempts of functions as invocations, and events that are published not', () => {
    const { invocations } = executedIn([
      entered('TaskStateEntered'),
      scheduled('lambda'),
      scheduled('lambda'),
      entered('TaskStateEntered'),
      scheduled('events'),
    ]);
    expect(invocations).toBe(2);
  });
});
