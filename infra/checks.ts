import { type Stack, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, type NagPack, ServerlessChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';

/** The rule packs that every template must meet; synthesis fails on a finding that nobody has answered for. */
export function rulePacks(app: IConstruct): NagPack[] {
  return [new AwsSolutionsChecks(app), new ServerlessChecks(app)];
}

/**
 * Answers for a finding: why it is right as it is. Stands next to what it is about, and holds for what is below it.
 * github.com/cdklabs/cdk-nag#acknowledging-a-rule
 */
export function acknowledge(construct: IConstruct, findings: Record<string, string>): void {
  for (const [id, reason] of Object.entries(findings)) Validations.of(construct).acknowledge({ id, reason });
}

/** Rights that a role has on every execution of a machine: the machine has a fixed name, its executions do not. */
export function acknowledgeExecutionsOf(stack: Stack, machines: readonly string[]): void {
  for (const machine of machines)
    acknowledge(stack, {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${machine}:*]`]:
        'An execution is named after its provisioning, so its name is not known before; all belong to this service.',
    });
}

/**
 * POST and DELETE of one provisioning contend for one execution name at App2, whoever sends them. A second consumer could
 * take a name that the first one is about to use, so there may be one only until the owner is part of the name.
 * @throws Error when there is another number of consumers than one
 */
export function checkOneConsumer(owners: readonly string[]): void {
  if (owners.length === 1) return;
  throw new Error(
    `App2 has ${owners.length} consumers (${owners.join(', ')}) and must have one: a second one could send DELETE for the id of another's provisioning before its POST, and so keep the user from being made (docs/security.md).`,
  );
}
