import { describe, expect, it } from '@jest/globals';
import { causationId, traceId } from '../../../contracts/origin.ts';
import { originAfter, originOf } from '../../../handlers/shared/origin.ts';
import { ORIGIN, signedRequest } from '../../support/api-events.ts';
import { PROVISIONING_ID, TRACE_ID } from '../../support/subject.ts';

const traced = (header: string) =>
  originOf(signedRequest({ headers: { 'X-Amzn-Trace-Id': header } })).trace_id;

describe('the origin of an execution', () => {
  it('is the request and its trace', () => {
    expect(originOf(signedRequest({}))).toEqual(ORIGIN);
  });

  it.each([
    `Root=${TRACE_ID}`,
    `Root=${TRACE_ID};Parent=53995c3f42cd8ad8;Sampled=1`,
    `Self=1-67891234-12456789abcdef012345678;Root=${TRACE_ID}`,
  ])('has the trace of %s', (header) => {
    expect(traced(header)).toBe(TRACE_ID);
  });

  it.each([
    '',
    'Root=',
    'Root=1-abc-def',
    `Root=${TRACE_ID}0`,
    `NotRoot=${TRACE_ID}`,
    `Root=${TRACE_ID.toUpperCase()}`,
  ])('has a new trace when the header is %j', (header) => {
    const [one, other] = [traced(header), traced(header)];

    expect(traceId.safeParse(one).success).toBe(true);
    expect(one).not.toBe(TRACE_ID);
    expect(one).not.toBe(other);
  });

  it('is, for a roll-back, the failed execution with its trace', () => {
    const machine = 'arn:aws:states:eu-central-1:111122223333:stateMachine:RollBackServiceUser';
    const origin = originAfter(machine, `${PROVISIONING_ID}.2`, { trace_id: TRACE_ID });

    expect(origin).toEqual({
      causation_id: `execution:RollBackServiceUser:${PROVISIONING_ID}.2`,
      trace_id: TRACE_ID,
    });
    expect(causationId.safeParse(origin.causation_id).success).toBe(true);
  });

  it('has no trace if the failed execution has none', () => {
    expect(originAfter('arn:…:stateMachine:CreateServiceUser', PROVISIONING_ID, {})).toEqual({
      causation_id: `execution:CreateServiceUser:${PROVISIONING_ID}`,
    });
  });
});
