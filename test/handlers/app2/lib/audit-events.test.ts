import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { publish } from '../../../../handlers/app2/lib/audit-events.ts';
import { TRACE_ID } from '../../../support/subject.ts';

const eventBridge = mockClient(EventBridgeClient);
const detail = {
  metadata: {
    event_id: 'app2:v-1:10:MachineCredentialsRotated',
    schema_version: '1',
    provisioning_id: null,
    creation_id: null,
    sequence: 10,
    occurred_at: '2026-01-01T00:00:00Z',
    actor: 'secretsmanager.amazonaws.com',
    causation_id: 'rotation:v-1',
    trace_id: null,
    asserted: [],
  },
  data: { secret_arn: 'arn:secret', version_id: 'v-1' },
} as const;
const rotated = () =>
  publish(new EventBridgeClient({}), { service: 'payments', busName: 'bus' }, 'MachineCredentialsRotated', {
    ...detail,
    metadata: { ...detail.metadata, asserted: [] },
  });
const entry = () => eventBridge.commandCalls(PutEventsCommand)[0]?.args[0].input.Entries?.[0];

beforeEach(() => {
  eventBridge.reset();
  eventBridge.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: 'e-1' }] });
});
afterEach(() => {
  delete process.env['_X_AMZN_TRACE_ID'];
});

describe('an event of a function', () => {
  it('contains the trace of the invocation', async () => {
    process.env['_X_AMZN_TRACE_ID'] = `Root=${TRACE_ID};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=x`;
    await rotated();

    expect(entry()).toMatchObject({
      EventBusName: 'bus',
      Detail: JSON.stringify(detail),
      TraceHeader: `Root=${TRACE_ID};Parent=53995c3f42cd8ad8;Sampled=1`,
    });
  });

  it('contains no trace without one', async () => {
    await rotated();

    expect(entry()).not.toHaveProperty('TraceHeader');
  });
});
