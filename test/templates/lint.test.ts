import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Policy, policiesIn } from '../../infra/policies.ts';
import { EXAMPLE_ENVIRONMENT } from '../../infra/resolve.ts';
import type { Template } from '../../infra/templates.ts';
import { templatesOf, variants } from '../infra/variants.ts';
import { partsOf } from './lint/parts.ts';
import {
  type Acknowledgement,
  cfnLint,
  type Finding,
  lintPython,
  PATIENCE,
  parliament,
  unacknowledged,
} from './lint/tools.ts';

/** Accepted warnings of cfn-lint. */
const cfnLintAcknowledgements: Acknowledgement[] = [
  {
    rule: 'W3005',
    about: /: Resources\/\w+\/DependsOn\//,
    why: "CDK adds a dependency of functions and state machines on their role and its policy. The reference to the role's ARN implies the first.",
  },
];

/** Accepted findings of parliament. */
const parliamentAcknowledgements: Acknowledgement[] = [
  {
    rule: 'RESOURCE_MISMATCH',
    about: /states:DescribeExecution.*:express:/,
    why: 'Parliament requires a resource of each type of the action. The state machines are Standard workflows without express executions.',
  },
  {
    rule: 'RESOURCE_MISMATCH',
    about: /states:ListExecutions.*:mapRun:/,
    why: 'No state machine has a distributed map, so there are no map runs.',
  },
  {
    rule: 'RESOURCE_MISMATCH',
    about: /states:SendTaskFailure/,
    why: 'The service authorization reference lists no resource for SendTask…; AWS checks the state machine of a Lambda task all the same (tested on AWS in github.com/aws/aws-cdk/pull/8486; CDK grants it so).',
  },
  {
    rule: 'RESOURCE_STAR',
    about: /cloudwatch:DescribeAlarms/,
    why: 'AppConfig describes all alarms at once (docs.aws.amazon.com/appconfig/latest/userguide/getting-started-with-appconfig-cloudwatch-alarms-permissions.html).',
  },
  {
    rule: 'RESOURCE_STAR',
    about: /AWS::KMS::Key/,
    why: "In a key's policy `*` is the key itself (docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html).",
  },
];

const made = () => variants.map((variant) => ({ name: variant.name, of: templatesOf(variant) }));

/** The distinct policies of all variants, by unique names. */
function policiesOf(templates: ReturnType<typeof made>): Map<string, Policy> {
  const policies = new Map<string, Policy>();
  const seen = new Set<string>();
  for (const { name, of } of templates)
    for (const [service, template] of Object.entries(of))
      for (const policy of policiesIn(template, EXAMPLE_ENVIRONMENT)) {
        const content = `${service} ${policy.path} ${JSON.stringify(policy.document)}`;
        if (seen.has(content)) continue;
        seen.add(content);
        policies.set(`${service} with ${name}: ${policy.path} (${policy.resourceType})`, policy);
      }
  return policies;
}

/** Adds the role as the resource of a trust policy, which parliament requires. */
const asIdentityPolicy = ({ resourceType, document }: Policy): unknown =>
  resourceType !== 'AWS::IAM::Role'
    ? document
    : JSON.parse(
        JSON.stringify(document).replaceAll(
          '"Effect":',
          '"Resource":"arn:aws:iam::111122223333:role/trusting","Effect":',
        ),
      );

let python: string;
let templates: ReturnType<typeof made>;

beforeAll(async () => {
  const installed = lintPython();
  templates = made();
  python = await installed;
}, PATIENCE);

describe('cfn-lint', () => {
  const wholeToo = variants.map(({ name }) => name).filter((name) => name.startsWith('all settings'));

  it(
    'finds no error and no unacknowledged warning in any variant of the templates',
    async () => {
      const found = await cfnLint(python, partsOf(templates, wholeToo));

      expect(unacknowledged(found, cfnLintAcknowledgements)).toEqual({ findings: [], unused: [] });
    },
    PATIENCE,
  );

  it(
    'finds an invalid value, an unknown property and an unknown attribute',
    async () => {
      const template = {
        Resources: {
          Group: { Type: 'AWS::Logs::LogGroup', Properties: { RetentionInDays: 91 } },
          Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueNames: 'a' } },
        },
        Outputs: { Url: { Value: { 'Fn::GetAtt': ['Queue', 'Url'] } } },
      };

      expect(rulesAt(await cfnLint(python, [{ name: 'seeded', template }]))).toEqual([
        'E3002 at seeded: Resources/Queue/Properties/QueueNames',
        'E3030 at seeded: Resources/Group/Properties/RetentionInDays',
        'E6101 at seeded: Outputs/Url/Value/Fn::GetAtt/1',
      ]);
    },
    PATIENCE,
  );
});

describe('parliament', () => {
  it(
    'finds nothing unacknowledged in the policies of any variant',
    async () => {
      const policies = [...policiesOf(templates)].map(([name, policy]) => [name, asIdentityPolicy(policy)]);
      const found = await parliament(python, Object.fromEntries(policies));

      expect(policies.length).toBeGreaterThan(100);
      expect(unacknowledged(found, parliamentAcknowledgements)).toEqual({ findings: [], unused: [] });
    },
    PATIENCE,
  );

  it(
    'finds an unknown action, a mismatched resource and an unknown condition key',
    async () => {
      const of = (statement: object) => ({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', ...statement }],
      });
      const pool = 'arn:aws:cognito-idp:eu-central-1:111122223333:userpool/eu-central-1_Example';
      const found = await parliament(python, {
        action: of({ Action: 'cognitoidentityprovider:AdminCreateUser', Resource: pool }),
        resource: of({ Action: 'states:StartExecution', Resource: pool }),
        condition: of({
          Action: 'cognito-idp:AdminCreateUser',
          Resource: pool,
          Condition: { StringEquals: { 'events:source': 'app2' } },
        }),
      });

      expect(rulesAt(found)).toEqual([
        'UNKNOWN_PREFIX at action',
        'RESOURCE_MISMATCH at resource',
        'UNKNOWN_CONDITION_FOR_ACTION at condition',
      ]);
    },
    PATIENCE,
  );
});

it('only the new parts of a variant are linted, with what they reference', () => {
  const template = (retention: number): Template => ({
    Parameters: { Days: { Default: 1 }, Other: {} },
    Outputs: {},
    Resources: {
      Key: { Type: 'AWS::KMS::Key', Properties: { Days: { Ref: 'Days' } } },
      Group: { Type: 'AWS::Logs::LogGroup', Properties: { retention, Key: { 'Fn::Sub': `\${Key.Arn}` } } },
      Queue: { Type: 'AWS::SQS::Queue', Properties: {} },
    },
  });
  const [first, same, other] = [template(30), template(30), template(60)];
  const empty: Template = { Parameters: {}, Outputs: {}, Resources: {} };
  const { Key, Group } = other.Resources;

  expect(
    partsOf(
      [first, same, other].map((app1, index) => ({ name: `${index}`, of: { app1, app2: empty } })),
      [],
    ),
  ).toEqual([
    { name: 'app1 with 0', template: first },
    { name: 'app2 with 0', template: empty },
    {
      name: 'app1 with 2',
      template: { Parameters: { Days: { Default: 1 } }, Resources: { Key, Group } },
    },
  ]);
});

const rulesAt = (findings: Finding[]): string[] => findings.map(({ rule, at }) => `${rule} at ${at}`);
