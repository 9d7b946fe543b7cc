import { describe, expect, it } from '@jest/globals';
import { auditEventsOf } from '../../trace/audit.ts';

const id = '6f1d2a54-0c0e-4f7e-9d55-000000000001';
const message = (over: object = {}, metadata: object = {}) =>
  JSON.stringify({
    'detail-type': 'ServiceUserCreated',
    source: 'app2.service-users',
    detail: {
      metadata: {
        provisioning_id: id,
        event_id: `${id}:10:ServiceUserCreated`,
        occurred_at: '2026-01-02T09:00:00.000Z',
        ...metadata,
      },
      data: {},
    },
    ...over,
  });

describe('auditEventsOf', () => {
  it('adds the meaning of the catalogue', () => {
    const [event] = auditEventsOf([message()], id, 'app2');
    expect(event).toMatchObject({ name: 'ServiceUserCreated', bad: false });
    expect(event?.meaning).toMatch(/The user exists/);
  });

  it('keeps unknown events and unknown fields of the envelope', () => {
    const unknownEvent = message({ 'detail-type': 'SomethingNew' }, { trace_id: 'root-1' });
    const [event] = auditEventsOf([unknownEvent], id, 'app2');
    expect(event).not.toHaveProperty('meaning');
    expect(JSON.stringify(event?.event)).toContain('"trace_id":"root-1"');
  });

  it('removes repeats of an event', () => {
    expect(auditEventsOf([message(), message()], id, 'app2')).toHaveLength(1);
  });

  it('omits events of other provisionings', () => {
    const other = message({}, { provisioning_id: 'another', event_id: `of-another:${id}` });
    expect(auditEventsOf([other, '{"id":"not an audit event"}'], id, 'app2')).toEqual([]);
  });
});
