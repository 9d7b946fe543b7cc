import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
} from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { configuration } from '../e2e/support/deployed.ts';
import { allRights, onlyForItsOwn, type Right, without } from './support/permissions.ts';
import { repair, use } from './support/uses.ts';

/** Takes each right away that the synthesized templates give, one at a time, and sees something fail. */

const events = new EventBridgeClient(configuration);
const permissions = allRights();
const ofActions = permissions.filter(({ part }) => part !== 'condition');
const bounds = permissions.filter(({ part }) => part === 'condition');

/** Each use once, with all permissions. */
const uses = new Map<string, Right>();
for (const right of ofActions) {
  const kind = /^(logs|sqs):/.exec(right.action)?.[1] ?? 'its work';
  uses.set(`${JSON.stringify(Object.values(right.bearer)[0])}: ${kind}`, right);
}

/** The rules would roll back first what the functions are to find. */
async function rules(change: typeof DisableRuleCommand | typeof EnableRuleCommand): Promise<void> {
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  for (const { Name } of Rules) await events.send(new change({ Name }));
}
beforeAll(() => rules(DisableRuleCommand));
afterAll(() => rules(EnableRuleCommand));

describe('with all permissions works', () => {
  it.each([...uses])('%s', async (_name, right) => {
    await use(right);
  });

  it.each(bounds.map((right) => [right.title, right] as const))(
    'and is refused: %s',
    async (_title, right) => {
      await onlyForItsOwn(right);
    },
  );
});

describe('is needed, because something fails without', () => {
  it.each(ofActions.map((right) => [right.title, right] as const))('%s', async (_title, right) => {
    await expect(without(right, () => use(right))).rejects.toThrow();
    await repair(right.bearer);
  });

  it.each(bounds.map((right) => [right.title, right] as const))('%s', async (_title, right) => {
    await expect(without(right, () => onlyForItsOwn(right))).rejects.toThrow(
      'is allowed also for what is not its own',
    );
  });
});
