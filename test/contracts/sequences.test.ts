import { describe, expect, it } from '@jest/globals';
import type { EventName } from '../../contracts/events/catalogue.ts';
import { sequenceViolations } from '../../contracts/events/sequences.ts';

const valid: EventName[][] = [
  ['ServiceUserProvisioningRequested', 'ServiceUserProvisioned'],
  ['ServiceUserProvisioningRequested', 'ServiceUserProvisioned', 'ServiceUserDeprovisioned'],
  ['ServiceUserProvisioningRequested', 'ServiceUserProvisioningFailed'],
  ['ServiceUserProvisioningRequested', 'ServiceUserProvisioningCancelled'],
  ['ServiceUserProvisioningCancelled'],
  [
    'ServiceUserProvisioningRequested',
    'ServiceUserProvisioningRollBackFailed',
    'ServiceUserProvisioningFailed',
  ],
  ['ServiceUserCreated', 'ServiceUserRemoved'],
  ['ServiceUserCreationRejected'],
  ['ServiceUserRollBackFailed', 'ServiceUserCreationCancelled'],
];

const invalid: [EventName[], string][] = [
  [[], 'No event is the last event.'],
  [['ServiceUserProvisioningRequested'], 'ServiceUserProvisioningRequested is the last event.'],
  [['ServiceUserDeprovisioned'], 'ServiceUserDeprovisioned is the first event.'],
  [['ServiceUserRollBackFailed'], 'ServiceUserRollBackFailed is the last event.'],
  [
    ['ServiceUserCreationRejected', 'ServiceUserRemoved'],
    'ServiceUserRemoved follows ServiceUserCreationRejected.',
  ],
  [['ServiceUserCreated', 'ServiceUserProvisioned'], 'ServiceUserProvisioned follows ServiceUserCreated.'],
];

describe('sequenceViolations', () => {
  it.each(valid)('accepts %s %s %s', (...names) => {
    expect(sequenceViolations(names.filter(Boolean), { finished: true })).toEqual([]);
  });

  it.each(invalid)('reports %j: %s', (names, violation) => {
    expect(sequenceViolations(names, { finished: true })).toContain(violation);
  });

  it('accepts an incomplete sequence while the provisioning is running', () => {
    expect(sequenceViolations(['ServiceUserProvisioningRequested'], { finished: false })).toEqual([]);
  });
});
