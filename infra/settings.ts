import { RemovalPolicy } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Node } from 'constructs';
import * as z from 'zod';
import { type Group, groups } from '../contracts/app2-api.ts';
import { MINIMUM_LENGTH, type PasswordPolicy } from '../contracts/password-policy.ts';
import { describeExecutionQuota, statusPollsPerSecond } from '../contracts/quotas.ts';
import { RUNBOOKS } from './alarm-text.ts';
import { nearest } from './nearest.ts';

export { names } from './names.ts';

const accountId = z.string().regex(/^\d{12}$/, 'must be an account id of 12 digits');

/** Cognito's quota of AddUserToGroup and DeleteUser together, which cannot be raised. */
export const GROUP_CHANGES_PER_SECOND = 25;

/** How many creations App2 starts per second, unless it is set; docs/limits.md says why. */
export const DEFAULT_CREATIONS_PER_SECOND = 23.5;

/**
 * What of the ceiling above `creations_per_second` is for callers that have few creations in the queue. The rest is
 * always free for compensation.
 */
const EXPRESS_PART = 2 / 3;

/** How many creations may start per second beside the queue. */
export const expressCreationsPerSecond = (creationsPerSecond: number): number =>
  (GROUP_CHANGES_PER_SECOND - creationsPerSecond) * EXPRESS_PART;

/** The local AWS has no quota of DescribeExecution. App2 waits for as many creations there as with one of 40 per second. */
const LOCAL_QUOTA = 1_000;
const LOCAL_STATUS_POLLS = 4;

const DEFAULT_MINIMUM_LENGTH = 12;

/** Kinds of characters that a password policy can ask for, in the words of the console of Cognito. */
const characterKinds = ['lowercase', 'uppercase', 'numbers', 'symbols'] as const;

/** How the names of the groups begin that say for whom a machine user works. */
const OWNER_GROUP = 'owner-';

/** docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html, without what has to be quoted. */
const groupName = z
  .string()
  .regex(
    /^[A-Za-z0-9][\w.-]{0,127}$/,
    'must begin with a letter or digit, then letters, digits, ".", "_", "-"',
  )
  .refine((name) => !name.startsWith(OWNER_GROUP), `must not begin with ${OWNER_GROUP}`);

/**
 * Everything that can be set, on one page, which docs/settings.md shows. Values come from CDK's context:
 * `cdk deploy -c target=local`. What one deployment passes to the other (App2's addresses) are CloudFormation parameters
 * of the stacks instead, so that one assembly serves every account.
 */
export const context = z
  .object({
    target: z
      .enum(['aws', 'local'])
      .default('aws')
      .describe('`local`: everything disposable. `aws`: data and keys are kept and protected.'),
    app1_account: accountId
      .optional()
      .describe(
        "Account of App1 when it is not App2's own: it is given the right to use the key and to read the secret.",
      ),
    app2_account: accountId
      .optional()
      .describe(
        "Account of App2 when it is not App1's own: App1 may use the key there that encrypts its credentials.",
      ),
    subscriber_accounts: z
      .string()
      .transform((ids) => ids.split(','))
      .pipe(z.array(accountId))
      .default([])
      .describe(
        'Accounts, separated by commas, whose teams may subscribe to the audit events of both services.',
      ),
    creations_per_second: z.coerce
      .number()
      .positive()
      .max(GROUP_CHANGES_PER_SECOND)
      .default(DEFAULT_CREATIONS_PER_SECOND)
      .describe(
        "How many creations may start per second. The default is Cognito's narrowest quota (AddUserToGroup and DeleteUser, 25 per second together, not adjustable), less what is left for callers with few creations in the queue, and for compensation.",
      ),
    status_polls_per_second: z.coerce
      .number()
      .positive()
      .optional()
      .describe(
        `Of how many creations per second App2 polls the status when the client could be notified instead. Each takes up to ${describeExecutionQuota.perPolledCreation} calls of DescribeExecution. The default is what App2's share of the quota (\`describe_executions_per_second\`) allows: ${statusPollsPerSecond(describeExecutionQuota.perSecond)} for the smallest; with \`target=local\` ${LOCAL_STATUS_POLLS}.`,
      ),
    describe_executions_per_second: z.coerce
      .number()
      .positive()
      .optional()
      .describe(
        `Quota of DescribeExecution per second in this account and region (Service Quotas, Step Functions), of which sweeps and callers get their shares. The default, ${describeExecutionQuota.perSecond}, is the smallest that a region has; it can be raised. With \`target=local\`: ${LOCAL_QUOTA}.`,
      ),
    describes_per_caller: z.coerce
      .number()
      .positive()
      .optional()
      .describe(
        `How many executions per second one caller of App1 may have looked up (GET, DELETE, retry, \`Prefer: wait\` and repeats; a look-up is one DescribeExecution). The default is ${describeExecutionQuota.perCaller}; with \`target=local\` ${LOCAL_QUOTA}.`,
      ),
    compensation_concurrency: z.coerce
      .number()
      .int('must be a whole number')
      .min(1, 'must be at least 1')
      .max(100, 'must be at most 100')
      .optional()
      .describe(
        "Concurrent calls that Lambda reserves for each function that only compensates or rolls back (and one for each sweep), whatever else needs Lambda. A reservation is a ceiling, too. None by default: a new account may have no more than 10 for all its functions, and of an account's concurrency 100 must stay unreserved.",
      ),
    check_user_in_pool: z
      .enum(['off', 'admin', 'all'])
      .default('off')
      .describe(
        'Whose tokens App2 refuses when their user was disabled or removed meanwhile: of nobody (a token is good until it ends, 15 minutes at most), of App1 (`admin`), or of service users, too (`all`). Then one minute is the longest. It asks the pool once a minute for each token (`AdminGetUser`, 120 per second for the whole account).',
      ),
    password_minimum_length: z.coerce
      .number()
      .int('must be a whole number')
      .min(MINIMUM_LENGTH.min, `must be at least ${MINIMUM_LENGTH.min}`)
      .max(MINIMUM_LENGTH.max, `must be at most ${MINIMUM_LENGTH.max}`)
      .default(DEFAULT_MINIMUM_LENGTH)
      .describe(
        "Fewest characters of a password. App2's pool and both services check it; when it changes, deploy App2, then App1 with App2's output `PasswordPolicy`. Passwords that users have stay valid.",
      ),
    password_characters: z
      .string()
      .default(characterKinds.join(','))
      .transform((kinds) => (kinds === 'none' ? [] : kinds.split(',')))
      .pipe(
        z.array(
          z.enum(characterKinds, {
            error: `must be none, or of ${characterKinds.join(', ')}, between commas`,
          }),
        ),
      )
      .describe(
        `Kinds of characters of which a password must have one each, between commas: ${characterKinds.map((kind) => `\`${kind}\``).join(', ')}; or \`none\`. It changes as \`password_minimum_length\` does.`,
      ),
    api_client_group: groupName
      .default(groups.apiClient)
      .describe(
        "Name of the group in App2's pool whose members may have users created (App1's machine user). Set it before the first deployment: CloudFormation replaces a group whose name changes, and App1's user joins the new one a little later.",
      ),
    service_user_group: groupName
      .default(groups.serviceUser)
      .describe(
        "Name of the group in App2's pool whose members may call the business endpoints (the service users). Set it before the first deployment: users are not moved from a group to another.",
      ),
    schema_registry: z
      .enum(['on', 'off'])
      .default('off')
      .describe(
        '`on`: the schemas of the events go to an EventBridge schema registry, too; local AWS has none.',
      ),
    api_gateway_log_role: z
      .enum(['set', 'keep'])
      .default('set')
      .describe(
        "The role by which API Gateway writes access logs is one setting of the whole account and region. `set`: each service sets a role of its own there, over the one before. `keep`: the account's is left alone; without one the deployment fails.",
      ),
    app1_callers: z
      .string()
      .transform((names) => names.split(','))
      .pipe(
        z.array(
          z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be names of small letters, digits and hyphens'),
        ),
      )
      .default([])
      .describe(
        'Callers of App1 that get a limit of their own, separated by commas. Each has an API key, whose value its team is given (API Gateway, API keys), and then every request must carry one in `x-api-key`, beside its signature.',
      ),
    alarm_email: z
      .email()
      .optional()
      .describe(
        'Address that gets a mail for each alarm that is raised or over; whoever reads it has to confirm once.',
      ),
    alarm_topic: z
      .string()
      .regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+$/, 'must be the ARN of a topic')
      .optional()
      .describe(
        "ARN of a topic that all alarms go to, instead of one of each service's own. CloudWatch must be let publish to it.",
      ),
    runbooks_url: z
      .url()
      .optional()
      .describe('Where your copy of docs/runbooks/ is read: alarms and dashboards lead there.'),
    migration: z
      .enum(['off', 'header', 'flag'])
      .default('off')
      .describe(
        'Whether a [legacy endpoint is being replaced](migration.md), and what decides who goes to the workflow.',
      ),
    legacy_endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Address of the legacy endpoint, https; needed while a migration is on.'),
    legacy_secret_arn: z
      .string()
      .regex(/^arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]+$/, 'must be the ARN of a secret')
      .optional()
      .describe("Secret whose whole value is App1's API key at the legacy endpoint; needed with it."),
    legacy_secret_key_arn: z
      .string()
      .regex(/^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/, 'must be the ARN of a key')
      .optional()
      .describe(
        'Customer managed key under which that secret is encrypted: App1 is given the right to decrypt with it. Its key policy has to let the account do so. Not needed for a secret under `aws/secretsmanager`.',
      ),
  })
  .transform(
    (
      { migration: phase, legacy_endpoint, legacy_secret_arn, legacy_secret_key_arn, ...others },
      { issues },
    ) => {
      if (others.api_client_group === others.service_user_group) {
        issues.push({
          code: 'custom',
          input: others.service_user_group,
          path: ['service_user_group'],
          message: 'must not be that of api_client_group',
        });
        return z.NEVER;
      }
      if (phase === 'off') return { ...others, migration: undefined };
      const plain = legacy_endpoint?.startsWith('http:') && others.target !== 'local';
      if (legacy_endpoint === undefined || legacy_secret_arn === undefined || plain) {
        issues.push({
          code: 'custom',
          input: phase,
          path: ['migration'],
          message: 'needs legacy_endpoint, with https, and legacy_secret_arn',
        });
        return z.NEVER;
      }
      return {
        ...others,
        migration: {
          phase,
          legacyEndpoint: legacy_endpoint,
          legacySecretArn: legacy_secret_arn,
          legacySecretKeyArn: legacy_secret_key_arn,
        },
      };
    },
  );

/** The replacement of a legacy endpoint: docs/migration.md. */
export interface MigrationSettings {
  phase: 'header' | 'flag';
  legacyEndpoint: string;
  legacySecretArn: string;
  /** Key of the secret, when that is a customer managed one. */
  legacySecretKeyArn: string | undefined;
}

export interface Settings {
  /**
   * What happens to data, keys and machines when a stack or a resource is removed. On AWS they are kept, except when the
   * deployment that creates them is rolled back: their names would be taken when it is repeated.
   */
  removalPolicy: RemovalPolicy;
  /** The same for what cannot be deleted while it is new, or need not be: it has no name that would be taken. */
  unnamedRemovalPolicy: RemovalPolicy;
  /** Whether pool and stacks refuse to be deleted. */
  deletionProtection: boolean;
  /** Whether the templates must meet the rule packs; what is thrown away with its machine need not. */
  checked: boolean;
  logRetention: RetentionDays;
  /** Whether X-Ray traces requests through functions and machines; local AWS has no X-Ray. */
  tracing: boolean;
  /** By which scheme callers reach the APIs; only the local AWS has no TLS. */
  apiScheme: 'https' | 'http';
  /** Days that the archive of a bus keeps events. */
  archiveDays: number;
  app1Account: string | undefined;
  app2Account: string | undefined;
  /** Callers of App1 with a limit of their own; none: one limit for all of them. */
  app1Callers: string[];
  creationsPerSecond: number;
  statusPollsPerSecond: number;
  /** The account's quota of DescribeExecution. */
  describeExecutionsPerSecond: number;
  /** How many DescribeExecution calls one caller of App1 may cause per second. */
  describesPerCaller: number;
  /** Concurrent calls reserved for each compensating function; none unless given. */
  compensationConcurrency: number | undefined;
  /** Accounts that may put rules on the buses. */
  subscriberAccounts: string[];
  /** Whose tokens are refused when their user is gone or disabled. */
  checkUserInPool: 'off' | 'admin' | 'all';
  /** Whether the account's role for API Gateway's logs is set, or left alone. */
  setsApiGatewayLogRole: boolean;
  /** The policy of the pool: the pool enforces it, App1 and DecryptCredentials check it before. */
  passwordPolicy: PasswordPolicy;
  /** What the groups of the pool are called there. */
  groupNames: Readonly<Record<Group, string>>;
  /** Whether each service has a schema registry for its events. */
  schemaRegistry: boolean;
  /** Who gets a mail of alarms. */
  alarmEmail: string | undefined;
  /** A topic for all alarms; each service has its own unless given. */
  alarmTopic: string | undefined;
  /** Where the runbooks are read. */
  runbooks: string;
  /** Absent unless a legacy endpoint is being replaced. */
  migration: MigrationSettings | undefined;
}

/** Keys without a mark of CDK's that its command line writes into the context. */
const CDK_KEYS = ['acknowledged-issue-numbers', 'cli-telemetry'];

/**
 * The keys of the context that look like settings of ours and are none. CDK's own have a colon or a slash in them
 * (`@aws-cdk/…`, `aws:cdk:…`, and what look-ups remember: `availability-zones:…`, `vpc-provider:…`), as other libraries'
 * should (docs.aws.amazon.com/cdk/v2/guide/context.html).
 */
function unknownKeys(node: Node): string[] {
  const given: unknown = node.getAllContext();
  const keys = Object.keys(z.record(z.string(), z.unknown()).parse(given));
  const known = [...Object.keys(context.in.shape), ...CDK_KEYS];
  return keys.filter((key) => !/[:/]/.test(key) && !known.includes(key));
}

/** What is said of a key that is no setting. Never its value, which may be an address or a secret. */
function unknownKey(key: string): string {
  const meant = nearest(key, Object.keys(context.in.shape));
  return `✖ ${JSON.stringify(key)} is not a setting${meant === undefined ? '' : `; is ${meant} meant?`}`;
}

/** @throws Error that names each value of the context that is wrong, and each key that is no setting */
export function readSettings(node: Node): Settings {
  const given = Object.keys(context.in.shape).map((name) => [name, node.tryGetContext(name)]);
  const values = context.safeParse(Object.fromEntries(given));
  const unknown = unknownKeys(node);
  if (!values.success || unknown.length > 0) {
    const wrong = [
      ...(values.success ? [] : [z.prettifyError(values.error)]),
      ...unknown.map(unknownKey),
      ...(unknown.length > 0 ? ['docs/settings.md has all settings.'] : []),
    ];
    throw new Error(`The settings are not valid.\n${wrong.join('\n')}`);
  }
  const {
    target,
    app1_account,
    app2_account,
    subscriber_accounts,
    check_user_in_pool,
    password_minimum_length,
    password_characters,
    api_client_group,
    service_user_group,
    schema_registry,
    api_gateway_log_role,
    app1_callers,
    migration,
    alarm_email,
    alarm_topic,
    runbooks_url,
    creations_per_second,
    status_polls_per_second,
    describe_executions_per_second,
    describes_per_caller,
    compensation_concurrency,
  } = values.data;
  const local = target === 'local';
  const describeExecutionsPerSecond =
    describe_executions_per_second ?? (local ? LOCAL_QUOTA : describeExecutionQuota.perSecond);
  return {
    removalPolicy: local ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    unnamedRemovalPolicy: local ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    deletionProtection: !local,
    checked: !local,
    logRetention: RetentionDays.THREE_MONTHS,
    tracing: !local,
    apiScheme: local ? 'http' : 'https',
    archiveDays: 90,
    app1Account: app1_account,
    app2Account: app2_account,
    app1Callers: app1_callers,
    creationsPerSecond: creations_per_second,
    statusPollsPerSecond:
      status_polls_per_second ??
      (local ? LOCAL_STATUS_POLLS : statusPollsPerSecond(describeExecutionsPerSecond)),
    describeExecutionsPerSecond,
    describesPerCaller: describes_per_caller ?? (local ? LOCAL_QUOTA : describeExecutionQuota.perCaller),
    compensationConcurrency: compensation_concurrency,
    subscriberAccounts: subscriber_accounts,
    checkUserInPool: check_user_in_pool,
    setsApiGatewayLogRole: api_gateway_log_role === 'set',
    passwordPolicy: policyOf(password_minimum_length, password_characters),
    groupNames: { [groups.apiClient]: api_client_group, [groups.serviceUser]: service_user_group },
    schemaRegistry: schema_registry === 'on',
    alarmEmail: alarm_email,
    alarmTopic: alarm_topic,
    runbooks: runbooks_url?.replace(/\/$/, '') ?? RUNBOOKS,
    migration,
  };
}

const policyOf = (
  minimum_length: number,
  kinds: readonly (typeof characterKinds)[number][],
): PasswordPolicy => ({
  minimum_length,
  require_lowercase: kinds.includes('lowercase'),
  require_uppercase: kinds.includes('uppercase'),
  require_numbers: kinds.includes('numbers'),
  require_symbols: kinds.includes('symbols'),
});

/** The policy of a deployment that sets none. */
export const defaultPasswordPolicy: PasswordPolicy = policyOf(DEFAULT_MINIMUM_LENGTH, characterKinds);
