import type { Message } from '@aws-sdk/client-sqs';
import * as z from 'zod';

/**
 * A message of a dead-letter queue, and what it was meant for: a target of a rule that EventBridge could not deliver to,
 * or a function that could not handle its event. Whoever may send to the queue can write one, so nothing here is proved.
 */
export type DeadLetterMessage = RuleMessage | FunctionMessage;

export interface RuleMessage {
  kind: 'rule';
  ruleArn: string;
  targetArn: string;
  /** Why it lies here. */
  error: string;
  /** What the target gets. */
  payload: string;
  event: Named;
}

export interface FunctionMessage {
  kind: 'function';
  functionArn: string;
  error: string;
  payload: string;
  event: Named;
}

/** What tells one event from another, for people; absent when it is no event of EventBridge. */
interface Named {
  id?: string | undefined;
  'detail-type'?: string | undefined;
}

const named = z.looseObject({ id: z.string().optional(), 'detail-type': z.string().optional() });
const event = z.looseObject({ ...named.shape, id: z.string(), 'detail-type': z.string() });

/** docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (destinations) */
const destinationRecord = z.looseObject({
  version: z.literal('1.0'),
  requestContext: z.looseObject({ functionArn: z.string(), condition: z.string() }),
  requestPayload: z.unknown(),
  responsePayload: z.looseObject({ errorType: z.string() }).optional().catch(undefined),
});

/** Why a message is not delivered again. Its text repeats nothing of the message's content. */
export class RedeliveryError extends Error {
  override readonly name = 'RedeliveryError';
}

/**
 * @throws RedeliveryError when the message does not say what it was meant for
 */
export function readMessage({ Body = '', MessageAttributes = {} }: Message): DeadLetterMessage {
  const attribute = (name: string) => MessageAttributes[name]?.StringValue;
  const content = json(Body);
  const [ruleArn, targetArn] = [attribute('RULE_ARN'), attribute('TARGET_ARN')];
  if (ruleArn !== undefined && targetArn !== undefined) {
    const read = event.safeParse(content);
    if (!read.success)
      throw new RedeliveryError('It has the attributes of an undelivered event, but is none.');
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
      event: named.catch({}).parse(requestPayload),
    };
  }
  throw new RedeliveryError(
    attribute('RequestID') === undefined
      ? 'It is neither an undelivered event nor the record of a function that failed.'
      : "It came by a function's own dead-letter queue, which does not say which function that was.",
  );
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no JSON: none of the forms fits
  }
}
