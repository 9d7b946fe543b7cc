import { describe, expect, it } from '@jest/globals';
import type { EventName } from '../../contracts/events/catalogue.ts';
import { sequenceViolations } from '../../contracts/events/sequences.ts';

const known: EventName[][] = [
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

const unknown: [EventName[], string][] = [
  [[], 'Nothing is the last fact.'],
  [['ServiceUserProvisioningRequested'], 'ServiceUserProvisioningRequested is the last fact.'],
  [['ServiceUserDeprovisioned'], 'ServiceUserDeprovisioned is the first fact.'],
  [['ServiceUserRollBackFailed'], 'ServiceUserRollBackFailed is the last fact.'],
  [
    ['ServiceUserCreationRejected', 'ServiceUserRemoved'],
    'ServiceUserRemoved follows ServiceUserCreationRejected.',
  ],
  [['ServiceUserCreated', 'ServiceUserProvisioned'], 'ServiceUserProvisioned follows ServiceUserCreated.'],
];

describe('the story of a provisioning at a service', () => {
  it.each(known)('may be %s %s %s', (...facts) => {
    expect(sequenceViolations(facts.filter(Boolean), { ended: true })).toEqual([]);
  });

  it.each(unknown)('is not %j', (facts, fault) => {
    expect(sequenceViolations(facts, { ended: true })).toContain(fault);
  });

  it('need not have an end while the provisioning is running', () => {
    expect(sequenceViolations(['ServiceUserProvisioningRequested'], { ended: false })).toEqual([]);
  });
});
