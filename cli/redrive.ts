import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { serviceName } from '../contracts/services.ts';
import { deadLetterQueueName } from '../infra/names.ts';
import { newCommand, runOnSystem } from './support/command.ts';
import { CommandError } from './support/command-error.ts';
import { type DeadLetterQueue, planner } from './support/deliver.ts';
import { printable } from './support/printable.ts';
import { listrProgress } from './support/progress.ts';
import { redriveQueue, type Summary } from './support/redrive-queue.ts';
import { targetEnvironment, targetEnvironmentOptions } from './target-environment.ts';

/**
 * `npm run redrive -- app1`: delivers the messages of a dead-letter queue again, each to its rule target or function, if
 * AWS confirms that this queue is its dead-letter queue. Exit status 1 when messages remain.
 * docs/runbooks/dead-letter-queue.md
 */
export async function main(args: string[]): Promise<number> {
  const command = newCommand('redrive')
    .description('Delivers the messages of a dead-letter queue again, each to its rule target or function.')
    .argument('<queue>', 'app1, the name of a target, or the name or URL of a queue')
    .option('--dry-run', 'print what would be delivered, and deliver nothing');
  const parse = () => command.parse(args, { from: 'user' });
  return runOnSystem(parse, async () => {
    const [queue] = command.processedArgs;
    const { dryRun = false, ...rest } = command.opts();
    const { displayName, client } = targetEnvironment(targetEnvironmentOptions.parse(rest));
    const sqs = client(SQSClient);
    const url = await findQueueUrl(sqs, queue, displayName);
    // A call without a response is not retried: its message remains for the next run.
    const lambda = client(LambdaClient, { maxAttempts: 1 });
    const clients = {
      eventBridge: client(EventBridgeClient),
      logs: client(CloudWatchLogsClient),
      lambda,
      sqs,
    };
    const plan = planner(clients, await describeQueue(sqs, url));
    const summary = await listrProgress.run(`${url.split('/').at(-1)} on ${displayName}`, (report) =>
      redriveQueue({ sqs, plan, report })(url, { dryRun }),
    );
    process.stdout.write(formatSummary(summary, dryRun));
    return summary.remaining.length === 0 ? 0 : 1;
  });
}

/** docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html */
async function describeQueue(sqs: SQSClient, QueueUrl: string): Promise<DeadLetterQueue> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn', 'Policy'] }),
  );
  return { arn: Attributes['QueueArn'] ?? '', policy: Attributes['Policy'] };
}

/** @throws CommandError when there is no such queue */
async function findQueueUrl(sqs: SQSClient, queue: string, where: string): Promise<string> {
  if (queue.startsWith('http')) return queue;
  const QueueName = serviceName.safeParse(queue).success ? deadLetterQueueName(queue) : queue;
  try {
    const { QueueUrl = '' } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
    return QueueUrl;
  } catch (error) {
    if (
      !(
        error instanceof Error &&
        ['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue'].includes(error.name)
      )
    )
      throw error;
    throw new CommandError(
      `There is no queue ${QueueName} on ${where}.`,
      'Use app1, the name of a target, or the name or URL of a queue, and the profile and region of the queue.',
    );
  }
}

/** The number of messages by destination, and the messages that remain. */
export function formatSummary({ delivered, remaining }: Summary, dryRun: boolean): string {
  const count = [...delivered.values()].reduce((sum, one) => sum + one, 0);
  return [
    `${dryRun ? 'Would be delivered' : 'Delivered'}: ${count}`,
    ...[...delivered].map(([to, times]) => `  ${times} to ${printable(to)}`),
    `Remaining: ${remaining.length}`,
    ...remaining.map(({ what, reason }) => `  ${printable(what)}: ${printable(reason)}`),
    '',
  ].join('\n');
}
