import { describe, expect, it } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { MAX_TARGETS_PER_REQUEST } from '../../contracts/app1-api.ts';
import { targetFields } from '../../contracts/targets.ts';
import { EXAMPLE_ENVIRONMENT, exampleTarget, resolver } from '../../infra/resolve.ts';
import { MAX_TARGETS, readSettings } from '../../infra/settings.ts';
import { type Template, templates } from '../../infra/templates.ts';
import { permissions, resources } from '../support/resources.ts';

const settings = (context: Record<string, string>) => readSettings(new App({ context }).node);
const messageOf = (context: Record<string, string>): string => {
  try {
    settings(context);
    return '';
  } catch (error) {
    return String(error);
  }
};

describe('the setting targets', () => {
  it('registers App2 by default, and sends requests to it', () => {
    expect(settings({})).toMatchObject({
      targets: [{ name: 'app2', state: 'active' }],
      defaultTargets: ['app2'],
    });
  });

  it('has names with states, and the first active target as the default', () => {
    expect(settings({ targets: 'old:gone,orders:retired,payments,app2:active' })).toMatchObject({
      targets: [
        { name: 'old', state: 'gone' },
        { name: 'orders', state: 'retired' },
        { name: 'payments', state: 'active' },
        { name: 'app2', state: 'active' },
      ],
      defaultTargets: ['payments'],
    });
    expect(settings({ targets: 'app2,payments', default_targets: 'payments' }).defaultTargets).toEqual([
      'payments',
    ]);
  });

  it('reports all mistakes at once', () => {
    const message = messageOf({ targets: 'orders:closed,Payments,app1,old:gone,old:gone' });

    for (const mistake of [
      '"orders:closed": the state must be one of active, retired, gone',
      '"Payments": the name must be 2 to 20 lower-case letters and digits',
      '"app1": the name must not be app1',
      'old is named more than once',
      'at least one target must be active',
    ])
      expect(message).toContain(mistake);
  });

  it(`accepts ${MAX_TARGETS} targets and any number that are gone`, () => {
    const names = Array.from({ length: MAX_TARGETS }, (_, n) => `target${n}`);

    expect(settings({ targets: [...names, 'old:gone'].join() }).targets).toHaveLength(MAX_TARGETS + 1);
    expect(messageOf({ targets: [...names, 'another'].join() })).toContain(`at most ${MAX_TARGETS} targets`);
  });

  it.each([
    ['a retired target', 'orders'],
    ['a target that is gone', 'old'],
    ['an unknown target', 'unknown'],
    ['an active target and a retired one', 'app2,orders'],
    ['a target named twice', 'app2,payments,app2'],
    ['no target', ''],
  ])('does not accept %s as the default', (_what, default_targets) => {
    const targets = 'app2,payments,orders:retired,old:gone';

    expect(messageOf({ targets, default_targets })).toContain('default_targets');
  });

  it(`accepts up to ${MAX_TARGETS_PER_REQUEST} targets as the default`, () => {
    const names = Array.from({ length: MAX_TARGETS_PER_REQUEST }, (_, n) => `target${n}`);
    const targets = [...names, 'another'].join();

    expect(settings({ targets, default_targets: names.join() }).defaultTargets).toEqual(names);
    expect(messageOf({ targets, default_targets: targets })).toContain(
      `must not name more than ${MAX_TARGETS_PER_REQUEST} targets`,
    );
  });
});

/** The templates of a deployment with two targets, one that is retired and one that is gone. */
const { app1 } = templates({ targets: 'app2,payments,orders:retired,old:gone' });
const PRESENT = ['app2', 'payments', 'orders'] as const;
const accountOf = { app2: '111122223333', payments: '444455556666', orders: '777788889999' } as const;
const environment = {
  ...EXAMPLE_ENVIRONMENT,
  parameters: {
    TargetApp2: exampleTarget('app2', accountOf.app2),
    TargetPayments: exampleTarget('payments', accountOf.payments),
    TargetOrders: exampleTarget('orders', accountOf.orders),
  },
};
const resolve = resolver(app1, environment);
const arn = (service: string, name: keyof typeof accountOf, resource: string) =>
  `arn:aws:${service}:eu-central-1:${accountOf[name]}:${resource}`;
const statementsOf = (name: string) =>
  (permissions(app1)[name] ?? []).map(({ Action, Resource, Condition }) => ({
    actions: Action,
    resource: resolve(Resource),
    condition: resolve(Condition),
  }));
const functionsOf = (template: Template) =>
  resources(template, 'AWS::Lambda::Function').map(([, { Properties }]) =>
    String(Properties['FunctionName']),
  );
const targetsOf = (name: string): unknown => {
  const found = resources(app1, 'AWS::Lambda::Function').find(
    ([, { Properties }]) => Properties['FunctionName'] === name,
  );
  const resolved = resolve(found?.[1].Properties['Environment']) as { Variables: Record<string, string> }; // as CloudFormation resolves it
  return JSON.parse(resolved.Variables['TARGETS'] ?? '');
};

describe('the stack of App1', () => {
  it('has a parameter for each target that is not gone', () => {
    const names = Object.keys(app1.Parameters).filter((name) => name.startsWith('Target'));

    expect(names).toEqual(['TargetApp2', 'TargetPayments', 'TargetOrders']);
  });

  it('refuses the Target string of another target', () => {
    const { AllowedPattern } = app1.Parameters['TargetPayments'] as { AllowedPattern: string }; // as CDK writes it
    const accepts = (line: string) => new RegExp(AllowedPattern).test(line);

    expect(accepts(exampleTarget('payments', accountOf.payments))).toBe(true);
    expect(accepts(`${exampleTarget('payments', accountOf.payments)},of-a-later-release`)).toBe(true);
    expect(accepts(exampleTarget('app2', accountOf.app2))).toBe(false);
    expect(accepts(exampleTarget('payments2', accountOf.app2))).toBe(false);
    expect(accepts('payments,https://example.com')).toBe(false);
  });

  it('has no further function for a further target', () => {
    expect(functionsOf(app1)).toEqual(functionsOf(templates().app1));
  });

  it('lets EncryptCredentials use the key of each target for its passwords only', () => {
    const encrypting = statementsOf('app1-encrypt-credentials').filter(({ actions }) =>
      actions.includes('kms:ReEncryptTo'),
    );

    expect(encrypting).toEqual(
      PRESENT.map((name) => ({
        actions: ['kms:ReEncryptTo'],
        resource: arn('kms', name, 'key/00000000-0000-0000-0000-000000000000'),
        condition: { StringEquals: { 'kms:EncryptionContext:target': name } },
      })),
    );
  });

  it('lets call-target read the secret of each target, decrypted through Secrets Manager only', () => {
    const statements = statementsOf('app1-call-target');
    const secretOf = (name: (typeof PRESENT)[number]) => arn('secretsmanager', name, `secret:${name}-AbCdEf`);

    expect(statements.filter(({ actions }) => actions.includes('secretsmanager:GetSecretValue'))).toEqual([
      {
        actions: ['secretsmanager:GetSecretValue'],
        resource: expect.arrayContaining(PRESENT.map(secretOf)),
        condition: undefined,
      },
    ]);
    expect(statements.filter(({ actions }) => actions.length === 1 && actions[0] === 'kms:Decrypt')).toEqual(
      PRESENT.map((name) => ({
        actions: ['kms:Decrypt'],
        resource: arn('kms', name, 'key/*'),
        condition: {
          StringEquals: {
            'kms:ViaService': 'secretsmanager.eu-central-1.amazonaws.com',
            'kms:EncryptionContext:SecretARN': secretOf(name),
          },
        },
      })),
    );
  });

  it('gives each function only the fields of targets that it needs', () => {
    const fieldsOf = (name: string) => {
      const entries = targetsOf(name) as Record<string, string>[]; // as infra/registry.ts writes it
      return [...new Set(entries.flatMap((entry) => Object.keys(entry)))];
    };

    expect(fieldsOf('app1-start-provisioning')).toEqual(['name', 'state', 'password_policy']);
    expect(fieldsOf('app1-encrypt-credentials')).toEqual(['name', 'state', 'key_arn']);
    expect(fieldsOf('app1-call-target')).toEqual(['name', 'state', 'api_url', 'client_id', 'secret_arn']);
    expect(fieldsOf('app1-get-provisioning')).toEqual(['name', 'state']);
    expect(targetsOf('app1-retry-provisioning')).toEqual([
      { name: 'app2', state: 'active' },
      { name: 'payments', state: 'active' },
      { name: 'orders', state: 'retired' },
      { name: 'old', state: 'gone' },
    ]);
  });

  // docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
  it('fits the addresses of the most targets with the longest names into 4 KB of environment variables', () => {
    const names = Array.from({ length: MAX_TARGETS }, (_, n) => `t${String(n).padStart(19, '0')}`);
    const { app1: largest } = templates({ targets: names.join() });
    const region = 'ap-southeast-1';
    const parameters = Object.fromEntries(
      names.map((name) => [
        `Target${name.toUpperCase().slice(0, 1)}${name.slice(1)}`,
        [
          name,
          `https://abcdefghij.execute-api.${region}.amazonaws.com/v1/`,
          '0123456789abcdefghijklmnop',
          `arn:aws:kms:${region}:111122223333:key/00000000-0000-0000-0000-000000000000`,
          `arn:aws:secretsmanager:${region}:111122223333:secret:${name}-api-client-credentials-AbCdEf`,
          `arn:aws:events:${region}:111122223333:event-bus/${name}-service-users`,
          '12:lowercase:uppercase:numbers:symbols',
          '23.5',
        ].join(),
      ]),
    );
    const resolveLargest = resolver(largest, { ...EXAMPLE_ENVIRONMENT, region, parameters });

    expect(Object.values(parameters)[0]?.split(',')).toHaveLength(targetFields.length);
    for (const [, { Properties }] of resources(largest, 'AWS::Lambda::Function')) {
      const { Variables } = resolveLargest(Properties['Environment']) as {
        Variables: Record<string, string>;
      }; // as CloudFormation resolves it
      const size = Object.entries(Variables).flat().join('').length;
      expect([Properties['FunctionName'], size < 4096]).toEqual([Properties['FunctionName'], true]);
    }
  });
});
