import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { backendByFlag } from '../../../handlers/app1/migration/backend.ts';
import { migrationFlag } from '../../../handlers/app1/migration/migration-flag.ts';
import { firstFlag } from '../../../infra/migration/first-flag.ts';
import { templates } from '../../../infra/templates.ts';
import { CALLER, signedRequest } from '../../support/api-events.ts';
import { permissions, resources } from '../../support/resources.ts';

const legacy = {
  legacy_endpoint: 'https://legacy.example.com/users',
  legacy_secret_arn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:legacy-api-key-AbCdEf',
};
const off = templates().app1;
const header = templates({ ...legacy, migration: 'header' }).app1;
const flag = templates({ ...legacy, migration: 'flag' }).app1;

const typesIn = (template: typeof off) =>
  [
    ...new Set(
      Object.entries(template.Resources).map(([id, { Type }]) => (id.startsWith('Migration') ? Type : '')),
    ),
  ]
    .filter((type) => /^AWS::(AppConfig|DynamoDB)::/.test(type))
    .sort();
const functionsIn = (template: typeof off) => Object.keys(permissions(template)).sort();
const ROUTER = 'app1-route-provisioning';

/** The function that serves POST. */
function entryOf(template: typeof off): string {
  const root = resources(template, 'AWS::ApiGateway::Method').find(
    ([id, { Properties }]) => Properties['HttpMethod'] === 'POST' && !id.includes('retry'),
  );
  const integration = JSON.stringify(root?.[1].Properties['Integration']);
  const found = resources(template, 'AWS::Lambda::Function').filter(([id]) =>
    integration.includes(`"${id}"`),
  );
  return String(found[0]?.[1].Properties['FunctionName']);
}

describe('without a migration', () => {
  it('the templates contain no resource of it', () => {
    expect(typesIn(off)).toEqual([]);
    expect(functionsIn(off)).not.toContain(ROUTER);
    expect(entryOf(off)).toBe('app1-start-provisioning');
    expect(JSON.stringify(off)).not.toMatch(/legacy|appconfig/i);
  });
});

describe.each([
  ['header', header, ['AWS::DynamoDB::Table'], []],
  [
    'flag',
    flag,
    [
      'AWS::AppConfig::Application',
      'AWS::AppConfig::ConfigurationProfile',
      'AWS::AppConfig::Deployment',
      'AWS::AppConfig::DeploymentStrategy',
      'AWS::AppConfig::Environment',
      'AWS::AppConfig::HostedConfigurationVersion',
      'AWS::DynamoDB::Table',
    ],
    ['appconfig:GetLatestConfiguration', 'appconfig:StartConfigurationSession'],
  ],
] as const)('while the %s decides', (_phase, template, types, more) => {
  it('the templates contain its resources', () => {
    expect(typesIn(template)).toEqual(types);
    expect(entryOf(template)).toBe(ROUTER);
  });

  it('the routing function has exactly these permissions, and all others are unchanged', () => {
    const start = permissions(off)['app1-start-provisioning']?.flatMap(({ Action }) => Action) ?? [];
    const { [ROUTER]: router = [], ...others } = permissions(template);

    expect(router.flatMap(({ Action }) => Action).sort()).toEqual(
      [...start, 'dynamodb:PutItem', 'secretsmanager:GetSecretValue', ...more].sort(),
    );
    expect(
      router.flatMap(({ Resource, Action }) => (Action.includes('xray:PutTraceSegments') ? [] : [Resource])),
    ).not.toContain('*');
    expect(others).toEqual(permissions(off));
  });

  it('none of its resources is retained', () => {
    const named = Object.entries(template.Resources).filter(([id]) => !(id in off.Resources));
    const kept = named.filter(([, { DeletionPolicy = 'Delete' }]) => DeletionPolicy !== 'Delete');

    // The logical ids of API Gateway deployments depend on their content.
    expect(kept.map(([, { Type }]) => Type).filter((type) => type !== 'AWS::ApiGateway::Deployment')).toEqual(
      [],
    );
  });
});

describe('a secret of the legacy endpoint under a customer managed key', () => {
  const key = 'arn:aws:kms:eu-central-1:111122223333:key/0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01';
  const under = templates({ ...legacy, migration: 'header', legacy_secret_key_arn: key }).app1;
  const permissionsOnKey = (template: typeof off) =>
    permissions(template)[ROUTER]?.filter(({ Resource }) => JSON.stringify(Resource).includes(key));

  it('can be read by the routing function through Secrets Manager only', () => {
    expect(permissionsOnKey(under)).toEqual([
      expect.objectContaining({
        Action: ['kms:Decrypt'],
        Condition: {
          StringEquals: {
            'kms:ViaService': {
              'Fn::Join': ['', ['secretsmanager.', { Ref: 'AWS::Region' }, '.', { Ref: 'AWS::URLSuffix' }]],
            },
            'kms:EncryptionContext:SecretARN': legacy.legacy_secret_arn,
          },
        },
      }),
    ]);
    expect(permissionsOnKey(header)).toEqual([]);
  });
});

describe('the first version of the flag', () => {
  it('routes no caller to the workflow, as AppConfig serves it', async () => {
    const [, version] = resources(flag, 'AWS::AppConfig::HostedConfigurationVersion')[0] ?? [];
    const content = z.string().parse(version?.Properties['Content']);
    const served = migrationFlag({
      appConfig: {
        send: async () => ({
          InitialConfigurationToken: 't',
          Configuration: Buffer.from(JSON.stringify(firstFlag.values)),
        }),
      },
      address: { application: 'a', environment: 'e', profile: 'p' },
      now: () => 0,
    });

    expect(JSON.parse(content)).toEqual(firstFlag);
    expect(await served()).toEqual({ enabled: true, percentage: 0, allow_list: [] });
    expect(backendByFlag(signedRequest({}, CALLER), 'ada', await served())).toBe('legacy');
  });

  it('is reverted by the alarm on the metric of the routing function', () => {
    const alarm = resources(flag, 'AWS::CloudWatch::Alarm').find(
      ([, { Properties }]) => Properties['AlarmName'] === 'app1-migration-workflow-fails',
    );

    expect(alarm?.[1].Properties).toMatchObject({
      MetricName: 'ProvisionedByWorkflowFailed',
      Dimensions: [{ Name: 'service', Value: ROUTER }],
    });
    expect(resources(flag, 'AWS::AppConfig::Environment')[0]?.[1].Properties['Monitors']).toEqual([
      { AlarmArn: { 'Fn::GetAtt': [alarm?.[0], 'Arn'] }, AlarmRoleArn: expect.anything() },
    ]);
  });
});
