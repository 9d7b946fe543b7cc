import type { Message } from '@aws-sdk/client-sqs';
import * as z from 'zod';

/**
 * What lies in a dead-letter queue, and for whom it was: a target of a rule that EventBridge could not deliver to, or a
 * function that could not handle what it got.
 */
export type Letter = RuleLetter | FunctionLetter;

export interface RuleLetter {
  kind: 'rule';
  ruleArn: string;
  targetArn: string;
  /** Why it lies here. */
  error: string;
  /** What the target gets. */
  payload: string;
  event: Named;
}

interface FunctionLetter {
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

/** Why a message cannot be delivered again, or was not taken. Says nothing that the message quotes. */
export class NotTaken extends Error {
  override readonly name = 'NotTaken';
}

/**
 * @throws NotTaken when the message does not say for whom it was
 */
export function readLetter({ Body = '', MessageAttributes = {} }: Message): Letter {
  const attribute = (name: string) => MessageAttributes[name]?.StringValue;
  const content = json(Body);
  const [ruleArn, targetArn] = [attribute('RULE_ARN'), attribute('TARGET_ARN')];
  if (ruleArn !== undefined && targetArn !== undefined) {
    const read = event.safeParse(content);
    if (!read.success) throw new NotTaken('It has the attributes of an undelivered event, but is none.');
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
  throw new NotTaken(
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
