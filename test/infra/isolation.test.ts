import { describe, expect, it } from '@jest/globals';
import { Stack } from 'aws-cdk-lib';
import * as z from 'zod';
import { policiesIn } from '../../infra/policies.ts';
import { EXAMPLE_ENVIRONMENT, exampleTarget, fixedName, resolver } from '../../infra/resolve.ts';
import { ServiceUsers } from '../../infra/service-users.ts';
import { type Template, template, templates, withApp } from '../../infra/templates.ts';
import { resources } from '../support/resources.ts';

/** The permissions of App1 and two targets of one account: which of them reach a resource of another service. */

const { app1, app2 } = templates({ targets: 'app2,payments' });
const payments = withApp({}, (app) => {
  const stack = new Stack(app, 'Payments');
  new ServiceUsers(stack, 'Users', { service: 'payments' });
  return template.parse({ Parameters: {}, ...app.synth().getStackByName('Payments').template });
});
const services = { app1, app2, payments };
type ServiceName = keyof typeof services;

/** The accounts of the targets, by which the ARNs of their resources differ in the policies of App1. */
const accountOf = { app2: '222222222222', payments: '333333333333' } as const;
const environment = {
  ...EXAMPLE_ENVIRONMENT,
  parameters: {
    TargetApp2: exampleTarget('app2', accountOf.app2),
    TargetPayments: exampleTarget('payments', accountOf.payments),
  },
};
const arn = (service: string, target: keyof typeof accountOf, resource: string) =>
  `arn:aws:${service}:eu-central-1:${accountOf[target]}:${resource}`;

const list = z.union([z.array(z.unknown()), z.unknown().transform((value) => [value])]);
const statement = z.looseObject({
  Action: z.union([z.array(z.string()), z.string().transform((action) => [action])]),
  Resource: list,
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});
const document = z.looseObject({ Statement: z.array(statement) });
const attached = z.looseObject({ PolicyDocument: document, Roles: z.array(z.object({ Ref: z.string() })) });
const role = z.looseObject({
  Policies: z.array(z.looseObject({ PolicyDocument: document })).default([]),
  ManagedPolicyArns: list.optional(),
});

/** A logical id without the prefix of the construct and CDK's hash: that of a role, or of a dead-letter queue. */
const idOf = (logicalId: string): string =>
  logicalId.replace(/^Users/, '').replace(/(ServiceRole|Role)?[0-9A-F]{8}$/, '');

interface Grant {
  role: string;
  actions: string[];
  resource: unknown;
  condition: unknown;
}

/** Every permission of the roles of a template: one entry per statement and resource. */
function grantsIn(of: Template): Grant[] {
  const documents = [
    ...resources(of, 'AWS::IAM::Policy').flatMap(([, { Properties }]) => {
      const { PolicyDocument, Roles } = attached.parse(Properties);
      return Roles.map(({ Ref }) => ({ role: Ref, content: PolicyDocument }));
    }),
    ...resources(of, 'AWS::IAM::Role').flatMap(([id, { Properties }]) =>
      role.parse(Properties).Policies.map(({ PolicyDocument }) => ({ role: id, content: PolicyDocument })),
    ),
  ];
  return documents.flatMap(({ role: id, content }) =>
    content.Statement.flatMap(({ Action, Resource, Condition }) =>
      Resource.map((resource) => ({ role: idOf(id), actions: Action, resource, condition: Condition })),
    ),
  );
}

/** The logical ids that a value refers to. */
const referencesIn = (value: unknown): string[] =>
  [...JSON.stringify(value).matchAll(/\{"(?:Ref":"|Fn::GetAtt":\[")([^"]+)"/g)]
    .map(([, id = '']) => id)
    .filter((id) => !id.startsWith('AWS::'));

/** Whether a value of a policy is a resource of the template: by reference, or by a name that the template fixes. */
function isOwn(of: Template, value: unknown): boolean {
  const references = referencesIn(value);
  if (references.length > 0) return references.every((id) => id in of.Resources);
  const text = z.string().parse(resolver(of, environment)(value));
  const resolve = resolver(of, environment);
  const names = Object.values(of.Resources).map((each) => resolve(fixedName(each)));
  return names.includes(text.replace(/:\*$/, '').split(/[:/]/).at(-1));
}

/** The permissions of a service on resources that are not its own, resolved. */
function grantsElsewhere(service: ServiceName): Grant[] {
  const of = services[service];
  const resolve = resolver(of, environment);
  return grantsIn(of)
    .filter(({ resource }) => !isOwn(of, resource))
    .map(({ resource, condition, ...rest }) => ({
      ...rest,
      resource: resolve(resource),
      condition: resolve(condition),
    }));
}

/** Actions that AWS grants on `*` only, with the reason; a role of a function has those of X-Ray alone. */
const ON_EVERYTHING = {
  'xray:PutTelemetryRecords': 'writes the trace of the own calls',
  'xray:PutTraceSegments': 'writes the trace of the own calls',
  'xray:GetSamplingRules': 'reads how many traces are written',
  'xray:GetSamplingTargets': 'reads how many traces are written',
  // docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
  'logs:CreateLogDelivery': "delivers a state machine's log",
  'logs:DeleteLogDelivery': "delivers a state machine's log",
  'logs:DescribeLogGroups': "delivers a state machine's log",
  'logs:DescribeResourcePolicies': "delivers a state machine's log",
  'logs:GetLogDelivery': "delivers a state machine's log",
  'logs:ListLogDeliveries': "delivers a state machine's log",
  'logs:PutResourcePolicy': "delivers a state machine's log",
  'logs:UpdateLogDelivery': "delivers a state machine's log",
};

/** Whether a permission on `*` is one that AWS grants in no other way. */
const isUnavoidable = ({ role: of, actions, resource }: Grant): boolean =>
  resource === '*' &&
  actions.every(
    (action) => action in ON_EVERYTHING && (/^xray:/.test(action) || of.endsWith('StateMachine')),
  );

/** What App1 may do at a target, with the reason. */
const meantAt = (target: keyof typeof accountOf): readonly (Grant & { reason: string })[] => {
  const secret = arn('secretsmanager', target, `secret:${target}-AbCdEf`);
  return [
    {
      role: 'CallTarget',
      actions: ['secretsmanager:GetSecretValue'],
      resource: secret,
      condition: {},
      reason: 'App1 signs in with the credentials that the target has issued.',
    },
    {
      role: 'CallTarget',
      actions: ['kms:Decrypt'],
      resource: arn('kms', target, 'key/*'),
      condition: {
        StringEquals: {
          'kms:ViaService': 'secretsmanager.eu-central-1.amazonaws.com',
          'kms:EncryptionContext:SecretARN': secret,
        },
      },
      reason: 'In another account a customer managed key encrypts the secret, and App1 does not know its id.',
    },
    {
      role: 'EncryptCredentials',
      actions: ['kms:ReEncryptTo'],
      resource: arn('kms', target, 'key/00000000-0000-0000-0000-000000000000'),
      condition: { StringEquals: { 'kms:EncryptionContext:target': target } },
      reason: "App1 encrypts passwords for the target, and for no other target under the target's key.",
    },
  ];
};

const sorted = (grants: readonly Grant[]): string[] =>
  grants
    .map(({ role: of, actions, resource, condition }) => JSON.stringify([of, actions, resource, condition]))
    .sort();

describe('the roles', () => {
  it.each(Object.keys(services) as ServiceName[])(
    'of every function and state machine of %s have policies, which this test reads',
    (service) => {
      const principals = ['AWS::Lambda::Function', 'AWS::StepFunctions::StateMachine'].flatMap((type) =>
        resources(services[service], type),
      );
      const found = new Set(grantsIn(services[service]).map(({ role: of }) => of));

      expect(principals.length).toBeGreaterThan(10);
      expect(found.size).toBeGreaterThanOrEqual(principals.length);
    },
  );

  it('of App1 have exactly the listed permissions at each target', () => {
    const elsewhere = grantsElsewhere('app1').filter((grant) => !isUnavoidable(grant));

    expect(sorted(elsewhere)).toEqual(sorted([...meantAt('app2'), ...meantAt('payments')]));
  });

  it.each(['app2', 'payments'] as const)(
    'of %s have no permission on a resource of another service',
    (target) => {
      expect(grantsElsewhere(target).filter((grant) => !isUnavoidable(grant))).toEqual([]);
    },
  );

  it.each(Object.keys(services) as ServiceName[])(
    'of %s have no managed policy but that of the access logs of API Gateway',
    (service) => {
      const managed = resources(services[service], 'AWS::IAM::Role').flatMap(([id, { Properties }]) =>
        (role.parse(Properties).ManagedPolicyArns ?? []).map(
          (policy) => [idOf(id), JSON.stringify(policy)] as const,
        ),
      );

      for (const [, policy] of managed) expect(policy).toContain('AmazonAPIGatewayPushToCloudWatchLogs');
    },
  );
});

const resourcePolicy = z.looseObject({
  Statement: z.array(
    z.looseObject({
      Principal: z.union([z.literal('*'), z.record(z.string(), z.unknown())]),
      Condition: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
    }),
  ),
});

describe('the policies of resources', () => {
  const statementsOf = (service: ServiceName) =>
    policiesIn(services[service], environment)
      .filter(({ kind }) => kind === 'resource')
      .flatMap((policy) => resourcePolicy.parse(policy.document).Statement);

  it.each(Object.keys(services) as ServiceName[])(
    'of %s admit no principal of another service by its name',
    (service) => {
      const admitted = statementsOf(service).flatMap(({ Principal }) =>
        typeof Principal === 'string' ? [] : [Principal['AWS'] ?? []].flat(),
      );

      // The root of the account lets the policies of the account's roles decide.
      for (const principal of admitted)
        expect(['*', `arn:aws:iam::${environment.account}:root`]).toContain(principal);
    },
  );

  /** Sources that are not one resource of the service, with the reason. */
  const SHARED = {
    'cloudwatch:alarm:*': 'A team may send its own alarms to the topic of the service.',
    'states:stateMachine:*': 'CDK cannot name a state machine in the trust policy of its own role.',
  };

  it.each([
    ['app1', ['app2', 'payments'] as const],
    ['app2', []],
    ['payments', []],
  ] as const)("of %s accept requests from own sources, and from App1's rule at %j", (service, targets) => {
    const resolve = resolver(services[service], environment);
    const own = Object.entries(services[service].Resources).map(([id, each]) =>
      String(resolve(fixedName(each)) ?? id),
    );
    const isSource = (source: string): boolean => {
      const [, , of = '', , account, ...resource] = source.split(':');
      if (`${of}:${resource.join(':')}` in SHARED) return account === environment.account;
      const names = resource.join(':').split(/[:/*]/);
      return account === environment.account && own.some((name) => names.includes(name));
    };
    const sources = statementsOf(service).flatMap(({ Condition }) =>
      Object.values(Condition).flatMap((keys) => [keys['aws:SourceArn'] ?? []].flat().map(String)),
    );

    expect(sources.length).toBeGreaterThan(0);
    expect([...new Set(sources.filter((source) => !isSource(source)))].sort()).toEqual(
      targets.map((name) => arn('events', name, `rule/${name}-service-users/app1-notifications`)),
    );
  });
});

describe('the policies of a second target', () => {
  const SAMPLE = /sample/i;

  /** The grants of a target by the resolved text, with the name of the first target. */
  const asApp2 = (of: Template): string[] => {
    const resolve = resolver(of, environment);
    return grantsIn(of)
      .filter(({ role: id }) => !SAMPLE.test(id))
      .map(({ role: id, actions, resource, condition }) =>
        JSON.stringify([id, actions, resolve(resource), resolve(condition)]).replaceAll('payments', 'app2'),
      )
      .sort();
  };

  it("are those of App2 after the name is replaced, but for App2's own endpoint", () => {
    expect(asApp2(payments)).toEqual(asApp2(app2));
  });
});
