import { describe, expect, it } from '@jest/globals';
import { present } from '../local-aws/support/present.ts';
import { templatesOf, variants } from './variants.ts';

/** A deployment can be repeated: after a failed one, after a setting was removed and added, and in a second region. */

/** Deployments without settings and with all of them. */
const deployments = [...variants.filter(({ name }) => /^(no|all) settings/.test(name))].map((variant) => ({
  name: variant.name,
  resources: Object.values(templatesOf(variant)).flatMap(({ Resources }) =>
    Object.entries(Resources).map(([id, resource]) => ({ id, ...resource })),
  ),
}));
type Resource = (typeof deployments)[number]['resources'][number];

/** The property with the name, by type, for names that are unique per account and region. */
const NAME: Record<string, string> = {
  'AWS::EventSchemas::Registry': 'RegistryName',
  'AWS::EventSchemas::Schema': 'SchemaName',
  'AWS::Events::Archive': 'ArchiveName',
  'AWS::Events::EventBus': 'Name',
  'AWS::IAM::Role': 'RoleName',
  'AWS::Logs::LogGroup': 'LogGroupName',
  'AWS::SQS::Queue': 'QueueName',
  'AWS::SecretsManager::Secret': 'Name',
  'AWS::StepFunctions::StateMachine': 'StateMachineName',
};

/** Types without such a name: an account can have any number of them, or exactly one. */
const WITHOUT_NAME = ['AWS::ApiGateway::Account', 'AWS::Cognito::UserPool', 'AWS::KMS::Key'];

/** Types whose names are unique per account. */
const GLOBAL_NAME: Record<string, string> = {
  'AWS::CloudWatch::Dashboard': 'DashboardName',
  'AWS::IAM::Group': 'GroupName',
  'AWS::IAM::InstanceProfile': 'InstanceProfileName',
  'AWS::IAM::ManagedPolicy': 'ManagedPolicyName',
  'AWS::IAM::Role': 'RoleName',
  'AWS::IAM::User': 'UserName',
  'AWS::S3::Bucket': 'BucketName',
};

const isKept = ({ DeletionPolicy }: Resource) => (DeletionPolicy ?? 'Delete') !== 'Delete';
const nameOf = ({ Type, Properties }: Resource): unknown => Properties[NAME[Type] ?? ''];

describe.each(deployments)('the templates with $name', ({ resources }) => {
  it('retain only resources of types whose naming is known', () => {
    const types = new Set(resources.filter(isKept).map(({ Type }) => Type));

    expect([...types].filter((type) => !(type in NAME) && !WITHOUT_NAME.includes(type))).toEqual([]);
  });

  // AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy
  it('retain named resources except when their creation is rolled back', () => {
    const kept = resources.filter((resource) => isKept(resource) && nameOf(resource) !== undefined);

    expect(kept.length).toBeGreaterThan(10);
    for (const { id, DeletionPolicy, UpdateReplacePolicy } of kept)
      expect([id, DeletionPolicy, UpdateReplacePolicy]).toEqual([id, 'RetainExceptOnCreate', 'Retain']);
  });

  it('retain no named resource of an optional setting', () => {
    const always = present(deployments[0]).resources.map(nameOf);
    const bySetting = resources.filter((resource) => isKept(resource) && nameOf(resource) !== undefined);

    expect(bySetting.filter((resource) => !always.includes(nameOf(resource))).map(({ id }) => id)).toEqual(
      [],
    );
  });

  // AmazonCloudWatch/latest/monitoring/CloudWatch_Dashboards and IAM/latest/UserGuide/reference_iam-quotas
  it('have the region in every name that is unique per account', () => {
    const names = resources.flatMap(({ Type, Properties }) => Properties[GLOBAL_NAME[Type] ?? ''] ?? []);

    expect(names).toHaveLength(2);
    for (const name of names) expect(JSON.stringify(name)).toContain('{"Ref":"AWS::Region"}');
  });

  // AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl: ten per account and region, for all services together
  it("use none of the account's log resource policies", () => {
    expect(resources.filter(({ Type }) => Type === 'AWS::Logs::ResourcePolicy').map(({ id }) => id)).toEqual(
      [],
    );
  });
});
