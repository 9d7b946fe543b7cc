import { beforeAll, describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { formatTarget } from '../../contracts/targets.ts';
import { templates } from '../../infra/templates.ts';
import { permissions, resources } from '../support/resources.ts';
import { decide } from './support/decisions.ts';

/**
 * App1 and App2 in two accounts: which requests the policies of both templates allow together, by the evaluation of policies
 * of the local AWS. test/accounts provisions with them.
 */

const APP1 = '111122223333';
const APP2 = '444455556666';
const { app1, app2 } = templates({ app1_account: APP1 });

const region = 'eu-central-1';
const arns = {
  key: `arn:aws:kms:${region}:${APP2}:key/cross-service`,
  credentialsKey: `arn:aws:kms:${region}:${APP2}:key/credentials`,
  secret: `arn:aws:secretsmanager:${region}:${APP2}:secret:app2-api-client-credentials-AbCdEf`,
  otherSecret: `arn:aws:secretsmanager:${region}:${APP2}:secret:other-AbCdEf`,
};

/** The Target string of App2. */
const TARGET = formatTarget({
  name: 'app2',
  api_url: 'https://example.com',
  client_id: 'client',
  key_arn: arns.key,
  secret_arn: arns.secret,
  bus_arn: `arn:aws:events:${region}:${APP2}:event-bus/app2-service-users`,
  password_policy: '12',
  creations_per_second: '23.5',
});

/** Evaluates CloudFormation's intrinsic functions in a policy, with App2's outputs as parameters. */
function resolve(value: unknown, account: string): unknown {
  if (Array.isArray(value)) return value.map((one) => resolve(one, account));
  if (typeof value !== 'object' || value === null) return value;
  const [[name, argument] = ['', undefined], ...more] = Object.entries(value);
  if (more.length === 0) {
    if (name === 'Ref' && String(argument).startsWith('MachineCredentials')) return arns.secret;
    if (name === 'Ref')
      return (
        {
          'AWS::Partition': 'aws',
          'AWS::Region': region,
          'AWS::AccountId': account,
          'AWS::URLSuffix': 'amazonaws.com',
          TargetApp2: TARGET,
        }[String(argument)] ?? String(argument)
      );
    if (name === 'Fn::Join') {
      const [glue, parts] = z.tuple([z.string(), z.array(z.unknown())]).parse(argument);
      return parts.map((part) => String(resolve(part, account))).join(glue);
    }
    if (name === 'Fn::Select') {
      const [index, list] = z.tuple([z.coerce.number(), z.unknown()]).parse(argument);
      return z.array(z.string()).parse(resolve(list, account))[index];
    }
    if (name === 'Fn::Split') {
      const [separator, text] = z.tuple([z.string(), z.unknown()]).parse(argument);
      return String(resolve(text, account)).split(separator);
    }
    if (name === 'Fn::GetAtt') return `arn:of:${JSON.stringify(argument)}`;
  }
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolve(one, account)]));
}

const document = z.looseObject({ Statement: z.array(z.unknown()) });

function policyOf(type: string, property: string, about: string): unknown {
  const found = resources(app2, type).find(([id]) => id.startsWith(about));
  return resolve(document.parse(found?.[1].Properties[property]), APP2);
}
const policies: Record<string, unknown> = {
  [arns.key]: policyOf('AWS::KMS::Key', 'KeyPolicy', 'CrossServiceKey'),
  [arns.credentialsKey]: policyOf('AWS::KMS::Key', 'KeyPolicy', 'CredentialsKey'),
  [arns.secret]: policyOf('AWS::SecretsManager::ResourcePolicy', 'ResourcePolicy', 'MachineCredentials'),
};

interface Request {
  who: string;
  action: string;
  resource: string;
  context: Record<string, string>;
}
const forTarget = (target: string) => ({ 'kms:EncryptionContext:target': target });
const throughSecretsManager = (SecretARN: string) => ({
  'kms:ViaService': `secretsmanager.${region}.amazonaws.com`,
  'kms:CallerAccount': APP1,
  'kms:EncryptionContext:SecretARN': SecretARN,
});

/** All permissions of App1 in App2's account ... */
const allowed: [string, Request][] = [
  [
    'encrypts a password for App2',
    {
      who: 'app1-encrypt-credentials',
      action: 'kms:ReEncryptTo',
      resource: arns.key,
      context: forTarget('app2'),
    },
  ],
  [
    'reads its credentials',
    { who: 'app1-call-target', action: 'secretsmanager:GetSecretValue', resource: arns.secret, context: {} },
  ],
  [
    'decrypts them through Secrets Manager',
    {
      who: 'app1-call-target',
      action: 'kms:Decrypt',
      resource: arns.credentialsKey,
      context: throughSecretsManager(arns.secret),
    },
  ],
];

/** ... and denied actions. */
const denied: [string, Request][] = [
  ...['app1', 'app3', ''].map((target): [string, Request] => [
    `encrypts for ${target || 'no target'}`,
    {
      who: 'app1-encrypt-credentials',
      action: 'kms:ReEncryptTo',
      resource: arns.key,
      context: forTarget(target),
    },
  ]),
  ...[
    'kms:Decrypt',
    'kms:Encrypt',
    'kms:ReEncryptFrom',
    'kms:GenerateDataKey',
    'kms:DescribeKey',
    'kms:CreateGrant',
    'kms:PutKeyPolicy',
    'kms:ScheduleKeyDeletion',
  ].map((action): [string, Request] => [
    `uses App2's key for ${action}`,
    { who: 'anything', action, resource: arns.key, context: forTarget('app2') },
  ]),
  ...['app1-start-provisioning', 'app1-call-target', 'app1-get-provisioning'].map(
    (who): [string, Request] => [
      `encrypts for App2 as ${who}`,
      { who, action: 'kms:ReEncryptTo', resource: arns.key, context: forTarget('app2') },
    ],
  ),
  ...['app1-encrypt-credentials', 'app1-start-provisioning'].map((who): [string, Request] => [
    `reads the credentials as ${who}`,
    { who, action: 'secretsmanager:GetSecretValue', resource: arns.secret, context: {} },
  ]),
  ...[
    'secretsmanager:PutSecretValue',
    'secretsmanager:DeleteSecret',
    'secretsmanager:RotateSecret',
    'secretsmanager:PutResourcePolicy',
  ].map((action): [string, Request] => [
    `changes the secret by ${action}`,
    { who: 'anything', action, resource: arns.secret, context: {} },
  ]),
  [
    'reads another secret of App2',
    { who: 'anything', action: 'secretsmanager:GetSecretValue', resource: arns.otherSecret, context: {} },
  ],
  [
    'decrypts the credentials without Secrets Manager',
    { who: 'app1-call-target', action: 'kms:Decrypt', resource: arns.credentialsKey, context: {} },
  ],
  [
    'decrypts another secret with that key',
    {
      who: 'app1-call-target',
      action: 'kms:Decrypt',
      resource: arns.credentialsKey,
      context: throughSecretsManager(arns.otherSecret),
    },
  ],
];

/** A third account, whose own policies allow every action. */
const stranger = allowed.map(([what, request]): [string, Request] => [what, { ...request, who: 'stranger' }]);

const everything = { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
const own = permissions(app1);

function requested({ who, action, resource, context }: Request) {
  const account = who === 'stranger' ? '999999999999' : APP1;
  const statements = own[who];
  return {
    principal: `arn:aws:sts::${account}:assumed-role/${who}/session`,
    identity_policy: statements === undefined ? everything : resolve({ Statement: statements }, APP1),
    resource_policy: policies[resource] ?? null,
    action,
    resource,
    context,
  };
}

const all = [...allowed, ...denied, ...stranger];
let decisions: Map<Request, string>;
beforeAll(() => {
  decisions = decide(all.map(([, request]) => [request, requested(request)] as const));
});

describe('App1, in an account of its own,', () => {
  it.each(allowed)('%s', (_what, request) => {
    expect(decisions.get(request)).toBe('Allow');
  });

  it.each(denied)('never %s', (_what, request) => {
    expect(decisions.get(request)).not.toBe('Allow');
  });
});

describe('a third account', () => {
  it.each(stranger)('never %s', (_what, request) => {
    expect(decisions.get(request)).not.toBe('Allow');
  });
});
