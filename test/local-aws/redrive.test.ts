import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  RedriveExecutionCommand,
  SFNClient,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, test } from '@jest/globals';
import { client } from './support/clients.ts';
import {
  createMachine,
  type Definition,
  ended,
  FAILING_WITH,
  failing,
  history,
  outputOf,
  reached,
  start,
} from './support/machines.ts';
import { nextEvent, queueOf } from './support/queues.ts';
import { callerWho } from './support/roles.ts';

const sfn = client(SFNClient);

const redrive = (executionArn: string, clientToken?: string) =>
  sfn.send(new RedriveExecutionCommand({ executionArn, clientToken }));

const stop = (executionArn: string) => sfn.send(new StopExecutionCommand({ executionArn }));

const entered = async (executionArn: string) =>
  (await history(executionArn)).flatMap(({ stateEnteredEventDetails: state }) => state?.name ?? []);

const failsAtTheSecondState: Definition = {
  StartAt: 'First',
  States: { First: { Type: 'Pass', Next: 'Second' }, Second: failing() },
};

/** Waits forever, unless it was redriven; then returns its input, variables and context. */
const waits: Definition = {
  StartAt: 'Assign',
  States: {
    Assign: { Type: 'Pass', Assign: { kept: 7 }, Output: 'from Assign', Next: 'Wait' },
    Wait: {
      Type: 'Wait',
      Seconds: '{% $states.context.Execution.RedriveCount = 0 ? 600 : 0 %}',
      Next: 'Report',
    },
    Report: {
      Type: 'Pass',
      Output: {
        input: '{% $states.input %}',
        kept: '{% $kept %}',
        redrives: '{% $states.context.Execution.RedriveCount %}',
        redriven: '{% $exists($states.context.Execution.RedriveTime) %}',
      },
      End: true,
    },
  },
};

/** An execution of `waits` that was stopped while it waited. */
async function stoppedOne(machine?: string): Promise<string> {
  const executionArn = await start(machine ?? (await createMachine(waits)));
  await reached(executionArn, 'WaitStateEntered');
  await stop(executionArn);
  return executionArn;
}

// step-functions/latest/dg/redrive-executions and apireference/API_RedriveExecution
describe('corrected: RedriveExecution', () => {
  test('runs the failed state again, and none before it', async () => {
    const executionArn = await start(await createMachine(failsAtTheSecondState));

    expect(await ended(executionArn)).toMatchObject({ error: FAILING_WITH, redriveCount: 0 });

    await redrive(executionArn);

    expect(await ended(executionArn)).toMatchObject({ error: FAILING_WITH, redriveCount: 1 });
    expect(await entered(executionArn)).toEqual(['First', 'Second', 'Second']);
    expect((await history(executionArn)).map(({ type }) => type)).toContain('ExecutionRedriven');
  });

  test('continues where the execution was stopped, with its input, variables and context', async () => {
    const executionArn = await stoppedOne();
    await redrive(executionArn);
    const execution = await ended(executionArn);

    expect(outputOf(execution)).toEqual({ input: 'from Assign', kept: 7, redrives: 1, redriven: true });
    expect(execution).toMatchObject({ redriveCount: 1, redriveDate: expect.any(Date) });
    expect(execution.error).toBeUndefined();
  });

  test('restarts the time limit of the state machine', async () => {
    const executionArn = await stoppedOne(await createMachine({ ...waits, TimeoutSeconds: 1 }));
    await redrive(executionArn);

    expect(await ended(executionArn)).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('continues after a timeout', async () => {
    const executionArn = await start(await createMachine({ ...waits, TimeoutSeconds: 1 }));

    expect(await ended(executionArn)).toMatchObject({ status: 'TIMED_OUT', redriveStatus: 'REDRIVABLE' });

    await redrive(executionArn);

    expect(await ended(executionArn)).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('is rejected if the execution is running or has succeeded', async () => {
    const executionArn = await start(await createMachine(waits));
    await reached(executionArn, 'WaitStateEntered');

    await expect(redrive(executionArn)).rejects.toMatchObject({ name: 'ExecutionNotRedrivable' });

    await stop(executionArn);
    await redrive(executionArn);

    expect(await ended(executionArn)).toMatchObject({
      status: 'SUCCEEDED',
      redriveStatus: 'NOT_REDRIVABLE',
    });
    await expect(redrive(executionArn)).rejects.toMatchObject({ name: 'ExecutionNotRedrivable' });
  });

  test('is rejected if the execution does not exist', async () => {
    const executionArn = await stoppedOne();

    await expect(redrive(`${executionArn}x`)).rejects.toMatchObject({ name: 'ExecutionDoesNotExist' });
  });

  test('is one redrive when it is repeated with its client token', async () => {
    const executionArn = await stoppedOne();
    const first = await redrive(executionArn, 'token');

    expect((await redrive(executionArn, 'token')).redriveDate).toEqual(first.redriveDate);
    expect(await ended(executionArn)).toMatchObject({ redriveCount: 1 });
  });

  test('is counted in the list of executions and in its event', async () => {
    const machine = await createMachine(waits);
    const queue = await queueOf({
      source: ['aws.states'],
      detail: { stateMachineArn: [machine], status: ['ABORTED', 'SUCCEEDED'] },
    });
    const executionArn = await stoppedOne(machine);

    expect(await nextEvent(queue)).toMatchObject({
      detail: { redriveCount: 0, redriveStatus: 'REDRIVABLE' },
    });

    await redrive(executionArn);

    expect(await nextEvent(queue)).toMatchObject({
      detail: { redriveCount: 1, redriveDate: expect.any(Number), redriveStatus: 'NOT_REDRIVABLE' },
    });

    const { executions } = await sfn.send(new ListExecutionsCommand({ stateMachineArn: machine }));

    expect(executions).toMatchObject([{ executionArn, redriveCount: 1 }]);
  });

  test('requires states:RedriveExecution', async () => {
    const executionArn = await stoppedOne();
    const caller = (Action: string) =>
      callerWho({ Effect: 'Allow', Action, Resource: executionArn }).then((who) => client(SFNClient, who));
    const request = new RedriveExecutionCommand({ executionArn });

    await expect((await caller('states:StopExecution')).send(request)).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });

    await (await caller('states:RedriveExecution')).send(request);
    await ended(executionArn);

    expect(await sfn.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({ redriveCount: 1 });
  });
});
