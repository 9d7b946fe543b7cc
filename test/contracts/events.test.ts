import { describe, expect, it } from '@jest/globals';
import { eventDetail, eventId, eventRows, events } from '../../contracts/events/catalogue.ts';
import { serviceKinds } from '../../contracts/services.ts';
import { ORIGIN } from '../support/api-events.ts';
import { golden, machineNames, tasks } from '../support/golden.ts';
import { CREATION_ID, PROVISIONING_ID, subject } from '../support/subject.ts';

const rows = eventRows;

describe('events', () => {
  it.each(serviceKinds)('of %s have a unique sequence number each', (publisher) => {
    const sequences = rows
      .filter(([, row]) => row.publisher === publisher && row.about === 'provisioning')
      .map(([, { sequence }]) => sequence);

    expect(new Set(sequences).size).toBe(sequences.length);
  });

  it.each([
    ['ServiceUserProvisioned', 'ServiceUserProvisioningRollBackFailed', 'ServiceUserProvisioningFailed'],
    ['ServiceUserProvisioned', 'ServiceUserProvisioningRollBackFailed', 'ServiceUserDeprovisioned'],
    ['ServiceUserCreated', 'ServiceUserRollBackFailed', 'ServiceUserCreationRolledBack'],
    ['ServiceUserCreated', 'ServiceUserRollBackFailed', 'ServiceUserRemoved'],
    ['ServiceUserCreationRolledBack', 'ServiceUserCreationCancelled'],
  ] as const)('have a higher sequence number if they occur later: %s, %s, %s', (...inOrder) => {
    const sequences = inOrder.map((name) => events[name].sequence);

    expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
  });

  it('of provisionings are exactly the events that the states publish', () => {
    const published = machineNames.flatMap((name) =>
      tasks(golden(name)).flatMap(([, task]) => JSON.stringify(task).match(/(?<="DetailType":")\w+/g) ?? []),
    );

    const ofProvisionings = rows.filter(([, { about }]) => about === 'provisioning');

    expect([...new Set(published)].sort()).toEqual(ofProvisionings.map(([name]) => name).sort());
  });

  it('have an id of service, provisioning, generation, sequence number and name', () => {
    const about = [PROVISIONING_ID, CREATION_ID];

    expect(eventId('payments', 'ServiceUserCreated', ...about)).toBe(
      `payments:${PROVISIONING_ID}:${CREATION_ID}:10:ServiceUserCreated`,
    );
    expect(new Set(rows.map(([name]) => eventId('payments', name, ...about))).size).toBe(rows.length);
  });

  it('have no field beyond their schema, so that a password is refused', () => {
    const { username, human_user_id } = subject;
    const event = {
      metadata: {
        event_id: eventId('payments', 'ServiceUserCreated', PROVISIONING_ID, CREATION_ID),
        schema_version: '1',
        provisioning_id: PROVISIONING_ID,
        creation_id: CREATION_ID,
        sequence: 10,
        occurred_at: '2026-01-01T00:00:00.000Z',
        actor: 'owner-app1',
        ...ORIGIN,
        asserted: ['human_user_id', 'on_behalf_of'],
      },
      data: { username, human_user_id, on_behalf_of: '111122223333/AROAEXAMPLE' },
    };
    const schema = eventDetail('ServiceUserCreated');

    expect(schema.safeParse(event).success).toBe(true);
    expect(schema.safeParse({ ...event, data: { ...event.data, password: 'p' } }).success).toBe(false);
  });
});
