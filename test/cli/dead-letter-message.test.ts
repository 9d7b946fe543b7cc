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

describe('a message of a dead-letter queue', () => {
  it('is for the target of a rule to which EventBridge could not deliver it', () => {
    expect(readMessage(undeliveredEvent())).toEqual({
      kind: 'rule',
      ruleArn,
      targetArn: logGroupArn,
      error: 'NO_PERMISSIONS',
      payload: JSON.stringify(event),
      event,
    });
  });

  it('is for the function that could not handle it', () => {
    expect(readMessage(unhandled())).toMatchObject({
      kind: 'function',
      functionArn: `${functionArn}:$LATEST`,
      error: 'ServiceThrottled',
      payload: JSON.stringify(event),
      event,
    });
  });

  it('is understood also when the function got no event of EventBridge', () => {
    expect(readMessage(unhandled({ n: 1 }))).toMatchObject({ payload: '{"n":1}' });
    expect(readMessage(unhandled('text'))).toMatchObject({ payload: '"text"', event: {} });
  });

  it.each([
    ['that has no JSON', { Body: 'no' }, 'neither an undelivered event nor the record'],
    ['that has other JSON', { Body: '{"a":1}' }, 'neither an undelivered event nor the record'],
    [
      "of a function's own dead-letter queue",
      {
        Body: JSON.stringify(event),
        MessageAttributes: { RequestID: { DataType: 'String', StringValue: 'r' } },
      },
      'does not say which function',
    ],
    ['with the attributes only', undeliveredEvent({ body: { no: 'event' } }), 'but is none'],
  ])('is for nobody when it is one %s, and is not quoted', (_what, message, reason) => {
    expect(() => readMessage(message)).toThrow(reason);
    expect(() => readMessage(message)).toThrow(expect.objectContaining({ name: 'RedeliveryError' }));
  });
});
