import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
} from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { configuration } from '../e2e/support/deployed.ts';
import {
  allPermissions,
  expectConditionHolds,
  type Permission,
  withoutPermission,
} from './support/permissions.ts';
import { restore, use } from './support/uses.ts';

/** Removes each permission of the synthesized templates, one at a time, and expects a failure. */

const events = new EventBridgeClient(configuration);
const permissions = allPermissions();
const actionsAndResources = permissions.filter(({ part }) => part !== 'condition');
const conditions = permissions.filter(({ part }) => part === 'condition');

/** One permission for each use. */
const uses = new Map<string, Permission>();
for (const permission of actionsAndResources) {
  const kind = /^(logs|sqs):/.exec(permission.action)?.[1] ?? 'its work';
  uses.set(`${JSON.stringify(Object.values(permission.principal)[0])}: ${kind}`, permission);
}

/** Enables or disables all rules: they would start the roll-backs that the functions under test have to start. */
async function changeRules(change: typeof DisableRuleCommand | typeof EnableRuleCommand): Promise<void> {
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  for (const { Name } of Rules) await events.send(new change({ Name }));
}
beforeAll(() => changeRules(DisableRuleCommand));
afterAll(() => changeRules(EnableRuleCommand));

describe('a principal with all its permissions', () => {
  it.each([...uses])('works: %s', async (_name, permission) => {
    await use(permission);
  });

  it.each(conditions.map((permission) => [permission.title, permission] as const))(
    'is denied an action that violates a condition: %s',
    async (_title, permission) => {
      await expectConditionHolds(permission);
    },
  );
});

describe('each permission is required, because a use fails without it', () => {
  it.each(actionsAndResources.map((permission) => [permission.title, permission] as const))(
    '%s',
    async (_title, permission) => {
      await expect(withoutPermission(permission, () => use(permission))).rejects.toThrow();
      await restore(permission.principal);
    },
  );

  it.each(conditions.map((permission) => [permission.title, permission] as const))(
    '%s',
    async (_title, permission) => {
      await expect(withoutPermission(permission, () => expectConditionHolds(permission))).rejects.toThrow(
        'is allowed although it violates the condition',
      );
    },
  );
});
