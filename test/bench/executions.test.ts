import type { HistoryEvent, HistoryEventType } from '@aws-sdk/client-sfn';
import {
  ExecutionDoesNotExist,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { countExecutions, countHistory } from '../../bench/count/executions.ts';
import { history } from '../support/history.ts';

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

describe('the counts of a history', () => {
  it('contain the start, each state and each retry as transitions', () => {
    const { transitions } = countHistory([
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

  it('contain a Map as one transition, and each state of each iteration as one', () => {
    const builder = history(new Date(0)).begin({}).map('ProvisionTargets', 2);
    for (const index of [0, 1])
      builder.iteration(index).task('Authenticate', 5).task('RequestUserCreation', 5);
    builder.exitMap().succeed('Provisioned');

    const { transitions, invocations } = countHistory(builder.events());

    expect({ transitions, invocations }).toEqual({ transitions: 1 + 1 + 2 * 2 + 1, invocations: 4 });
  });

  it('contain attempts of functions as invocations, and no published events', () => {
    const { invocations } = countHistory([
      entered('TaskStateEntered'),
      scheduled('lambda'),
      scheduled('lambda'),
      entered('TaskStateEntered'),
      scheduled('events'),
    ]);

    expect(invocations).toBe(2);
  });
});

describe('the executions of a provisioning', () => {
  const arn = (machine: string, name: string) =>
    `arn:aws:states:eu-central-1:111122223333:execution:${machine}:${name}`;
  const machines = (service: string) => ({
    state_machine_arn: `arn:aws:states:eu-central-1:111122223333:stateMachine:${service}`,
    roll_back_state_machine_arn: `arn:aws:states:eu-central-1:111122223333:stateMachine:RollBack${service}`,
  });
  const [app1, app2] = [machines('App1'), machines('App2')];
  const id = 'c3b1';
  const rollBack = `${id}.9f2e.1`;

  it('include its roll-backs, and no roll-back of another provisioning', async () => {
    const stepFunctions = mockClient(SFNClient);
    stepFunctions
      .on(GetExecutionHistoryCommand)
      .rejects(new ExecutionDoesNotExist({ message: 'Execution does not exist', $metadata: {} }));
    for (const executionArn of [arn('App1', id), arn('RollBackApp1', rollBack)])
      stepFunctions
        .on(GetExecutionHistoryCommand, { executionArn })
        .resolves({ events: [event('ExecutionStarted'), entered('SucceedStateEntered')] });
    stepFunctions.on(ListExecutionsCommand).resolves({ executions: [] });
    stepFunctions.on(ListExecutionsCommand, { stateMachineArn: app1.roll_back_state_machine_arn }).resolves({
      executions: [rollBack, 'd4c2.9f2e.1'].map((name) => ({
        name,
        executionArn: arn('RollBackApp1', name),
        stateMachineArn: app1.roll_back_state_machine_arn,
        status: 'SUCCEEDED',
        startDate: new Date(0),
      })),
    });

    const { transitions } = await countExecutions(new SFNClient(), [app1, app2], id);

    expect(transitions).toBe(4);
  });
});
