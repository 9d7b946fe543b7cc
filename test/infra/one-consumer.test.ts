import { describe, expect, it } from '@jest/globals';
import { ownerGroups } from '../../contracts/app2-api.ts';
import { checkOneConsumer } from '../../infra/checks.ts';

describe('the consumers of App2', () => {
  it('are exactly one', () => {
    expect(() => checkOneConsumer(Object.values(ownerGroups))).not.toThrow();
  });

  it.each([[['owner-app1', 'owner-app3']], [['owner-app1', 'owner-app3', 'owner-app4']], [[]]])(
    'fail the synthesis with a reason when they are %j',
    (owners) => {
      expect(() => checkOneConsumer(owners)).toThrow(/must have one: a second one could send DELETE/);
    },
  );
});
