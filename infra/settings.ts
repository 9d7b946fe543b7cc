import type { Node } from 'constructs';
import * as z from 'zod';
import { MAX_TARGETS_PER_REQUEST, requestedTargets } from '../contracts/app1-api.ts';
import { type Group, groups } from '../contracts/app2-api.ts';
import { MINIMUM_LENGTH, type PasswordPolicy } from '../contracts/password-policy.ts';
import { describeExecutionQuota, statusPollsPerSecond } from '../contracts/quotas.ts';
import { targetName } from '../contracts/services.ts';
import { targetState } from '../contracts/targets.ts';
import { nearest } from './nearest.ts';
import type { RegisteredName } from './registry.ts';
import { LOCAL_QUOTA, type ServiceSettings, serviceSettings } from './service-settings.ts';

const accountId = z.string().regex(/^\d{12}$/, 'must be an account id of 12 digits');

/** Cognito's combined quota of AddUserToGroup and DeleteUser per second, which is not adjustable. */
export const GROUP_CHANGES_PER_SECOND = 25;

/** Creations that App2 starts per second by default; docs/limits.md has the reason. */
export const DEFAULT_CREATIONS_PER_SECOND = 23.5;

/**
 * The share of the quota above `creations_per_second` that callers with few creations in the queue get. The rest is reserved
 * for compensation.
 */
const EXPRESS_PART = 2 / 3;

/** Creations that may start per second without waiting in the queue. */
export const expressCreationsPerSecond = (creationsPerSecond: number): number =>
  (GROUP_CHANGES_PER_SECOND - creationsPerSecond) * EXPRESS_PART;

/** A target polls as many creations in the local AWS as with a quota of 40 DescribeExecution calls per second. */
const LOCAL_STATUS_POLLS = 4;

/** Creations per second whose status a target polls by default. */
export const defaultStatusPolls = (local: boolean, describeExecutionsPerSecond: number): number =>
  local ? LOCAL_STATUS_POLLS : statusPollsPerSecond(describeExecutionsPerSecond);

const DEFAULT_MINIMUM_LENGTH = 12;

/** Targets that are not gone: their addresses are in environment variables of a function, which have 4 KB in all. */
export const MAX_TARGETS = 12;

/** A name, or a name and a state: `orders:retired`. */
function parseTarget(entry: string): RegisteredName | string {
  const [name = '', state = 'active', ...rest] = entry.split(':');
  const validName = targetName.safeParse(name);
  const validState = targetState.safeParse(state);
  const problems = [
    ...(validName.success ? [] : validName.error.issues.map(({ message }) => `the name ${message}`)),
    ...(validState.success && rest.length === 0
      ? []
      : [`the state must be one of ${targetState.options.join(', ')}`]),
  ];
  return validName.success && validState.success && problems.length === 0
    ? { name: validName.data, state: validState.data }
    : `${JSON.stringify(entry)}: ${problems.join('; ')}`;
}

/** The setting `targets`. It reports all mistakes at once. */
const targetsSetting = z
  .string()
  .default('app2')
  .transform((text, { issues }): RegisteredName[] => {
    const parsed = text.split(',').map(parseTarget);
    const targets = parsed.filter((target) => typeof target !== 'string');
    const names = targets.map(({ name }) => name);
    const doubled = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
    const present = targets.filter(({ state }) => state !== 'gone').length;
    const mistakes = [
      ...parsed.filter((target) => typeof target === 'string'),
      ...doubled.map((name) => `${name} is named more than once`),
      ...(present > MAX_TARGETS
        ? [`at most ${MAX_TARGETS} targets can be registered that are not gone`]
        : []),
      ...(targets.some(({ state }) => state === 'active') ? [] : ['at least one target must be active']),
    ];
    for (const message of mistakes) issues.push({ code: 'custom', input: text, message });
    return mistakes.length === 0 ? targets : z.NEVER;
  });

/** The targets of a request that names none: the setting `default_targets`, or the first active target. */
function defaultTargetsOf(targets: readonly RegisteredName[], setting: string | undefined): string[] {
  const active = targets.filter(({ state }) => state === 'active').map(({ name }) => name);
  return setting === undefined ? active.slice(0, 1) : setting.split(',');
}

/** Mistakes of the setting `default_targets`: a request that names no target is accepted as if it named these. */
function defaultTargetMistakes(targets: readonly RegisteredName[], setting: string | undefined): string[] {
  const defaults = defaultTargetsOf(targets, setting);
  const isActive = (name: string) =>
    targets.some((target) => target.name === name && target.state === 'active');
  return [
    ...defaults
      .filter((name) => !isActive(name))
      .map((name) => `${JSON.stringify(name)} is not an active target`),
    ...(requestedTargets.safeParse(defaults).error?.issues ?? [])
      .filter(({ path }) => path.length === 0)
      .map(({ message }) => message),
  ];
}

/** Kinds of characters that a password policy can require, in the words of the Cognito console. */
const characterKinds = ['lowercase', 'uppercase', 'numbers', 'symbols'] as const;

/** Prefix of the groups that name the owner for which a machine user works. */
const OWNER_GROUP = 'owner-';

/** docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html, without characters that need quoting. */
const groupName = z
  .string()
  .regex(
    /^[A-Za-z0-9][\w.-]{0,127}$/,
    'must start with a letter or digit, and contain only letters and digits and ".", "_", "-"',
  )
  .refine((name) => !name.startsWith(OWNER_GROUP), `must not start with ${OWNER_GROUP}`);

/**
 * All settings; docs/settings.md is generated from them. Values come from CDK's context: `cdk deploy -c environment=local`.
 * Values that one deployment passes to the other (App2's addresses) are CloudFormation parameters of the stacks instead, so
 * that one cloud assembly serves every account.
 */
export const context = z
  .object({
    environment: z
      .enum(['aws', 'local'])
      .default('aws')
      .describe(
        '`aws`: data and keys are kept when a stack is deleted, and protected against deletion. `local`: everything is deleted with the stack.',
      ),
    app1_account: accountId
      .optional()
      .describe(
        "Account of App1, if it is not App2's. App2 allows it to use the key, to read the secret, and to create its rule on the bus.",
      ),
    targets: targetsSetting.describe(
      `Targets of App1, separated by commas: their names, each with \`:retired\` or \`:gone\` if it is not active. \`retired\`: App1 accepts no new requests for it; statuses, removals and compensation still work. \`gone\`: it does not exist any more, and its compensation counts as complete. App1's stack has a parameter for each target that is not gone. At most ${MAX_TARGETS} are not gone.`,
    ),
    default_targets: z
      .string()
      .optional()
      .describe(
        `Targets of a request that names none, separated by commas: 1 to ${MAX_TARGETS_PER_REQUEST} active targets. The default is the first active target.`,
      ),
    subscriber_accounts: z
      .string()
      .transform((ids) => ids.split(','))
      .pipe(z.array(accountId))
      .default([])
      .describe('Accounts that may subscribe to the audit events of both services, separated by commas.'),
    creations_per_second: z.coerce
      .number()
      .positive()
      .max(GROUP_CHANGES_PER_SECOND)
      .default(DEFAULT_CREATIONS_PER_SECOND)
      .describe(
        "Creations that App2 starts per second. The default is Cognito's lowest quota (AddUserToGroup and DeleteUser, 25 per second together, not adjustable), minus a reserve for callers with few creations in the queue and for compensation.",
      ),
    status_polls_per_second: z.coerce
      .number()
      .positive()
      .optional()
      .describe(
        `Creations per second whose status App2 polls, although their client accepts a notification. Each takes up to ${describeExecutionQuota.perPolledCreation} DescribeExecution calls. The default follows \`describe_executions_per_second\`: ${statusPollsPerSecond(describeExecutionQuota.perSecond)} for the lowest quota. With \`environment=local\`: ${LOCAL_STATUS_POLLS}.`,
      ),
    describe_executions_per_second: z.coerce
      .number()
      .positive()
      .optional()
      .describe(
        `DescribeExecution quota per second in this account and region (Service Quotas, Step Functions). Callers, App2, sweeps and compensation get shares of it. The default, ${describeExecutionQuota.perSecond}, is the lowest of all regions. If the quota is raised, set the new value. With \`environment=local\`: ${LOCAL_QUOTA}.`,
      ),
    describes_per_caller: z.coerce
      .number()
      .positive()
      .optional()
      .describe(
        `DescribeExecution calls per second that the requests of one caller of App1 may cause (GET, DELETE, retry, \`Prefer: wait\` and repeated POSTs). Above the rate, App1 returns 429. The default is ${describeExecutionQuota.perCaller}. With \`environment=local\`: ${LOCAL_QUOTA}.`,
      ),
    compensation_concurrency: z.coerce
      .number()
      .int('must be a whole number')
      .min(1, 'must be at least 1')
      .max(100, 'must be at most 100')
      .optional()
      .describe(
        'Reserved concurrency of each function that only compensates or rolls back; a sweep gets 1. Reserved concurrency is also the maximum of the function. There is none by default: a new account may have only 10 for all its functions, and AWS keeps 100 unreserved.',
      ),
    check_user_in_pool: z
      .enum(['off', 'admin', 'all'])
      .default('off')
      .describe(
        'Whether App2 rejects the token of a user that was disabled or removed. `off`: such a token is accepted until it expires, up to 15 minutes. `admin`: it checks the tokens of App1. `all`: it also checks those of service users. A check rejects the token within one minute and costs one `AdminGetUser` call per minute and token, of 120 per second for the account.',
      ),
    password_minimum_length: z.coerce
      .number()
      .int('must be a whole number')
      .min(MINIMUM_LENGTH.min, `must be at least ${MINIMUM_LENGTH.min}`)
      .max(MINIMUM_LENGTH.max, `must be at most ${MINIMUM_LENGTH.max}`)
      .default(DEFAULT_MINIMUM_LENGTH)
      .describe(
        "Minimum length of a password. App2's user pool and both services check it. To change it, deploy App2 first, then App1 with App2's output `PasswordPolicy`. Existing passwords stay valid.",
      ),
    password_characters: z
      .string()
      .default(characterKinds.join(','))
      .transform((kinds) => (kinds === 'none' ? [] : kinds.split(',')))
      .pipe(
        z.array(
          z.enum(characterKinds, {
            error: `must be none, or a list of ${characterKinds.join(', ')}, separated by commas`,
          }),
        ),
      )
      .describe(
        `Kinds of characters that a password must contain, separated by commas: ${characterKinds.map((kind) => `\`${kind}\``).join(', ')}; or \`none\`. To change it, see \`password_minimum_length\`.`,
      ),
    user_pool_id: z
      .string()
      .regex(/^[a-z0-9-]+_[A-Za-z0-9]+$/, 'must be the id of a user pool')
      .optional()
      .describe(
        'Id of an existing user pool that App2 uses instead of creating one. `npm run preflight` checks whether it can have service users. The password settings must require at least what the pool requires.',
      ),
    api_client_group: groupName
      .default(groups.apiClient)
      .describe(
        "Name of the group in App2's user pool whose members may request users (App1's machine user). Set it before the first deployment: if the name changes, CloudFormation replaces the group, and requests of App1 fail until its user has joined the new one.",
      ),
    service_user_group: groupName
      .default(groups.serviceUser)
      .describe(
        "Name of the group in App2's user pool whose members may call the business endpoints (the service users). Set it before the first deployment: existing users are not moved to the new group.",
      ),
    schema_registry: z
      .enum(['on', 'off'])
      .default('off')
      .describe(
        '`on`: each service has an EventBridge schema registry with the schemas of its events. The local AWS does not support it.',
      ),
    api_gateway_log_role: z
      .enum(['set', 'keep'])
      .default('set')
      .describe(
        'An account has one role per region with which API Gateway writes access logs. `set`: each service replaces it with a role of its own. `keep`: the stacks do not change it; if the account has none, the deployment fails.',
      ),
    app1_callers: z
      .string()
      .transform((names) => names.split(','))
      .pipe(
        z.array(
          z
            .string()
            .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be names of lower-case letters, digits and hyphens'),
        ),
      )
      .default([])
      .describe(
        'Callers of App1 with rate limits of their own, separated by commas. Each gets an API key (API Gateway, API keys). If the setting is set, every request needs the header `x-api-key` beside its signature.',
      ),
    alarm_email: z
      .email()
      .optional()
      .describe(
        'Email address that is notified when an alarm is raised and when it returns to `OK`. The recipient has to confirm the subscription once.',
      ),
    alarm_topic: z
      .string()
      .regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+$/, 'must be the ARN of a topic')
      .optional()
      .describe(
        'ARN of an SNS topic to which all alarms are sent. Its policy has to allow CloudWatch to publish. By default each service creates a topic.',
      ),
    runbooks_url: z
      .url()
      .optional()
      .describe('URL of your copy of docs/runbooks/. Alarms and dashboards link to it.'),
    migration: z
      .enum(['off', 'header', 'flag'])
      .default('off')
      .describe(
        '[Migration from a legacy endpoint](migration.md). `header`: a request header selects the backend. `flag`: a feature flag in AppConfig selects it.',
      ),
    legacy_endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('URL of the legacy endpoint, with https. Required during a migration.'),
    legacy_secret_arn: z
      .string()
      .regex(/^arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]+$/, 'must be the ARN of a secret')
      .optional()
      .describe(
        "ARN of the secret whose value is App1's API key for the legacy endpoint. Required during a migration.",
      ),
    legacy_secret_key_arn: z
      .string()
      .regex(/^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/, 'must be the ARN of a key')
      .optional()
      .describe(
        'ARN of the customer managed key that encrypts that secret. App1 gets permission to decrypt with it; its key policy has to allow the account. Not needed for a secret under `aws/secretsmanager`.',
      ),
  })
  .transform(
    (
      { migration: phase, legacy_endpoint, legacy_secret_arn, legacy_secret_key_arn, ...others },
      { issues },
    ) => {
      for (const message of defaultTargetMistakes(others.targets, others.default_targets))
        issues.push({ code: 'custom', input: others.default_targets, path: ['default_targets'], message });
      if (others.api_client_group === others.service_user_group) {
        issues.push({
          code: 'custom',
          input: others.service_user_group,
          path: ['service_user_group'],
          message: 'must be different from api_client_group',
        });
        return z.NEVER;
      }
      if (phase === 'off') return { ...others, migration: undefined };
      const isUnencrypted = legacy_endpoint?.startsWith('http:') && others.environment !== 'local';
      if (legacy_endpoint === undefined || legacy_secret_arn === undefined || isUnencrypted) {
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

/** Settings of a migration from a legacy endpoint: docs/migration.md. */
export interface MigrationSettings {
  phase: 'header' | 'flag';
  legacyEndpoint: string;
  legacySecretArn: string;
  /** ARN of the customer managed key of the secret, if it has one. */
  legacySecretKeyArn: string | undefined;
}

/** The settings of App1 and App2. */
export interface Settings extends ServiceSettings {
  /** Whether the rule packs check the templates; not with `environment=local`. */
  checked: boolean;
  app1Account: string | undefined;
  /** App1's registry of targets. */
  targets: RegisteredName[];
  /** Names of the targets of a request that names none. */
  defaultTargets: string[];
  /** Callers of App1 with a rate limit of their own. Without any, all callers share one limit. */
  app1Callers: string[];
  creationsPerSecond: number;
  statusPollsPerSecond: number;
  /** DescribeExecution calls per second that one caller of App1 may cause. */
  describesPerCaller: number;
  /** The tokens that are rejected when their user was removed or disabled. */
  checkUserInPool: 'off' | 'admin' | 'all';
  /** The password policy: the user pool enforces it; App1 and DecryptCredentials check it first. */
  passwordPolicy: PasswordPolicy;
  /** Id of the user pool that App2 adopts; by default it creates one. */
  userPoolId: string | undefined;
  /** Names of the groups in the user pool. */
  groupNames: Readonly<Record<Group, string>>;
  /** Only during a migration. */
  migration: MigrationSettings | undefined;
}

/** Keys without a colon or slash that the CDK CLI writes into the context. */
const CDK_KEYS = ['acknowledged-issue-numbers', 'cli-telemetry'];

/**
 * The keys of the context that are neither settings nor CDK's. CDK's keys contain a colon or a slash (`@aws-cdk/…`,
 * `aws:cdk:…`, and cached lookups: `availability-zones:…`, `vpc-provider:…`), as those of other libraries should
 * (docs.aws.amazon.com/cdk/v2/guide/context.html).
 */
function unknownKeys(node: Node): string[] {
  const given: unknown = node.getAllContext();
  const keys = Object.keys(z.record(z.string(), z.unknown()).parse(given));
  const known = [...Object.keys(context.in.shape), ...CDK_KEYS];
  return keys.filter((key) => !/[:/]/.test(key) && !known.includes(key));
}

/** The error message for an unknown key. It does not contain the value, which may be an address or a secret. */
function unknownKeyMessage(key: string): string {
  const suggestion = nearest(key, Object.keys(context.in.shape));
  return `✖ ${JSON.stringify(key)} is not a setting${suggestion === undefined ? '' : `; did you mean ${suggestion}?`}`;
}

/**
 * Reads the settings from CDK's context.
 * @throws Error that lists each invalid value and each key that is not a setting
 */
export function readSettings(node: Node): Settings {
  const entries = Object.keys(context.in.shape).map((name) => [name, node.tryGetContext(name)]);
  const values = context.safeParse(Object.fromEntries(entries));
  const unknown = unknownKeys(node);
  if (!values.success || unknown.length > 0) {
    const messages = [
      ...(values.success ? [] : [z.prettifyError(values.error)]),
      ...unknown.map(unknownKeyMessage),
      ...(unknown.length > 0 ? ['docs/settings.md lists all settings.'] : []),
    ];
    throw new Error(`The settings are not valid.\n${messages.join('\n')}`);
  }
  const {
    environment,
    app1_account,
    targets,
    default_targets,
    subscriber_accounts,
    check_user_in_pool,
    password_minimum_length,
    password_characters,
    user_pool_id,
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
  const local = environment === 'local';
  const common = serviceSettings(node, {
    alarms: { email: alarm_email, topic: alarm_topic, runbooksUrl: runbooks_url },
    subscribers: subscriber_accounts,
    compensationConcurrency: compensation_concurrency,
    schemaRegistry: schema_registry === 'on',
    apiGatewayLogRole: api_gateway_log_role,
    describeExecutionsPerSecond: describe_executions_per_second,
  });
  return {
    ...common,
    checked: !local,
    app1Account: app1_account,
    targets,
    defaultTargets: defaultTargetsOf(targets, default_targets),
    app1Callers: app1_callers,
    creationsPerSecond: creations_per_second,
    statusPollsPerSecond:
      status_polls_per_second ?? defaultStatusPolls(local, common.describeExecutionsPerSecond),
    describesPerCaller: describes_per_caller ?? (local ? LOCAL_QUOTA : describeExecutionQuota.perCaller),
    checkUserInPool: check_user_in_pool,
    passwordPolicy: policyOf(password_minimum_length, password_characters),
    userPoolId: user_pool_id,
    groupNames: { [groups.apiClient]: api_client_group, [groups.serviceUser]: service_user_group },
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
