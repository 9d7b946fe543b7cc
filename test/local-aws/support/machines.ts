import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  type HistoryEventType,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { client } from './clients.ts';
import { eventually } from './eventually.ts';
import { present } from './present.ts';
import { createRole, type Statement } from './roles.ts';
import { unique } from './unique.ts';

const sfn = client(SFNClient);

/** A definition in Amazon States Language; JSONata by default. */
export interface Definition {
  StartAt: string;
  States: Record<string, object>;
  QueryLanguage?: 'JSONata' | 'JSONPath';
  TimeoutSeconds?: number;
}

export const machineMay = (Action: string | string[]): Statement => ({
  Effect: 'Allow',
  Action,
  Resource: '*',
});

/** A role for state machines with the given statements. */
export function machineRole(...statements: Statement[]): Promise<string> {
  return createRole({ Service: 'states.amazonaws.com' }, statements);
}

let ordinary: Promise<string> | undefined;

/** Creates a state machine and returns its ARN. By default its role may invoke functions, publish events and start executions. */
export async function createMachine(definition: Definition, role?: string): Promise<string> {
  ordinary ??= machineRole(
    machineMay(['lambda:InvokeFunction', 'events:PutEvents', 'states:StartExecution']),
  );
  const { stateMachineArn } = await sfn.send(
    new CreateStateMachineCommand({
      name: unique('machine'),
      roleArn: role ?? (await ordinary),
      definition: JSON.stringify({ QueryLanguage: 'JSONata', ...definition }),
    }),
  );
  return present(stateMachineArn);
}

/** Starts an execution and returns its ARN. */
export async function start(stateMachineArn: string, input: unknown = {}, name?: string): Promise<string> {
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input), name }),
  );
  return present(executionArn);
}

export function describeExecution(executionArn: string): Promise<DescribeExecutionOutput> {
  return sfn.send(new DescribeExecutionCommand({ executionArn }));
}

/** Waits until the execution has ended, for up to `within` milliseconds. */
export function ended(executionArn: string, within = 10_000): Promise<DescribeExecutionOutput> {
  return eventually(async () => {
    const execution = await describeExecution(executionArn);
    if (execution.status === 'RUNNING') throw new Error(`${executionArn} is still running`);
    return execution;
  }, within);
}

/** Creates a state machine with this definition and runs it to its end. */
export async function run(definition: Definition, input?: unknown, role?: string) {
  return ended(await start(await createMachine(definition, role), input));
}

/** The output of the execution; throws if it did not succeed. */
export function outputOf({ status, output, error, cause }: DescribeExecutionOutput): unknown {
  if (status !== 'SUCCEEDED') throw new Error(`${status}: ${error}: ${cause}`);
  return JSON.parse(present(output));
}

export async function history(executionArn: string): Promise<HistoryEvent[]> {
  const { events } = await sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
  return present(events);
}

/** Waits until the history of the execution has an event of this type. */
export function reached(executionArn: string, wanted: HistoryEventType): Promise<void> {
  return eventually(async () => {
    const types = (await history(executionArn)).map(({ type }) => type);
    if (!types.includes(wanted)) throw new Error(`${executionArn} has no ${wanted} yet`);
  });
}

/** A state that invokes a function and ends the execution. */
export function call(FunctionName: string, fields: object = {}): object {
  return { ...toCall(FunctionName), End: true, ...fields };
}

/** The same with `fields` instead of End, such as Next. */
export function toCall(FunctionName: string, fields: object = {}): object {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Arguments: { FunctionName, Payload: '{% $states.input %}' },
    Output: '{% $states.result.Payload %}',
    ...fields,
  };
}

/** A state that always fails with this error, because it calls a function that does not exist. */
export const failing = (fields: object = {}): object => call(unique('none'), fields);
export const FAILING_WITH = 'Lambda.ResourceNotFoundException';
