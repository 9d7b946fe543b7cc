import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { formatSummary } from '../../cli/redrive.ts';
import { type DeadLetterMessage, RedeliveryError } from '../../cli/support/dead-letter-message.ts';
import { redriveQueue } from '../../cli/support/redrive-queue.ts';
import { sdkError } from '../support/sdk-errors.ts';
import { undeliveredEvent, unhandled } from './support/dead-letter-messages.ts';

const sqs = mockClient(SQSClient);
const QueueUrl = 'https://queue/app1-dead-letter-queue';
/** The deliveries and deletions, in their order. */
let steps: string[];
let reports: string[];

beforeEach(() => {
  steps = [];
  reports = [];
  sqs.reset();
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ApproximateNumberOfMessages: '3' } });
  sqs.on(DeleteMessageCommand).callsFake(({ ReceiptHandle }) => {
    steps.push(`deleted ${ReceiptHandle}`);
    return {};
  });
  sqs.on(ChangeMessageVisibilityBatchCommand).resolves({});
});

/** The messages of each receive call, then none. */
const queueReturns = (...batches: Message[][]) =>
  batches
    .reduce((chain, Messages) => chain.resolvesOnce({ Messages }), sqs.on(ReceiveMessageCommand))
    .resolves({});

const redrive = (
  accept: (message: DeadLetterMessage) => Promise<void> = async () => undefined,
  options: { dryRun?: boolean } = {},
) =>
  redriveQueue({
    sqs: new SQSClient({}),
    plan: async (message) => ({
      to: message.kind === 'rule' ? 'the log' : 'the function',
      deliver: async () => {
        await accept(message);
        steps.push(`delivered to ${message.kind}`);
      },
    }),
    report: (line) => reports.push(line),
  })(QueueUrl, options);

const madeVisible = () =>
  sqs
    .commandCalls(ChangeMessageVisibilityBatchCommand)
    .flatMap(({ args }) => args[0].input.Entries ?? [])
    .map(({ ReceiptHandle, VisibilityTimeout }) => [ReceiptHandle, VisibilityTimeout]);

describe('redriveQueue', () => {
  it('delivers the messages batch by batch, and deletes each after its delivery', async () => {
    queueReturns([undeliveredEvent({ id: 'a' })], [unhandled(undefined, 'b')]);

    const { delivered, remaining } = await redrive();

    expect(steps).toEqual([
      'delivered to rule',
      'deleted receipt of a',
      'delivered to function',
      'deleted receipt of b',
    ]);
    expect([...delivered]).toEqual([
      ['the log', 1],
      ['the function', 1],
    ]);
    expect(remaining).toEqual([]);
    expect(madeVisible()).toEqual([]);
    expect(reports.at(-1)).toBe('2 of about 3 delivered, 0 remaining');
  });

  it('keeps a rejected message, returns the reason, and makes it visible again', async () => {
    queueReturns([undeliveredEvent({ id: 'a' }), unhandled(undefined, 'b')]);

    const { delivered, remaining } = await redrive(async ({ kind }) => {
      if (kind === 'rule') throw new RedeliveryError('It is rejected.');
    });

    expect(steps).toEqual(['delivered to function', 'deleted receipt of b']);
    expect([...delivered.keys()]).toEqual(['the function']);
    expect(remaining).toEqual([
      { what: 'ServiceUserProvisioned e-1 (not delivered: NO_PERMISSIONS)', reason: 'It is rejected.' },
    ]);
    expect(madeVisible()).toEqual([['receipt of a', 0]]);
  });

  it('continues when AWS rejects a delivery, and names the error', async () => {
    queueReturns([undeliveredEvent({ id: 'a' })]);

    const { remaining } = await redrive(async () => {
      throw sdkError('AccessDeniedException', { message: 'no permission' });
    });

    expect(remaining).toMatchObject([{ reason: 'AccessDeniedException: no permission' }]);
  });

  it('keeps a message without a target', async () => {
    queueReturns([{ MessageId: 'a', ReceiptHandle: 'receipt of a', Body: 'what?' }]);

    const { remaining } = await redrive();

    expect(remaining).toMatchObject([{ what: 'message a', reason: expect.stringContaining('neither') }]);
    expect(steps).toEqual([]);
    expect(madeVisible()).toEqual([['receipt of a', 0]]);
  });

  it('reports a delivered message that could not be deleted', async () => {
    queueReturns([undeliveredEvent({ id: 'a' })]);
    sqs.on(DeleteMessageCommand).rejects(sdkError('AccessDeniedException'));

    const { delivered, remaining } = await redrive();

    expect([delivered.size, remaining.length]).toEqual([0, 1]);
    expect(madeVisible()).toEqual([['receipt of a', 0]]);
  });

  it('delivers a message once per run', async () => {
    queueReturns([undeliveredEvent({ id: 'a' })], [undeliveredEvent({ id: 'a' })]);
    let times = 0;

    const { remaining } = await redrive(async () => {
      times += 1;
      throw new RedeliveryError('no');
    });

    expect([times, remaining.length]).toEqual([1, 1]);
  });

  it('delivers and deletes nothing in a dry run, and makes all messages visible again', async () => {
    queueReturns([undeliveredEvent({ id: 'a' }), unhandled(undefined, 'b')]);

    const { delivered } = await redrive(undefined, { dryRun: true });

    expect(steps).toEqual([]);
    expect([...delivered.values()]).toEqual([1, 1]);
    expect(madeVisible()).toEqual([
      ['receipt of a', 0],
      ['receipt of b', 0],
    ]);
  });

  it('makes more messages visible than one call can', async () => {
    queueReturns(Array.from({ length: 12 }, (_, n) => undeliveredEvent({ id: `m${n}` })));

    await redrive(undefined, { dryRun: true });

    expect(sqs.commandCalls(ChangeMessageVisibilityBatchCommand)).toHaveLength(2);
    expect(madeVisible()).toHaveLength(12);
  });

  it('makes received messages visible again when SQS fails', async () => {
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [undeliveredEvent({ id: 'a' })] })
      .rejects(sdkError('ServiceUnavailable', { status: 503 }));

    await expect(redrive(undefined, { dryRun: true })).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    expect(madeVisible()).toEqual([['receipt of a', 0]]);
  });

  it('hides messages longer than any function can run, and uses long polling', async () => {
    queueReturns();

    await redrive();

    const { VisibilityTimeout = 0, WaitTimeSeconds = 0 } =
      sqs.commandCalls(ReceiveMessageCommand)[0]?.args[0].input ?? {};

    expect(VisibilityTimeout).toBeGreaterThan(900);
    expect(WaitTimeSeconds).toBeGreaterThan(0);
  });
});

describe('formatSummary', () => {
  it('counts deliveries by target, and prints the reason of each remaining message', () => {
    const summary = {
      delivered: new Map([
        ['the log', 2],
        ['function f', 1],
      ]),
      remaining: [{ what: 'E e-1', reason: 'no permission' }],
    };

    expect(formatSummary(summary, false)).toBe(
      'Delivered: 3\n  2 to the log\n  1 to function f\nRemaining: 1\n  E e-1: no permission\n',
    );
    expect(formatSummary(summary, true)).toMatch(/^Would be delivered: 3\n/);
  });

  it.each(['\u001b[2J', '\u009b2J', '\r\n', '\u0007', '\u202e', '\0'])(
    'replaces the control character %j',
    (control) => {
      const summary = {
        delivered: new Map([[`to${control}`, 1]]),
        remaining: [{ what: `what${control}`, reason: `reason${control}` }],
      };

      expect(formatSummary(summary, false)).not.toContain(control);
      expect(formatSummary(summary, false).split('\n')).toHaveLength(5);
    },
  );
});
