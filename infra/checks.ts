import { Token, Validations } from 'aws-cdk-lib';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { IConstruct } from 'constructs';

/**
 * Acknowledges findings, each with the reason, for a construct and its children.
 * @param findings reasons by the id of the rule
 * github.com/cdklabs/cdk-nag#acknowledging-a-rule
 */
export function acknowledge(construct: IConstruct, findings: Record<string, string>): void {
  for (const [id, reason] of Object.entries(findings)) Validations.of(construct).acknowledge({ id, reason });
}

/** Acknowledges permissions on all executions of a state machine: it has a fixed name, its executions do not. */
export function acknowledgeExecutionsOf(scope: IConstruct, machines: readonly string[]): void {
  for (const machine of machines)
    acknowledge(scope, {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${machine}:*]`]:
        'An execution has the id of its provisioning as its name, which is not known in advance. All belong to this service.',
    });
}

/**
 * Reasons why the regions of the other partitions are rejected.
 * docs.amazonaws.cn/en_us/aws/latest/userguide/cognito.html
 * docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-cog.html
 */
const OTHER_PARTITIONS: Readonly<Record<string, string>> = {
  'aws-cn': 'Cognito has no user pools there',
  'aws-us-gov': 'Cognito has FIPS endpoints only there, which the functions do not call',
};

/**
 * Checks that a region belongs to the partition `aws`. A region that CDK does not know is accepted: it may be new.
 * @param region the region of the stack; for a token, the region of the credentials that the CDK CLI passes
 * @throws Error for a region of another partition
 */
export function checkPartition(region: string): void {
  const known = Token.isUnresolved(region) ? process.env['CDK_DEFAULT_REGION'] : region;
  const partition = known === undefined ? undefined : RegionInfo.get(known).partition;
  if (partition === undefined || partition === 'aws') return;
  const reason = OTHER_PARTITIONS[partition] ?? 'it has not been tested there';
  throw new Error(
    `${known} belongs to the partition ${partition}, in which this system does not run: ${reason} (docs/limits.md).`,
  );
}

/**
 * Checks that App2 has one consumer. POST and DELETE of one provisioning compete for one execution name at App2, which does
 * not contain the consumer, so a second consumer could use a name before the first one does.
 * @throws Error when the number of consumers is not one
 */
export function checkOneConsumer(owners: readonly string[]): void {
  if (owners.length === 1) return;
  throw new Error(
    `App2 has ${owners.length} consumers (${owners.join(', ')}) and must have one: a second one could send DELETE for the id of another's provisioning before its POST, and so prevent the creation of the user (docs/security.md).`,
  );
}
