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

describe('audit events', () => {
  it('have the meaning that the catalogue gives them', () => {
    const [event] = auditEventsOf([message()], id, 'app2');
    expect(event).toMatchObject({ name: 'ServiceUserCreated', bad: false });
    expect(event?.meaning).toMatch(/The user exists/);
  });

  it('are shown whole, with fields of the envelope that are new, and when the catalogue does not know them', () => {
    const told = message({ 'detail-type': 'SomethingNew' }, { trace_id: 'root-1' });
    const [event] = auditEventsOf([told], id, 'app2');
    expect(event).not.toHaveProperty('meaning');
    expect(JSON.stringify(event?.event)).toContain('"trace_id":"root-1"');
  });

  it('are one when the same fact came twice', () => {
    expect(auditEventsOf([message(), message()], id, 'app2')).toHaveLength(1);
  });

  it('are only those of the provisioning', () => {
    const other = message({}, { provisioning_id: 'another', event_id: `of-another:${id}` });
    expect(auditEventsOf([other, '{"id":"no audit event"}'], id, 'app2')).toEqual([]);
  });
});
