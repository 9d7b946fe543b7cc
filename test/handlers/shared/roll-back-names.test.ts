import { describe, expect, it } from '@jest/globals';
import {
  attemptIn,
  nextRollBackName,
  partsOfRollBackName,
  provisioningIdIn,
  rollBackName,
} from '../../../handlers/shared/roll-back-names.ts';
import { OTHER_CREATION_ID, PROVISIONING_ID, ROLL_BACK, subject } from '../../support/subject.ts';

describe('names of roll-backs', () => {
  it.each([1, 2, 10])('contain provisioning, generation and attempt %i', (attempt) => {
    const name = rollBackName(subject, attempt);

    expect(name).toBe(`${ROLL_BACK}.${attempt}`);
    expect(partsOfRollBackName(name)).toEqual({
      provisioning_id: PROVISIONING_ID,
      creation_id: subject.creation_id,
      attempt,
    });
    expect(provisioningIdIn(name)).toBe(PROVISIONING_ID);
    expect(attemptIn(name)).toBe(attempt);
  });

  it('meet the limits of Step Functions', () => {
    expect(rollBackName(subject, 999_999)).toMatch(/^[0-9A-Za-z._-]{1,80}$/);
  });

  it('differ between generations', () => {
    expect(rollBackName({ ...subject, creation_id: OTHER_CREATION_ID }, 1)).not.toBe(
      rollBackName(subject, 1),
    );
  });

  it.each([1, 2, 9, 10, 99])('continue with the next number after attempt %i', (attempt) => {
    expect(nextRollBackName(rollBackName(subject, attempt), subject)).toBe(
      rollBackName(subject, attempt + 1),
    );
  });

  it.each([PROVISIONING_ID, 'by-hand', `${ROLL_BACK}.x`, `${PROVISIONING_ID}.2`])(
    'do not match %s',
    (name) => {
      expect(partsOfRollBackName(name)).toBeUndefined();
      expect(attemptIn(name)).toBe(1);
      expect(nextRollBackName(name, subject)).toBe(`${ROLL_BACK}.1`);
    },
  );

  it('are distinguished from the name of an execution, which is the provisioning_id', () => {
    expect(provisioningIdIn(PROVISIONING_ID)).toBe(PROVISIONING_ID);
  });
});
