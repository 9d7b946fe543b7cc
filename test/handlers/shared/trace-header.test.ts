import { afterEach, describe, expect, it } from '@jest/globals';
import { currentTraceId, traceHeader } from '../../../handlers/shared/trace-header.ts';
import { TRACE_ID } from '../../support/subject.ts';

const OTHER_TRACE = '1-69259e40-ffffffffffffffffffffffff';
const PARENT = '53995c3f42cd8ad8';

/** A header as Lambda sets it for one invocation. */
const invokedWith = (header: string) => {
  process.env['_X_AMZN_TRACE_ID'] = header;
};
afterEach(() => {
  delete process.env['_X_AMZN_TRACE_ID'];
});

describe('the trace of an invocation', () => {
  it('is propagated with parent and sampling decision only', () => {
    invokedWith(`Root=${TRACE_ID};Parent=${PARENT};Sampled=1;Lineage=1:a87bd80c:0`);

    expect(currentTraceId()).toBe(TRACE_ID);
    expect(traceHeader()).toBe(`Root=${TRACE_ID};Parent=${PARENT};Sampled=1`);
    expect(traceHeader(TRACE_ID)).toBe(`Root=${TRACE_ID};Parent=${PARENT};Sampled=1`);
  });

  it('differs between invocations', () => {
    invokedWith(`Root=${TRACE_ID};Parent=${PARENT};Sampled=1`);

    expect(traceHeader()).toContain(TRACE_ID);

    invokedWith(`Root=${OTHER_TRACE};Parent=${PARENT};Sampled=0`);

    expect(traceHeader()).toBe(`Root=${OTHER_TRACE};Parent=${PARENT};Sampled=0`);
  });

  it('is not the parent of a call for another trace', () => {
    invokedWith(`Root=${OTHER_TRACE};Parent=${PARENT};Sampled=1`);

    expect(traceHeader(TRACE_ID)).toBe(`Root=${TRACE_ID}`);
  });

  it('is undefined without a header', () => {
    expect(currentTraceId()).toBeUndefined();
    expect(traceHeader()).toBeUndefined();
    expect(traceHeader(TRACE_ID)).toBe(`Root=${TRACE_ID}`);
  });

  it.each(['', 'Sampled=1', 'Root=1-abc-def;Sampled=1', `Root=${TRACE_ID.toUpperCase()}`])(
    'is undefined for a malformed header: %j',
    (header) => {
      invokedWith(header);

      expect(currentTraceId()).toBeUndefined();
      expect(traceHeader()).toBeUndefined();
    },
  );

  it.each([
    ['is none', 'nonsense'],
    ['is of another version', TRACE_ID.replace('1-', '2-')],
    ['is too long', `${TRACE_ID}0`],
    ['would add a field', `${TRACE_ID};Sampled=1`],
    ['would add a header', `${TRACE_ID}\r\nX-Forged: 1`],
    ['is empty', ''],
  ])('makes no header from a stored id that %s', (_what, stored) => {
    invokedWith(`Root=${TRACE_ID};Parent=${PARENT};Sampled=1`);

    expect(traceHeader(stored)).toBeUndefined();
  });
});
