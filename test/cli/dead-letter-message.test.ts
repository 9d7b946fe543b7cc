import { describe, expect, it } from '@jest/globals';
import { readMessage } from '../../cli/support/dead-letter-message.ts';
import {
  event,
  functionArn,
  logGroupArn,
  ruleArn,
  undeliveredEvent,
  unhandled,
} from './support/dead-letter-messages.ts';

describe('readMessage', () => {
  it('reads an event that EventBridge could not deliver to a target of a rule', () => {
    expect(readMessage(undeliveredEvent())).toEqual({
      kind: 'rule',
      ruleArn,
      targetArn: logGroupArn,
      error: 'NO_PERMISSIONS',
      payload: JSON.stringify(event),
      event,
    });
  });

  it('reads an event that a function failed to handle', () => {
    expect(readMessage(unhandled())).toMatchObject({
      kind: 'function',
      functionArn: `${functionArn}:$LATEST`,
      error: 'ServiceThrottled',
      payload: JSON.stringify(event),
      event,
    });
  });

  it('reads a payload that is not an event of EventBridge', () => {
    expect(readMessage(unhandled({ n: 1 }))).toMatchObject({ payload: '{"n":1}' });
    expect(readMessage(unhandled('text'))).toMatchObject({ payload: '"text"', event: {} });
  });

  it.each([
    ['without JSON', { Body: 'no' }, 'neither an undelivered event nor the record'],
    ['with other JSON', { Body: '{"a":1}' }, 'neither an undelivered event nor the record'],
    [
      "from a function's dead-letter queue",
      {
        Body: JSON.stringify(event),
        MessageAttributes: { RequestID: { DataType: 'String', StringValue: 'r' } },
      },
      'do not name the function',
    ],
    ['with the attributes only', undeliveredEvent({ body: { no: 'event' } }), 'but is not an event'],
  ])('rejects a message %s and does not quote it', (_what, message, reason) => {
    expect(() => readMessage(message)).toThrow(reason);
    expect(() => readMessage(message)).toThrow(expect.objectContaining({ name: 'RedeliveryError' }));
  });
});
