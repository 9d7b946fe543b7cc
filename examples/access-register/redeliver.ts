import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';

interface Redelivery {
  sqs: Pick<SQSClient, 'send'>;
  lambda: Pick<LambdaClient, 'send'>;
  queueUrl: string;
  functionName: string;
}

/** Lambda wraps the event that a function could not handle; EventBridge leaves the one that it could not deliver as it is. */
const message = z.union([z.object({ requestPayload: z.looseObject({}) }), z.looseObject({})]);

/**
 * Calls the function with each event that lies in its queue, and takes away those that it has handled: for when what
 * was broken is repaired. Says how many there were.
 * docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 * @throws Error when the function fails again; the event stays in the queue
 */
export async function redeliver({
  sqs,
  lambda,
  queueUrl: QueueUrl,
  functionName,
}: Redelivery): Promise<number> {
  for (let handled = 0; ; handled += 1) {
    const { Messages: [next] = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }),
    );
    if (next === undefined) return handled;
    const read = message.parse(JSON.parse(next.Body ?? ''));
    const { FunctionError } = await lambda.send(
      new InvokeCommand({
        FunctionName: functionName,
        Payload: JSON.stringify(read['requestPayload'] ?? read),
      }),
    );
    if (FunctionError !== undefined) throw new Error(`The function fails again, with event ${handled + 1}.`);
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: next.ReceiptHandle }));
  }
}

async function main(): Promise<void> {
  const [queueUrl, functionName] = z.tuple([z.url(), z.string()]).parse(process.argv.slice(2));
  const handled = await redeliver({
    sqs: new SQSClient(),
    lambda: new LambdaClient(),
    queueUrl,
    functionName,
  });
  console.log(`${handled} events were handled.`);
}
if (process.argv[1] === import.meta.filename) main();
