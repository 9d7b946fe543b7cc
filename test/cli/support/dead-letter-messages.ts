import type { Message } from '@aws-sdk/client-sqs';

const region = 'eu-central-1:111122223333';

export const logGroupArn = `arn:aws:logs:${region}:log-group:/aws/events/app1-provisioning`;
export const functionArn = `arn:aws:lambda:${region}:function:app1-sweep-provisionings`;
export const queueArn = `arn:aws:sqs:${region}:of-a-subscriber`;
export const ruleArn = `arn:aws:events:${region}:rule/app1-provisioning/app1-provisioning-every-event`;

/** The redriven queue. */
export const deadLetterQueueArn = `arn:aws:sqs:${region}:app1-dead-letter-queue`;

export const event = { id: 'e-1', 'detail-type': 'ServiceUserProvisioned', source: 'app1.provisioning' };

/** The message of EventBridge for an event that it could not deliver. */
export function undeliveredEvent(
  over: { target?: string; rule?: string; body?: unknown; id?: string } = {},
): Message {
  const attributes = {
    RULE_ARN: over.rule ?? ruleArn,
    TARGET_ARN: over.target ?? logGroupArn,
    ERROR_CODE: 'NO_PERMISSIONS',
  };
  const id = over.id ?? 'm-1';
  return {
    MessageId: id,
    ReceiptHandle: `receipt of ${id}`,
    Body: JSON.stringify(over.body ?? event),
    MessageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
    ),
  };
}

/** The message of Lambda for an event that a function failed to handle. */
export function unhandled(payload: unknown = event, id = 'm-2', invoked = `${functionArn}:$LATEST`): Message {
  const record = {
    version: '1.0',
    timestamp: '2026-01-01T00:00:00.000Z',
    requestContext: {
      requestId: 'r-1',
      functionArn: invoked,
      condition: 'RetriesExhausted',
      approximateInvokeCount: 3,
    },
    requestPayload: payload,
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: { errorType: 'ServiceThrottled', errorMessage: 'no' },
  };
  return { MessageId: id, ReceiptHandle: `receipt of ${id}`, Body: JSON.stringify(record) };
}
