import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { deadLetterQueueName } from '../infra/names.ts';
import { newCommand, runOnSystem } from './support/command.ts';
import { CommandError } from './support/command-error.ts';
import { type DeadLetterQueue, planner } from './support/deliver.ts';
import { printable } from './support/printable.ts';
import { listrProgress } from './support/progress.ts';
import { redriveQueue, type Summary } from './support/redrive-queue.ts';
import { targetEnvironment, targetEnvironmentOptions } from './target-environment.ts';

/**
 * `npm run redrive -- app1`: delivers the messages of a dead-letter queue again, each to the target or function that it
 * was meant for, if that really sends to this queue. Exit status 1 when something is left. docs/runbooks/dead-letter-queue.md
 */
export async function main(args: string[]): Promise<number> {
  const command = newCommand('redrive')
    .description(
      'Delivers what lies in a dead-letter queue again, each to the target or function it was meant for.',
    )
    .argument('<queue>', 'app1, app2, or the name or URL of a queue')
    .option('--dry-run', 'only say what would be delivered where');
  const parse = () => command.parse(args, { from: 'user' });
  return runOnSystem(parse, async () => {
    const [queue] = command.processedArgs;
    const { dryRun = false, ...rest } = command.opts();
    const { where, client } = targetEnvironment(targetEnvironmentOptions.parse(rest));
    const sqs = client(SQSClient);
    const url = await urlOf(sqs, queue, where);
    // A call whose answer was lost is not repeated here: its message stays for the next run.
    const lambda = client(LambdaClient, { maxAttempts: 1 });
    const clients = {
      eventBridge: client(EventBridgeClient),
      logs: client(CloudWatchLogsClient),
      lambda,
      sqs,
    };
    const plan = planner(clients, await describeQueue(sqs, url));
    const summary = await listrProgress.run(`${url.split('/').at(-1)} on ${where}`, (report) =>
      redriveQueue({ sqs, plan, report })(url, { dryRun }),
    );
    process.stdout.write(inWords(summary, dryRun));
    return summary.left.length === 0 ? 0 : 1;
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
async function urlOf(sqs: SQSClient, queue: string, where: string): Promise<string> {
  if (queue.startsWith('http')) return queue;
  const QueueName = queue === 'app1' || queue === 'app2' ? deadLetterQueueName(queue) : queue;
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
      'Say app1, app2, or the name or URL of a queue, and the profile and region in which it is.',
    );
  }
}

/** What has become of the messages, by where they were meant for. */
export function inWords({ delivered, left }: Summary, dryRun: boolean): string {
  const count = [...delivered.values()].reduce((sum, one) => sum + one, 0);
  return [
    `${dryRun ? 'Would be delivered' : 'Delivered'}: ${count}`,
    ...[...delivered].map(([to, times]) => `  ${times} to ${printable(to)}`),
    `Left: ${left.length}`,
    ...left.map(({ what, reason }) => `  ${printable(what)}: ${printable(reason)}`),
    '',
  ].join('\n');
}
