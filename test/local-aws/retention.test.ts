import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  RedriveExecutionCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, test } from '@jest/globals';
import { forgetExecutions } from '../../local/retention.ts';
import { client, endpoint, region, root } from './support/clients.ts';
import { eventually } from './support/eventually.ts';
import { createMachine, ended, machineRole, outputOf, reached, start } from './support/machines.ts';
import { present } from './support/present.ts';
import { unique } from './support/unique.ts';

const sfn = client(SFNClient);

const forget = (...arns: string[]) => forgetExecutions(endpoint, arns);
const describeIt = (executionArn: string) => sfn.send(new DescribeExecutionCommand({ executionArn }));
const namesOf = async (stateMachineArn: string) =>
  (await sfn.send(new ListExecutionsCommand({ stateMachineArn }))).executions?.map(({ name }) => name);

const echo = () => createMachine({ StartAt: 'Echo', States: { Echo: { Type: 'Succeed' } } });
const waiting = () =>
  createMachine({ StartAt: 'Wait', States: { Wait: { Type: 'Wait', Seconds: 600, End: true } } });

/** A finished execution. */
async function endedOne(machine: string, name = unique('execution'), input: unknown = {}): Promise<string> {
  const arn = await start(machine, input, name);
  await ended(arn);
  return arn;
}

const doesNotExist = { name: 'ExecutionDoesNotExist' };

// step-functions/latest/dg/service-quotas (execution history retention time)
describe('corrected: a deleted record of an execution', () => {
  test('is not found by any operation, and not listed', async () => {
    const machine = await echo();
    const [dropped, kept] = [await endedOne(machine), await endedOne(machine)];
    await forget(dropped);

    await expect(describeIt(dropped)).rejects.toMatchObject(doesNotExist);
    await expect(sfn.send(new GetExecutionHistoryCommand({ executionArn: dropped }))).rejects.toMatchObject(
      doesNotExist,
    );
    await expect(sfn.send(new RedriveExecutionCommand({ executionArn: dropped }))).rejects.toMatchObject(
      doesNotExist,
    );
    await expect(sfn.send(new StopExecutionCommand({ executionArn: dropped }))).rejects.toMatchObject(
      doesNotExist,
    );
    expect(await namesOf(machine)).toEqual([kept.split(':').at(-1)]);
  });

  // step-functions/latest/apireference/API_StartExecution (name)
  test('frees its name for another execution, which has no data of the first one', async () => {
    const machine = await echo();
    const name = unique('execution');
    const first = await endedOne(machine, name, { generation: 1 });
    const again = { stateMachineArn: machine, name, input: '{"generation":2}' };

    await expect(sfn.send(new StartExecutionCommand(again))).rejects.toMatchObject({
      name: 'ExecutionAlreadyExists',
    });

    await forget(first);
    await sfn.send(new StartExecutionCommand(again));

    expect(outputOf(await ended(first))).toEqual({ generation: 2 });

    const { events } = await sfn.send(new GetExecutionHistoryCommand({ executionArn: first }));

    expect(present(events).filter(({ type }) => type === 'ExecutionStarted')).toHaveLength(1);
  });

  test('can be that of a stopped execution, and of any state machine', async () => {
    const [stopped, succeeded] = [await start(await waiting()), await endedOne(await echo())];
    await reached(stopped, 'WaitStateEntered');
    await sfn.send(new StopExecutionCommand({ executionArn: stopped }));
    await forget(stopped, succeeded);

    for (const arn of [stopped, succeeded]) await expect(describeIt(arn)).rejects.toMatchObject(doesNotExist);
  });

  test('can be in any region', async () => {
    const elsewhere = new SFNClient({ endpoint, region: 'eu-central-1', credentials: root });
    const { stateMachineArn } = await elsewhere.send(
      new CreateStateMachineCommand({
        name: unique('machine'),
        roleArn: await machineRole(),
        definition: JSON.stringify({ StartAt: 'Echo', States: { Echo: { Type: 'Succeed' } } }),
      }),
    );
    const { executionArn } = await elsewhere.send(new StartExecutionCommand({ stateMachineArn }));
    const describeRecord = () => elsewhere.send(new DescribeExecutionCommand({ executionArn }));

    await eventually(async () => expect((await describeRecord()).status).toBe('SUCCEEDED'));

    await forget(present(executionArn));

    await expect(describeRecord()).rejects.toMatchObject(doesNotExist);
  });

  test('cannot be that of a running execution, and then none is deleted', async () => {
    const [running, over] = [await start(await waiting()), await endedOne(await echo())];

    await expect(forget(over, running)).rejects.toMatchObject({
      message: `No record was deleted.\n${running} is running; AWS deletes a record 90 days after the execution has finished.`,
      remedy: 'Wait until it has finished, or stop it.',
    });
    await expect(describeIt(over)).resolves.toMatchObject({ status: 'SUCCEEDED' });
    await expect(describeIt(running)).resolves.toMatchObject({ status: 'RUNNING' });

    await sfn.send(new StopExecutionCommand({ executionArn: running }));
  });

  test.each([
    ['no execution has it', `arn:aws:states:${region}:123456789012:execution:none:none`],
    ['it is that of a machine', `arn:aws:states:${region}:123456789012:stateMachine:none`],
    ['it is none', 'ada'],
  ])('requires an ARN: rejected if %s, and then none is deleted', async (_why, arn) => {
    const over = await endedOne(await echo());

    await expect(forget(over, arn)).rejects.toMatchObject({
      message: `No record was deleted.\nThere is no execution ${arn}.`,
      remedy: expect.stringContaining('`execution` instead of `stateMachine`'),
    });
    await expect(describeIt(over)).resolves.toMatchObject({ status: 'SUCCEEDED' });
  });
});
