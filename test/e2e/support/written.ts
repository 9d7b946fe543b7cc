import {
  CloudFormationClient,
  GetTemplateCommand,
  paginateDescribeStacks,
} from '@aws-sdk/client-cloudformation';
import { paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import { LambdaClient, paginateListFunctions } from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, paginateListExecutions } from '@aws-sdk/client-sfn';
import { paginateListQueues, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { paginateGetParametersByPath, SSMClient } from '@aws-sdk/client-ssm';
import { readHistory } from '../../../handlers/shared/history.ts';
import { configuration, outputs, system } from './deployed.ts';

/** A text that operators can read, and its location. */
export interface Written {
  location: string;
  text: string;
}

const { stepFunctions, logs } = system.clients;

const machines = [
  outputs.app1.state_machine_arn,
  outputs.app1.roll_back_state_machine_arn,
  ...Object.values(outputs.targets).flatMap((target) => [
    target.state_machine_arn,
    target.roll_back_state_machine_arn,
  ]),
];

/**
 * What the system has written since a time: every log group of all services, including those of the event buses, and
 * input, output, variables and history of the executions that have started since.
 */
export async function* writtenSince(since: Date): AsyncGenerator<Written> {
  for (const logGroupName of [outputs.app1, ...Object.values(outputs.targets)].flatMap(
    ({ log_groups }) => log_groups,
  ))
    yield* logOf(logGroupName, since);
  for (const stateMachineArn of machines)
    for await (const { executions = [] } of paginateListExecutions(
      { client: stepFunctions },
      { stateMachineArn, maxResults: 1000 },
    ))
      for (const { executionArn = '', startDate = since } of executions)
        if (startDate >= since) yield* executionOf(executionArn);
}

async function* logOf(logGroupName: string, since: Date): AsyncGenerator<Written> {
  const all = { logGroupName, startTime: since.getTime(), limit: 10_000 };
  for await (const { events = [] } of paginateFilterLogEvents({ client: logs }, all))
    yield { location: `the log ${logGroupName}`, text: events.map(({ message = '' }) => message).join('\n') };
}

async function* executionOf(executionArn: string): AsyncGenerator<Written> {
  const location = `the execution ${executionArn.split(':').slice(-2).join(' ')}`;
  yield {
    location,
    text: JSON.stringify(await stepFunctions.send(new DescribeExecutionCommand({ executionArn }))),
  };
  const { events } = await readHistory(stepFunctions, executionArn, { includeExecutionData: true });
  yield { location, text: JSON.stringify(events) };
}

/** Configuration and queues: templates, outputs, environments of functions, parameters and queued messages. */
export async function* configured(): AsyncGenerator<Written> {
  const cloudFormation = new CloudFormationClient(configuration);
  for await (const { Stacks = [] } of paginateDescribeStacks({ client: cloudFormation }, {}))
    for (const stack of Stacks) {
      const StackName = stack.StackName ?? '';
      const { TemplateBody } = await cloudFormation.send(new GetTemplateCommand({ StackName }));
      yield { location: `the stack ${StackName}`, text: JSON.stringify([stack, TemplateBody]) };
    }
  const lambda = new LambdaClient(configuration);
  for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {}))
    for (const { FunctionName, Environment } of Functions)
      yield { location: `the environment of ${FunctionName}`, text: JSON.stringify(Environment ?? {}) };
  const ssm = new SSMClient(configuration);
  for await (const { Parameters } of paginateGetParametersByPath(
    { client: ssm },
    { Path: '/', Recursive: true },
  ))
    yield { location: 'the parameters', text: JSON.stringify(Parameters) };
  const sqs = new SQSClient(configuration);
  for await (const { QueueUrls = [] } of paginateListQueues({ client: sqs }, {}))
    for (const QueueUrl of QueueUrls) {
      const peek = { QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0 };
      const { Messages } = await sqs.send(new ReceiveMessageCommand(peek));
      yield { location: `the queue ${QueueUrl.split('/').at(-1)}`, text: JSON.stringify(Messages ?? []) };
    }
}
