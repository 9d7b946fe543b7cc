import { describe, expect, it } from '@jest/globals';
import { Stack } from 'aws-cdk-lib';
import { StringAttribute, UserPool, type UserPoolProps } from 'aws-cdk-lib/aws-cognito';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { targetString } from '../../contracts/targets.ts';
import { fixedName } from '../../infra/resolve.ts';
import { ServiceUsers, type ServiceUsersProps } from '../../infra/service-users.ts';
import { defaultPasswordPolicy } from '../../infra/settings.ts';
import { type Template, template, withApp } from '../../infra/templates.ts';
import { customAttributes } from '../../infra/user-pool.ts';
import { resources } from '../support/resources.ts';

/** The template of a stack to which `add` adds constructs. */
const templateWith = (
  add: (stack: Stack) => void,
  env: { account?: string; region?: string } = {},
  context: Record<string, string> = {},
): Template =>
  withApp(context, (app) => {
    const stack = new Stack(app, 'Services', { env });
    add(stack);
    return template.parse({
      Parameters: {},
      ...app.synth({ skipValidation: true }).getStackByName('Services').template,
    });
  });

/** The templates of this file so far: several tests read the same one. */
const made = new Map<string, Template>();

function templateOf(props: ServiceUsersProps, region = 'eu-central-1', account = '111122223333'): Template {
  const key = JSON.stringify([props, region, account]);
  const template =
    made.get(key) ?? templateWith((stack) => new ServiceUsers(stack, 'Users', props), { account, region });
  made.set(key, template);
  return template;
}

/** The fixed names of a template, by resource type. */
const namesIn = ({ Resources }: Template): string[] =>
  Object.values(Resources).flatMap((resource) => {
    const name = fixedName(resource);
    return name === undefined ? [] : [`${resource.Type} ${JSON.stringify(name)}`];
  });

describe('two targets in one account and region', () => {
  const payments = templateOf({ service: 'payments' });
  const orders = templateOf({ service: 'orders' });

  it('have no name in common', () => {
    const names = namesIn(payments);

    expect(names.length).toBeGreaterThan(50);
    expect(namesIn(orders).filter((name) => names.includes(name))).toEqual([]);
  });

  it('have names that contain the name of the service', () => {
    expect(namesIn(payments).filter((name) => !name.includes('payments'))).toEqual([]);
  });

  it('have no name beside those that the test knows', () => {
    const named = new Set(namesIn(payments).map((name) => name.split(' ')[0]));
    const others = Object.values(payments.Resources).filter(
      ({ Type, Properties }) =>
        !named.has(Type) &&
        !WITHIN_OTHERS.includes(Type) &&
        Object.keys(Properties).some(
          (property) => /^(\w*Name|Name)$/.test(property) && !REFERENCES.test(property),
        ),
    );

    expect(others.map(({ Type }) => Type)).toEqual([]);
  });

  it('write to their logs by policies of the log groups, so that neither uses one of the ten of the account', () => {
    expect(resources(payments, 'AWS::Logs::ResourcePolicy')).toEqual([]);
    expect(
      resources(payments, 'AWS::Logs::LogGroup').filter(
        ([, { Properties }]) => Properties['ResourcePolicyDocument'] !== undefined,
      ),
    ).toHaveLength(1);
  });
});

/** Types whose names are unique within another resource: a role, an API. */
const WITHIN_OTHERS = ['AWS::ApiGateway::Authorizer', 'AWS::IAM::Policy'];

/** Properties that name another resource of the template. */
const REFERENCES = /^(FunctionName|EventBusName|GroupName|LogGroupName|StageName|ClientName)$/;

it('a target in two regions has only names that may exist in each region', () => {
  const global = ['AWS::CloudWatch::Dashboard', 'AWS::IAM::Role', 'AWS::S3::Bucket'];
  const [one, other] = ['eu-central-1', 'eu-west-1'].map((region) =>
    namesIn(templateOf({ service: 'payments' }, region)).filter((name) =>
      global.some((type) => name.startsWith(type)),
    ),
  );

  expect(one).toEqual(['AWS::CloudWatch::Dashboard "payments-operations-eu-central-1"']);
  expect(other).toEqual(['AWS::CloudWatch::Dashboard "payments-operations-eu-west-1"']);
});

describe('the outputs of a target', () => {
  const { Outputs } = templateOf({ service: 'payments' });

  it('have the id of the construct in front of their names', () => {
    // CDK adds an output for each API.
    const names = Object.keys(Outputs).filter((name) => !name.startsWith('UsersServiceApiEndpoint'));

    expect(names.sort()).toEqual(
      [
        'AlarmTopicArn',
        'ApiUrl',
        'CredentialsSecretArn',
        'EventBusArn',
        'EventBusName',
        'KeyArn',
        'LogGroups',
        'MachineClientId',
        'PasswordPolicy',
        'RollBackStateMachineArn',
        'ServiceClientId',
        'ServiceUserGroup',
        'StateMachineArn',
        'Target',
        'UserPoolId',
      ].map((name) => `Users${name}`),
    );
  });

  it('contain the Target string', () => {
    const value = JSON.stringify(Outputs['UsersTarget']?.['Value']);
    const texts = [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text);

    expect(texts.find((text) => text.startsWith('payments,'))).toBeDefined();
    expect(targetString.parse('payments,https://x.example/v1,c,k,s,b,12:lowercase,23.5')).toMatchObject({
      name: 'payments',
    });
  });
});

describe('the consumer of a target', () => {
  const keysOf = (props: ServiceUsersProps) => resources(templateOf(props), 'AWS::KMS::Key').length;

  it('in another account needs a key for the secret', () => {
    expect(keysOf({ service: 'payments', consumer: '999999999999' })).toBe(
      keysOf({ service: 'payments' }) + 1,
    );
  });

  it('in the same account needs none', () => {
    expect(keysOf({ service: 'payments', consumer: '111122223333' })).toBe(keysOf({ service: 'payments' }));
  });
});

it.each(['app1', 'Payments', 'p', 'pay-ments'])('a target cannot have the name %s', (service) => {
  expect(() => templateOf({ service })).toThrow();
});

describe('a business endpoint', () => {
  const withRoutes = (...routes: ['GET' | 'POST', string][]) =>
    templateWith((stack) => {
      const users = new ServiceUsers(stack, 'Users', { service: 'payments' });
      const charges = new LambdaFunction(stack, 'Charges', {
        runtime: Runtime.NODEJS_24_X,
        handler: 'index.handler',
        code: Code.fromInline('exports.handler = async () => undefined'),
      });
      for (const [method, path] of routes) users.addBusinessRoute(method, path, charges);
    });

  it('is a method behind the authorizer, which knows the route', () => {
    const made = withRoutes(['POST', 'charges'], ['GET', 'charges/{charge_id}']);
    const methods = resources(made, 'AWS::ApiGateway::Method').map(([, { Properties }]) => Properties);
    const authorizer = resources(made, 'AWS::Lambda::Function').find(
      ([, { Properties }]) => Properties['FunctionName'] === 'payments-authorizer',
    );

    expect(methods).toHaveLength(5);
    for (const method of methods) expect(method).toMatchObject({ AuthorizationType: 'CUSTOM' });
    expect(authorizer?.[1].Properties['Environment']).toMatchObject({
      Variables: {
        BUSINESS_ROUTES: JSON.stringify([
          { method: 'POST', path: 'charges' },
          { method: 'GET', path: 'charges/{charge_id}' },
        ]),
      },
    });
  });

  it.each([
    'admin',
    'admin/users',
    'Admin/users',
    '{any}',
    '{any}/create-user',
    '/charges',
    'charges/*',
    'a//b',
    '',
  ])('cannot have the path %j', (path) => {
    expect(() => withRoutes(['POST', path])).toThrow(/is not allowed/);
  });
});

describe('a shared table of rate limiters', () => {
  const made = templateWith((stack) => {
    const payments = new ServiceUsers(stack, 'Payments', { service: 'payments' });
    new ServiceUsers(stack, 'Orders', { service: 'orders', rateLimits: payments.rateLimits });
  });

  it('is created once, and both targets use it', () => {
    const tables = resources(made, 'AWS::DynamoDB::Table').map(
      ([, { Properties }]) => Properties['TableName'],
    );
    const using = resources(made, 'AWS::Lambda::Function').flatMap(([, { Properties }]) =>
      JSON.stringify(Properties['Environment'] ?? {}).includes(
        '"RATE_LIMITS_TABLE":{"Ref":"PaymentsRateLimits',
      )
        ? [String(Properties['FunctionName'])]
        : [],
    );

    expect(tables.sort()).toEqual(['orders-sweep', 'payments-rate-limits', 'payments-sweep']);
    expect(using).toEqual(expect.arrayContaining(['payments-add-to-group', 'orders-add-to-group']));
    expect(using).toHaveLength(8);
  });
});

describe('an adopted user pool', () => {
  const attribute = (maxLen: number) => new StringAttribute({ mutable: false, maxLen });
  const suitable: UserPoolProps = {
    signInCaseSensitive: false,
    signInAliases: { username: true },
    customAttributes: Object.fromEntries(
      Object.entries(customAttributes).map(([name, maxLen]) => [name, attribute(maxLen)]),
    ),
  };
  const adopt = (props: UserPoolProps, passwordPolicy = defaultPasswordPolicy) =>
    templateWith((stack) => {
      const userPool = new UserPool(stack, 'Own', props);
      new ServiceUsers(stack, 'Users', { service: 'payments', userPool, passwordPolicy });
    });

  it('gets the groups and the app clients', () => {
    const made = adopt(suitable);

    expect(resources(made, 'AWS::Cognito::UserPool')).toHaveLength(1);
    expect(resources(made, 'AWS::Cognito::UserPoolGroup')).toHaveLength(3);
    expect(resources(made, 'AWS::Cognito::UserPoolClient')).toHaveLength(2);
  });

  it('is accepted by its id, for the preflight to check', () => {
    const made = templateWith((stack) => {
      const userPool = UserPool.fromUserPoolId(stack, 'Own', 'eu-central-1_Existing');
      new ServiceUsers(stack, 'Users', { service: 'payments', userPool });
    });

    expect(resources(made, 'AWS::Cognito::UserPool')).toEqual([]);
    expect(JSON.stringify(resources(made, 'AWS::Cognito::UserPoolClient'))).toContain(
      'eu-central-1_Existing',
    );
  });

  it.each([
    ['a longer password', { minLength: 16 }, {}, 'at least 16 characters instead of 12'],
    ['symbols', {}, { require_symbols: false }, 'symbols'],
    [
      'what Cognito requires by default',
      {},
      { minimum_length: 6, require_numbers: false },
      'at least 8 characters instead of 6, numbers',
    ],
  ])('that requires %s, unlike the service, fails the synthesis', (_title, passwordPolicy, of, differs) => {
    const policy = { ...defaultPasswordPolicy, ...of };

    expect(() => adopt({ ...suitable, passwordPolicy }, policy)).toThrow(
      `- Its password policy requires more than that of the service: ${differs}. Pass the policy of the pool`,
    );
  });

  it('that requires less than the service is accepted', () => {
    const passwordPolicy = { minLength: 8, requireSymbols: false };

    expect(() => adopt({ ...suitable, passwordPolicy })).not.toThrow();
  });

  it('that lacks something fails the synthesis with everything that it lacks', () => {
    const unsuitable = {
      signInCaseSensitive: true,
      signInAliases: { email: true },
      standardAttributes: { familyName: { required: true } },
      customAttributes: {
        ...suitable.customAttributes,
        owner: new StringAttribute({ mutable: true, maxLen: 255 }),
        human_user_id: attribute(100),
      },
    };

    expect(() => adopt({})).toThrow(
      /^Services\/Users: the user pool Services\/Own cannot have service users\.\n(- It has no attribute custom:\w+: add an immutable String of up to \d+ characters\.\n){5}- Its usernames are case-sensitive/,
    );
    expect(() => adopt(unsuitable)).toThrow(
      /human_user_id is not an immutable String of up to 512[\s\S]*owner is not[\s\S]*sign in with email[\s\S]*case-sensitive[\s\S]*requires family_name/,
    );
  });
});
