import { type Stack, Token, Validations } from 'aws-cdk-lib';
import { RegionInfo } from 'aws-cdk-lib/region-info';
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

/** Permissions that a role has on every execution of a machine: the machine has a fixed name, its executions do not. */
export function acknowledgeExecutionsOf(stack: Stack, machines: readonly string[]): void {
  for (const machine of machines)
    acknowledge(stack, {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${machine}:*]`]:
        'An execution is named after its provisioning, so its name is not known before; all belong to this service.',
    });
}

/**
 * Why a region of another partition than `aws` is refused.
 * docs.amazonaws.cn/en_us/aws/latest/userguide/cognito.html
 * docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-cog.html
 */
const OTHER_PARTITIONS: Readonly<Record<string, string>> = {
  'aws-cn': 'Cognito has no user pools there',
  'aws-us-gov': 'Cognito has FIPS endpoints only there, which the functions do not call',
};

/**
 * The system runs in regions of the partition `aws`. A region that CDK does not know is taken for one: new ones come.
 * @param region of the stack, or a token: then that of the credentials counts, which CDK's command line tells
 * @throws Error for a region of another partition
 */
export function checkPartition(region: string): void {
  const known = Token.isUnresolved(region) ? process.env['CDK_DEFAULT_REGION'] : region;
  const partition = known === undefined ? undefined : RegionInfo.get(known).partition;
  if (partition === undefined || partition === 'aws') return;
  const reason = OTHER_PARTITIONS[partition] ?? 'nobody has tried it';
  throw new Error(
    `${known} belongs to the partition ${partition}, in which this system does not run: ${reason} (docs/limits.md).`,
  );
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
