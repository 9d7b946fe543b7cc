import type { Message } from '@aws-sdk/client-sqs';
import * as z from 'zod';

/**
 * A message of a dead-letter queue: an event that EventBridge could not deliver to a target of a rule, or one that a
 * function failed to handle. Every principal with permission to send to the queue can write one, so its content is not
 * trusted: `planner` checks it against AWS.
 */
export type DeadLetterMessage = RuleMessage | FunctionMessage;

export interface RuleMessage {
  kind: 'rule';
  ruleArn: string;
  targetArn: string;
  /** Why the delivery failed. */
  error: string;
  /** The event for the target. */
  payload: string;
  event: EventIdentity;
}

export interface FunctionMessage {
  kind: 'function';
  functionArn: string;
  error: string;
  payload: string;
  event: EventIdentity;
}

/** The identity of an event, for people; absent when it is not an event of EventBridge. */
interface EventIdentity {
  id?: string | undefined;
  'detail-type'?: string | undefined;
}

const eventIdentity = z.looseObject({ id: z.string().optional(), 'detail-type': z.string().optional() });
const event = z.looseObject({ ...eventIdentity.shape, id: z.string(), 'detail-type': z.string() });

/** docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (destinations) */
const destinationRecord = z.looseObject({
  version: z.literal('1.0'),
  requestContext: z.looseObject({ functionArn: z.string(), condition: z.string() }),
  requestPayload: z.unknown(),
  responsePayload: z.looseObject({ errorType: z.string() }).optional().catch(undefined),
});

/** A message cannot be delivered again. The text repeats nothing of the message's content. */
export class RedeliveryError extends Error {
  override readonly name = 'RedeliveryError';
}

/**
 * @throws RedeliveryError when the message does not name its target or function
 */
export function readMessage({ Body = '', MessageAttributes = {} }: Message): DeadLetterMessage {
  const attribute = (name: string) => MessageAttributes[name]?.StringValue;
  const content = json(Body);
  const [ruleArn, targetArn] = [attribute('RULE_ARN'), attribute('TARGET_ARN')];
  if (ruleArn !== undefined && targetArn !== undefined) {
    const read = event.safeParse(content);
    if (!read.success)
      throw new RedeliveryError('It has the attributes of an undelivered event, but is not an event.');
    const error = attribute('ERROR_CODE') ?? 'unknown';
    return { kind: 'rule', ruleArn, targetArn, error, payload: Body, event: read.data };
  }
  const record = destinationRecord.safeParse(content);
  if (record.success) {
    const { requestContext, requestPayload, responsePayload } = record.data;
    return {
      kind: 'function',
      functionArn: requestContext.functionArn,
      error: responsePayload?.errorType ?? requestContext.condition,
      payload: JSON.stringify(requestPayload),
      event: eventIdentity.catch({}).parse(requestPayload),
    };
  }
  throw new RedeliveryError(
    attribute('RequestID') === undefined
      ? 'It is neither an undelivered event nor the record of a function that failed.'
      : "It came from a function's dead-letter queue (DeadLetterConfig), whose messages do not name the function.",
  );
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON
  }
}
