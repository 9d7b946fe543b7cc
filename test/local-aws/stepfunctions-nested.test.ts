import { describe, expect, jest, test } from '@jest/globals';
import { account, region } from './support/clients.ts';
import {
  createMachine,
  type Definition,
  history,
  machineMay,
  machineRole,
  outputOf,
  run,
} from './support/machines.ts';
import { present } from './support/present.ts';
import { only } from './support/recorded.ts';

jest.setTimeout(20_000);

/** Runs the state machine with `.sync` or `.sync:2`. */
const running = (StateMachineArn: string, pattern: string): Definition => ({
  StartAt: 'Run',
  States: {
    Run: {
      Type: 'Task',
      Resource: `arn:aws:states:::states:startExecution${pattern}`,
      Arguments: { StateMachineArn, Input: { a: 1 } },
      End: true,
    },
  },
});

const pass = { Type: 'Pass', Output: { b: 2 }, End: true };

describe('corrected: a task that runs another state machine', () => {
  // recorded: stepfunctions test_start_execution_sync, test_start_execution_sync2
  test.each([
    ['.sync', '{"a":1}', '{"b":2}'],
    ['.sync:2', { a: 1 }, { b: 2 }],
  ])('returns the outcome of the execution: %s', async (pattern, Input, Output) => {
    const machine = await createMachine({ StartAt: 'Pass', States: { Pass: pass } });
    const execution = await run(running(machine, pattern));
    const events = await history(present(execution.executionArn));
    const submitted = present(only(events, 'TaskSubmitted').taskSubmittedEventDetails?.output);

    expect(outputOf(execution)).toMatchObject({
      StateMachineArn: machine,
      Status: 'SUCCEEDED',
      Input: typeof Input === 'string' ? expect.stringMatching(/^\{"a": ?1\}$/) : Input,
      Output,
    });
    expect(JSON.parse(submitted)).toMatchObject({ ExecutionArn: expect.any(String) });
  });

  // recorded: stepfunctions test_start_execution_sync_delegate_failure
  test('fails with States.TaskFailed and a description if the execution fails', async () => {
    const fail = { Type: 'Fail', Error: 'SomeFailure', Cause: 'because' };
    const machine = await createMachine({ StartAt: 'Fail', States: { Fail: fail } });
    const { error, cause } = await run(running(machine, '.sync'));

    expect(error).toBe('States.TaskFailed');
    expect(JSON.parse(present(cause))).toMatchObject({
      Error: 'SomeFailure',
      Cause: 'because',
      Status: 'FAILED',
      StateMachineArn: machine,
    });
  });

  // recorded: stepfunctions test_start_execution_no_such_arn
  test('has the error names of its integration', async () => {
    const missing = `arn:aws:states:${region}:${account}:stateMachine:none`;
    const role = await machineRole(machineMay('states:StartExecution'));
    const { error } = await run(running(missing, ''), {}, role);

    expect(error).toBe('StepFunctions.StateMachineDoesNotExistException');
  });
});
