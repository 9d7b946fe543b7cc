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
import { otherTarget, targetNames } from './support/targets.ts';
import { restore, use } from './support/uses.ts';

/** Removes each permission of the synthesized templates, one at a time, and expects a failure. */

const events = new EventBridgeClient(configuration);
/**
 * Permissions whose removal has no effect within one account, where an AWS managed key encrypts the secrets of targets;
 * test/accounts removes them, and test/local-aws/two-accounts.test.ts decides requests with them.
 */
const acrossAccounts = ({ action, target, part, title }: Permission): boolean =>
  action === 'kms:Decrypt' && target !== undefined && (part === 'action' || title.includes('SecretARN'));
const permissions = allPermissions().filter((permission) => !acrossAccounts(permission));
const actionsAndResources = permissions.filter(({ part }) => part !== 'condition');
const conditions = permissions.filter(({ part }) => part === 'condition');

/** One permission for each use. */
const uses = new Map<string, Permission>();
for (const permission of actionsAndResources) {
  const kind = /^(logs|sqs):/.exec(permission.action)?.[1] ?? 'its work';
  const { target } = permission;
  const at = target === undefined ? '' : ` at ${target}`;
  uses.set(`${JSON.stringify(Object.values(permission.principal)[0])}: ${kind}${at}`, permission);
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

describe("App1's permission at one target", () => {
  const perTarget = actionsAndResources.flatMap((permission) =>
    permission.target === undefined ? [] : [[permission.title, permission, permission.target] as const],
  );

  it.each(targetNames)('exists for each function that has one: %s', (name) => {
    const titles = perTarget.filter(([, , target]) => target === name).map(([title]) => title);

    expect(titles.sort()).toEqual(
      [
        `app1-encrypt-credentials: kms:ReEncryptTo at ${name}`,
        `app1-call-target: secretsmanager:GetSecretValue on the resource of ${name}`,
      ].sort(),
    );
  });

  it.each(perTarget)('is not required for the other target: %s', async (_title, permission, target) => {
    await withoutPermission(permission, () => use({ ...permission, target: otherTarget(target) }));
  });
});
