import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccessAnalyzerClient, ValidatePolicyCommand } from '@aws-sdk/client-accessanalyzer';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  DescribeTypeCommand,
  ListStackResourcesCommand,
  TypeNotFoundException,
} from '@aws-sdk/client-cloudformation';
import {
  CognitoIdentityProviderClient,
  DescribeUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { ListServiceQuotasCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Stack } from 'aws-cdk-lib';
import { mockClient } from 'aws-sdk-client-mock';
import { quotaFindings, quotasFor, userPoolFindings } from '../../cli/preflight/account.ts';
import { policyFindings } from '../../cli/preflight/definitions.ts';
import { missing, note, ok, unchecked } from '../../cli/preflight/finding.ts';
import type { Plan } from '../../cli/preflight/plan.ts';
import { accountsFinding, regionFinding, stackFinding } from '../../cli/preflight/stacks.ts';
import { synthesize } from '../../cli/preflight/synthesize.ts';
import { formatFindings, main } from '../../cli/preflight.ts';
import { EXAMPLE_ENVIRONMENT } from '../../infra/resolve.ts';
import { ServiceUsers } from '../../infra/service-users.ts';
import { withApp } from '../../infra/templates.ts';
import { customAttributes } from '../../infra/user-pool.ts';

const home = mkdtempSync(join(tmpdir(), 'home-'));
const plan = (context: Record<string, string> = {}, options = { target: 'app2' }): Plan => ({
  ...synthesize(context, { home, ...options }),
  environment: EXAMPLE_ENVIRONMENT,
  local: false,
  client: (Class) =>
    new Class({ region: 'eu-central-1', credentials: { accessKeyId: 'A', secretAccessKey: 'S' } }),
});
const plain = plan();

const analyzer = mockClient(AccessAnalyzerClient);
const quotas = mockClient(ServiceQuotasClient);
const cloudFormation = mockClient(CloudFormationClient);
const cognito = mockClient(CognitoIdentityProviderClient);
afterEach(() => {
  for (const mock of [analyzer, quotas, cloudFormation, cognito]) mock.reset();
});

describe('policyFindings', () => {
  it('validates every policy with Access Analyzer by its type', async () => {
    analyzer.on(ValidatePolicyCommand).resolves({ findings: [] });
    const found = await policyFindings(plain);
    const validated = analyzer.commandCalls(ValidatePolicyCommand).map(({ args: [{ input }] }) => input);

    expect(found).toMatchObject([{ verdict: 'ok', needed: `${validated.length} valid policies` }]);
    expect(validated.length).toBeGreaterThan(60);
    for (const { policyDocument = '' } of validated)
      expect(JSON.parse(policyDocument)).toHaveProperty('Statement');
    expect(
      new Set(validated.map((input) => `${input.policyType} ${input.validatePolicyResourceType ?? ''}`)),
    ).toEqual(
      new Set(['IDENTITY_POLICY ', 'RESOURCE_POLICY ', 'RESOURCE_POLICY AWS::IAM::AssumeRolePolicyDocument']),
    );
  });

  it.each([
    ['ERROR', 'missing'],
    ['SECURITY_WARNING', 'note'],
    ['SUGGESTION', 'ok'],
  ] as const)('maps the finding type %s to %s', async (findingType, verdict) => {
    const finding = {
      findingType,
      issueCode: 'INVALID_ACTION',
      findingDetails: 'There is no such action.',
      learnMoreLink: 'https://docs.aws.amazon.com/',
      locations: [],
    };
    const responses = [[finding]];
    analyzer.on(ValidatePolicyCommand).callsFake(async () => ({ findings: responses.pop() ?? [] }));

    expect((await policyFindings(plain)).map((one) => one.verdict)).toEqual([verdict]);
  });
});

describe('userPoolFindings', () => {
  const adopting = plan({ user_pool_id: 'eu-central-1_Existing' });
  const suitable = {
    UsernameConfiguration: { CaseSensitive: false },
    SchemaAttributes: [
      { Name: 'sub', Required: true, Mutable: false, AttributeDataType: 'String' as const },
      ...Object.entries(customAttributes).map(([name, length]) => ({
        Name: `custom:${name}`,
        Required: false,
        Mutable: false,
        AttributeDataType: 'String' as const,
        StringAttributeConstraints: { MinLength: '0', MaxLength: String(length) },
      })),
    ],
  };

  it('does not describe a pool that the stack creates', async () => {
    expect(await userPoolFindings(plain)).toEqual([]);
    expect(cognito.calls()).toEqual([]);
  });

  it('accepts an adopted pool that can have service users', async () => {
    cognito
      .on(DescribeUserPoolCommand, { UserPoolId: 'eu-central-1_Existing' })
      .resolves({ UserPool: suitable });

    expect(await userPoolFindings(adopting)).toMatchObject([
      { what: 'user pool eu-central-1_Existing', verdict: 'ok' },
    ]);
  });

  it('reports the rules of an adopted pool that its target does not know', async () => {
    const policy = { MinimumLength: 14, RequireLowercase: true, RequireSymbols: true, RequireNumbers: false };
    cognito
      .on(DescribeUserPoolCommand)
      .resolves({ UserPool: { ...suitable, Policies: { PasswordPolicy: policy } } });
    const relaxed = plan({
      user_pool_id: 'eu-central-1_Existing',
      password_characters: 'lowercase,uppercase,numbers',
    });

    expect(await userPoolFindings(relaxed)).toMatchObject([
      {
        verdict: 'missing',
        found: expect.stringContaining(
          'requires more than that of the service: at least 14 characters instead of 12, symbols.',
        ),
      },
    ]);
  });

  it('reports everything that an adopted pool lacks', async () => {
    cognito.on(DescribeUserPoolCommand).resolves({
      UserPool: { UsernameAttributes: ['email'], SchemaAttributes: suitable.SchemaAttributes.slice(2) },
    });

    expect(await userPoolFindings(adopting)).toMatchObject([
      {
        verdict: 'missing',
        found: expect.stringMatching(
          /no attribute custom:provisioning_id[\s\S]*sign in with email[\s\S]*case-sensitive/,
        ),
      },
    ]);
  });
});

describe('quotaFindings', () => {
  const all = (value: (name: string) => number | undefined) => {
    for (const ServiceCode of ['cognito-idp', 'states', 'lambda'])
      quotas.on(ListServiceQuotasCommand, { ServiceCode }).resolves({
        Quotas: quotasFor(plain)
          .filter(({ service }) => service === ServiceCode)
          .map(({ name: QuotaName }) => ({ QuotaName, Value: value(QuotaName) })),
      });
  };

  it('accepts quotas that suffice for the configured rates', async () => {
    all(() => 1_000);

    expect((await quotaFindings(plain)).map(({ verdict }) => verdict)).toEqual(
      quotasFor(plain).map(() => 'ok'),
    );
  });

  it('reports quotas that are too small and quotas that AWS does not list', async () => {
    all((name) =>
      name === 'Rate of UserUpdate requests' ? 10 : name === 'Concurrent executions' ? undefined : 1_000,
    );
    const found = (await quotaFindings(plain)).filter(({ verdict }) => verdict !== 'ok');

    expect(found).toMatchObject([
      {
        what: 'quota cognito-idp: Rate of UserUpdate requests',
        found: '10 per second',
        needed: '24.5 per second',
        verdict: 'missing',
      },
      { what: 'quota lambda: Concurrent executions', verdict: 'unchecked' },
    ]);
  });

  it('needs quotas that grow with the settings', () => {
    const needed = (of: Plan) => Object.fromEntries(quotasFor(of).map(({ name, needed }) => [name, needed]));

    const byDefault = needed(plain);
    const few = needed(plan({ creations_per_second: '5' }));
    const many = needed(plan({ compensation_concurrency: '50', describe_executions_per_second: '40' }));

    expect(few['StateTransition throttle token refill rate per second']).toBeLessThan(
      byDefault['StateTransition throttle token refill rate per second'] ?? 0,
    );
    expect(many['Concurrent executions']).toBeGreaterThan(300);
    expect(many['DescribeExecution throttle token refill rate per second']).toBe(40);
  });
});

describe('regionFinding', () => {
  it('accepts a region that supports every type', async () => {
    cloudFormation.on(DescribeTypeCommand).resolves({});

    expect(await regionFinding(plain, plain.stacks)).toMatchObject({ verdict: 'ok' });
  });

  it('names a type that the region does not support', async () => {
    cloudFormation
      .on(DescribeTypeCommand)
      .resolves({})
      .on(DescribeTypeCommand, { TypeName: 'AWS::Cognito::UserPool' })
      .rejects(new TypeNotFoundException({ message: 'none', $metadata: {} }));

    expect(await regionFinding(plain, plain.stacks)).toMatchObject({
      verdict: 'missing',
      found: 'no AWS::Cognito::UserPool',
    });
  });
});

describe('stackFinding', () => {
  it.each([
    ['CREATE_COMPLETE', 'ok'],
    ['UPDATE_ROLLBACK_COMPLETE', 'ok'],
    ['ROLLBACK_COMPLETE', 'ok'],
    ['DELETE_FAILED', 'missing'],
    ['UPDATE_ROLLBACK_FAILED', 'missing'],
    ['UPDATE_IN_PROGRESS', 'missing'],
  ] as const)('maps the status %s to %s', async (StackStatus, verdict) => {
    const stack = { StackName: 'App1', StackStatus, CreationTime: new Date() };
    cloudFormation.on(DescribeStacksCommand).resolves({ Stacks: [stack] });
    cloudFormation.on(ListStackResourcesCommand).resolves({ StackResourceSummaries: [] });
    const [app1] = plain.stacks;

    expect(app1 === undefined ? undefined : await stackFinding(plain, app1)).toMatchObject({ verdict });
  });
});

it('reports a protected stack that was never complete, which the next deployment cannot delete', async () => {
  const stack = { StackName: 'App1', CreationTime: new Date(), EnableTerminationProtection: true };
  cloudFormation
    .on(DescribeStacksCommand)
    .resolves({ Stacks: [{ ...stack, StackStatus: 'ROLLBACK_COMPLETE' }] });
  const [app1] = plain.stacks;

  expect(app1 === undefined ? undefined : await stackFinding(plain, app1)).toMatchObject({
    verdict: 'missing',
    remedy:
      'aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name App1',
  });
});

/** The cloud assembly of a team that has a service in a stack of its own. */
function teamAssembly(service = 'payments'): string {
  return withApp({}, (app) => {
    new ServiceUsers(new Stack(app, 'Shop'), 'Users', {
      service,
      consumer: '111122223333',
      rates: { creationsPerSecond: 7, statusPollsPerSecond: 2, describeExecutionsPerSecond: 40 },
    });
    const copy = mkdtempSync(join(tmpdir(), 'assembly-'));
    cpSync(app.synth().directory, copy, { recursive: true });
    return copy;
  });
}

describe('accountsFinding', () => {
  const inAccounts = (consumer: string | undefined, accounts: [app1: string, target: string]): Plan[] => {
    return plain.stacks.map((stack, n) => ({
      ...plain,
      target: { ...plain.target, name: 'payments', stack: 'Shop', consumer },
      stacks: [stack],
      environment: { ...EXAMPLE_ENVIRONMENT, account: accounts[n] ?? '' },
    }));
  };

  it('accepts the account of App1 as the consumer of the target', () => {
    expect(accountsFinding(inAccounts('111122223333', ['111122223333', '444455556666']))).toMatchObject({
      verdict: 'ok',
      found: expect.stringContaining('Shop in 444455556666'),
    });
  });

  it.each([undefined, '777788889999'])(
    'reports the consumer %s of a target in another account',
    (consumer) => {
      expect(accountsFinding(inAccounts(consumer, ['111122223333', '444455556666']))).toMatchObject({
        verdict: 'missing',
        found: expect.stringContaining(`the consumer of payments is ${consumer ?? 'not set'}`),
        remedy: "new ServiceUsers(…, { service: 'payments', consumer: '111122223333' })",
      });
    },
  );
});

describe('synthesize', () => {
  it("uses the settings of -c and of the user's .cdk.json", () => {
    const user = mkdtempSync(join(tmpdir(), 'home-'));
    writeFileSync(join(user, '.cdk.json'), JSON.stringify({ context: { creations_per_second: 7 } }));

    expect(synthesize({}, { target: 'app2', home: user }).settings.creationsPerSecond).toBe(7);
    expect(
      synthesize({ creations_per_second: '8' }, { target: 'app2', home: user }).settings.creationsPerSecond,
    ).toBe(8);
  });

  it('reads the stack of another target from the cloud assembly of its app', () => {
    const assembly = teamAssembly();

    const { stacks, target } = synthesize({}, { target: 'payments', assembly, home });

    expect(stacks.map(({ name, service }) => `${name} ${service}`)).toEqual(['App1 app1', 'Shop app2']);
    expect(target).toEqual({
      name: 'payments',
      stack: 'Shop',
      consumer: '111122223333',
      creationsPerSecond: 7,
      statusPollsPerSecond: 2,
      describeExecutionsPerSecond: 40,
    });
  });

  it('synthesizes the stack of another target of the local AWS', () => {
    const { stacks, target } = synthesize({ environment: 'local' }, { target: 'payments', home });

    expect(stacks.map(({ name }) => name)).toEqual(['App1', 'Payments']);
    expect(target).toMatchObject({ name: 'payments', consumer: undefined });
  });

  it.each([
    ['another target without the cloud assembly of its app', {}, 'belongs to the app of its team'],
    ['a folder that is not a cloud assembly', { assembly: home }, 'is not a cloud assembly'],
    ['a cloud assembly without the target', { assembly: teamAssembly('orders') }, 'No stack of'],
  ])('rejects %s', (_title, options, message) => {
    expect(() => synthesize({}, { target: 'payments', home, ...options })).toThrow(message);
  });

  it('rejects invalid settings with a CommandError', () => {
    expect(() => synthesize({ creations_per_second: '99' }, { target: 'app2', home })).toThrow(
      'The settings are not valid',
    );
  });
});

describe('formatFindings', () => {
  it('formats what was found and needed, the remedies, and the summary', () => {
    const rows = [
      ok('a', '1', '1'),
      note('b', '2', '1', 'Check it.'),
      missing('c', 'none', 'one', 'Create one.'),
      unchecked('d', 'no permission', 'Get it.'),
    ];

    expect(formatFindings(rows)).toBe(
      [
        '✔ a  1  (needed: 1)',
        '! b  2  (needed: 1)',
        '     → Check it.',
        '✖ c  none  (needed: one)',
        '     → Create one.',
        '? d  not checked: no permission',
        '     → Get it.',
        '1 ok, 1 missing, 1 to note, 1 not checked. A deployment would fail.',
      ].join('\n'),
    );
  });

  it.each([[['--context', 'nothing']], [['--unknown']]])(
    'is not printed for the wrong usage %j',
    async (args) => {
      await expect(main(args)).resolves.toBe(2);
    },
  );
});
