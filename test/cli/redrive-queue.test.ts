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
import { inWords } from '../../cli/redrive.ts';
import { type DeadLetterMessage, RedeliveryError } from '../../cli/support/dead-letter-message.ts';
import { redriveQueue } from '../../cli/support/redrive-queue.ts';
import { sdkError } from '../support/sdk-errors.ts';
import { undeliveredEvent, unhandled } from './support/dead-letter-messages.ts';

const sqs = mockClient(SQSClient);
const QueueUrl = 'https://queue/app1-dead-letter-queue';
/** In the order in which things happen. */
let story: string[];
let said: string[];

beforeEach(() => {
  story = [];
  said = [];
  sqs.reset();
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ApproximateNumberOfMessages: '3' } });
  sqs.on(DeleteMessageCommand).callsFake(({ ReceiptHandle }) => {
    story.push(`deleted ${ReceiptHandle}`);
    return {};
  });
  sqs.on(ChangeMessageVisibilityBatchCommand).resolves({});
});

/** What each receive gives, then nothing. */
const holds = (...batches: Message[][]) =>
  batches
    .reduce((chain, Messages) => chain.resolvesOnce({ Messages }), sqs.on(ReceiveMessageCommand))
    .resolves({});

const redrive = (
  take: (message: DeadLetterMessage) => Promise<void> = async () => undefined,
  options: { dryRun?: boolean } = {},
) =>
  redriveQueue({
    sqs: new SQSClient({}),
    plan: async (message) => ({
      to: message.kind === 'rule' ? 'the log' : 'the function',
      deliver: async () => {
        await take(message);
        story.push(`taken by ${message.kind}`);
      },
    }),
    report: (line) => said.push(line),
  })(QueueUrl, options);

const letGo = () =>
  sqs
    .commandCalls(ChangeMessageVisibilityBatchCommand)
    .flatMap(({ args }) => args[0].input.Entries ?? [])
    .map(({ ReceiptHandle, VisibilityTimeout }) => [ReceiptHandle, VisibilityTimeout]);

describe('redriving a queue', () => {
  it('delivers what lies there, batch after batch, and deletes each after it was taken', async () => {
    holds([undeliveredEvent({ id: 'a' })], [unhandled(undefined, 'b')]);

    const { delivered, left } = await redrive();

    expect(story).toEqual([
      'taken by rule',
      'deleted receipt of a',
      'taken by function',
      'deleted receipt of b',
    ]);
    expect([...delivered]).toEqual([
      ['the log', 1],
      ['the function', 1],
    ]);
    expect(left).toEqual([]);
    expect(letGo()).toEqual([]);
    expect(said.at(-1)).toBe('2 of about 3 delivered, 0 left');
  });

  it('leaves what is not taken, says why, and makes it visible again', async () => {
    holds([undeliveredEvent({ id: 'a' }), unhandled(undefined, 'b')]);

    const { delivered, left } = await redrive(async ({ kind }) => {
      if (kind === 'rule') throw new RedeliveryError('It is not wanted.');
    });

    expect(story).toEqual(['taken by function', 'deleted receipt of b']);
    expect([...delivered.keys()]).toEqual(['the function']);
    expect(left).toEqual([
      { what: 'ServiceUserProvisioned e-1 (not delivered: NO_PERMISSIONS)', reason: 'It is not wanted.' },
    ]);
    expect(letGo()).toEqual([['receipt of a', 0]]);
  });

  it('goes on when AWS refuses one, and names the error', async () => {
    holds([undeliveredEvent({ id: 'a' })]);

    const { left } = await redrive(async () => {
      throw sdkError('AccessDeniedException', { message: 'no right' });
    });

    expect(left).toMatchObject([{ reason: 'AccessDeniedException: no right' }]);
  });

  it('leaves a message of which it cannot tell for whom it is', async () => {
    holds([{ MessageId: 'a', ReceiptHandle: 'receipt of a', Body: 'what?' }]);

    const { left } = await redrive();

    expect(left).toMatchObject([{ what: 'message a', reason: expect.stringContaining('neither') }]);
    expect(story).toEqual([]);
    expect(letGo()).toEqual([['receipt of a', 0]]);
  });

  it('says that what was taken could not be deleted', async () => {
    holds([undeliveredEvent({ id: 'a' })]);
    sqs.on(DeleteMessageCommand).rejects(sdkError('AccessDeniedException'));

    const { delivered, left } = await redrive();

    expect([delivered.size, left.length]).toEqual([0, 1]);
    expect(letGo()).toEqual([['receipt of a', 0]]);
  });

  it('does not try again in the same run what came back', async () => {
    holds([undeliveredEvent({ id: 'a' })], [undeliveredEvent({ id: 'a' })]);
    let times = 0;

    const { left } = await redrive(async () => {
      times += 1;
      throw new RedeliveryError('no');
    });

    expect([times, left.length]).toEqual([1, 1]);
  });

  it('in a dry run takes nothing, deletes nothing, and lets all go', async () => {
    holds([undeliveredEvent({ id: 'a' }), unhandled(undefined, 'b')]);

    const { delivered } = await redrive(undefined, { dryRun: true });

    expect(story).toEqual([]);
    expect([...delivered.values()]).toEqual([1, 1]);
    expect(letGo()).toEqual([
      ['receipt of a', 0],
      ['receipt of b', 0],
    ]);
  });

  it('lets more go than one call can', async () => {
    holds(Array.from({ length: 12 }, (_, n) => undeliveredEvent({ id: `m${n}` })));

    await redrive(undefined, { dryRun: true });

    expect(sqs.commandCalls(ChangeMessageVisibilityBatchCommand)).toHaveLength(2);
    expect(letGo()).toHaveLength(12);
  });

  it('lets go what it holds also when SQS fails in the middle', async () => {
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [undeliveredEvent({ id: 'a' })] })
      .rejects(sdkError('ServiceUnavailable', { status: 503 }));

    await expect(redrive(undefined, { dryRun: true })).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    expect(letGo()).toEqual([['receipt of a', 0]]);
  });

  it('holds what it takes longer than any function may run, and asks all servers of SQS', async () => {
    holds();

    await redrive();

    const { VisibilityTimeout = 0, WaitTimeSeconds = 0 } =
      sqs.commandCalls(ReceiveMessageCommand)[0]?.args[0].input ?? {};
    expect(VisibilityTimeout).toBeGreaterThan(900);
    expect(WaitTimeSeconds).toBeGreaterThan(0);
  });
});

describe('the summary of a redrive', () => {
  it('counts by where to, and gives the reason of each that is left', () => {
    const summary = {
      delivered: new Map([
        ['the log', 2],
        ['function f', 1],
      ]),
      left: [{ what: 'E e-1', reason: 'no right' }],
    };

    expect(inWords(summary, false)).toBe(
      'Delivered: 3\n  2 to the log\n  1 to function f\nLeft: 1\n  E e-1: no right\n',
    );
    expect(inWords(summary, true)).toMatch(/^Would be delivered: 3\n/);
  });

  it.each(['\u001b[2J', '\u009b2J', '\r\n', '\u0007', '\u202e', '\0'])(
    'give no terminal what it takes for a command: %j',
    (control) => {
      const summary = {
        delivered: new Map([[`to${control}`, 1]]),
        left: [{ what: `what${control}`, reason: `reason${control}` }],
      };

      expect(inWords(summary, false)).not.toContain(control);
      expect(inWords(summary, false).split('\n')).toHaveLength(5);
    },
  );
});
