import { Stack, Token } from 'aws-cdk-lib';
import { CfnUserPool, type IUserPool } from 'aws-cdk-lib/aws-cognito';
import type { IConstruct } from 'constructs';
import * as z from 'zod';
import type { PasswordPolicy } from '../contracts/password-policy.ts';
import { characterKinds } from '../contracts/targets.ts';

/** What a user pool of service users needs. An adopted pool is checked, because Cognito cannot change most of it later. */

/** The custom attributes of a service user with their maximum lengths. All are strings, and immutable. */
export const customAttributes = {
  provisioning_id: 36,
  creation_id: 36,
  human_user_id: 512,
  owner: 255,
  on_behalf_of: 255,
} as const satisfies Record<string, number>;

/** An attribute of a pool, as in Cognito's API (SchemaAttributeType), with `custom:` or without. */
const poolAttribute = z.object({
  Name: z.string().optional(),
  AttributeDataType: z.string().optional(),
  Mutable: z.boolean().optional(),
  Required: z.boolean().optional(),
  StringAttributeConstraints: z
    .object({ MinLength: z.coerce.number().optional(), MaxLength: z.coerce.number().optional() })
    .optional(),
});

/**
 * The part of a user pool that is checked, as in CreateUserPool and DescribeUserPool.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserPoolType.html
 */
export const poolDescription = z.object({
  SchemaAttributes: z.array(poolAttribute).default([]),
  UsernameAttributes: z.array(z.string()).default([]),
  UsernameConfiguration: z.object({ CaseSensitive: z.boolean().optional() }).optional(),
  Policies: z
    .object({
      PasswordPolicy: z
        .object({
          MinimumLength: z.number().optional(),
          RequireLowercase: z.boolean().optional(),
          RequireUppercase: z.boolean().optional(),
          RequireNumbers: z.boolean().optional(),
          RequireSymbols: z.boolean().optional(),
        })
        .optional(),
    })
    .optional(),
});
type PoolDescription = z.infer<typeof poolDescription>;

/** Cognito sets this attribute itself. */
const SET_BY_COGNITO = 'sub';

/**
 * Everything that a pool lacks, as sentences that say how to change it; empty for a suitable pool.
 * docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html
 */
export function poolFaults(pool: PoolDescription, passwordPolicy: PasswordPolicy): string[] {
  const attributes = new Map(pool.SchemaAttributes.map((each) => [each.Name?.replace(/^custom:/, ''), each]));
  const wrongAttributes = Object.entries(customAttributes).flatMap(([name, length]) => {
    const attribute = attributes.get(name);
    if (attribute === undefined)
      return [`It has no attribute custom:${name}: add an immutable String of up to ${length} characters.`];
    const { AttributeDataType = 'String', Mutable = true, StringAttributeConstraints = {} } = attribute;
    const { MinLength = 0, MaxLength = 2_048 } = StringAttributeConstraints;
    const isSuitable = AttributeDataType === 'String' && !Mutable && MinLength <= 1 && MaxLength >= length;
    return isSuitable
      ? []
      : [
          `custom:${name} is not an immutable String of up to ${length} characters. Cognito cannot change an attribute: the service needs a new pool.`,
        ];
  });
  const required = pool.SchemaAttributes.flatMap(({ Name, Required }) =>
    Required === true && Name !== undefined && Name !== SET_BY_COGNITO ? [Name] : [],
  );
  return [
    ...wrongAttributes,
    ...(pool.UsernameAttributes.length === 0
      ? []
      : [
          `Its users sign in with ${pool.UsernameAttributes.join(' or ')}. Service users have a username. Cognito cannot change it: the service needs a new pool.`,
        ]),
    ...(pool.UsernameConfiguration?.CaseSensitive === false
      ? []
      : [
          'Its usernames are case-sensitive, so two service users could differ in case only. Cognito cannot change it: the service needs a new pool.',
        ]),
    ...(required.length === 0
      ? []
      : [
          `It requires ${required.join(', ')}, which a service user does not have. Cognito cannot change it: the service needs a new pool.`,
        ]),
    ...policyFaults(pool, passwordPolicy),
  ];
}

/** Cognito's policy for a pool that sets none, and for each rule that a policy of the CDK leaves out. */
const COGNITO_DEFAULTS: PasswordPolicy = {
  minimum_length: 8,
  require_lowercase: true,
  require_uppercase: true,
  require_numbers: true,
  require_symbols: true,
};

/**
 * The rules of the pool's password policy that the policy of the service lacks: Cognito would reject a password only after the
 * user has been created. A service may require more than its pool does.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_PasswordPolicyType.html
 */
function policyFaults({ Policies }: PoolDescription, service: PasswordPolicy): string[] {
  const { PasswordPolicy: set = {} } = Policies ?? {};
  const pool: PasswordPolicy = {
    minimum_length: set.MinimumLength ?? COGNITO_DEFAULTS.minimum_length,
    require_lowercase: set.RequireLowercase ?? COGNITO_DEFAULTS.require_lowercase,
    require_uppercase: set.RequireUppercase ?? COGNITO_DEFAULTS.require_uppercase,
    require_numbers: set.RequireNumbers ?? COGNITO_DEFAULTS.require_numbers,
    require_symbols: set.RequireSymbols ?? COGNITO_DEFAULTS.require_symbols,
  };
  const stricter = [
    ...(pool.minimum_length > service.minimum_length
      ? [`at least ${pool.minimum_length} characters instead of ${service.minimum_length}`]
      : []),
    ...characterKinds.filter((kind) => pool[`require_${kind}`] && !service[`require_${kind}`]),
  ];
  return stricter.length === 0
    ? []
    : [
        `Its password policy requires more than that of the service: ${stricter.join(', ')}. Pass the policy of the pool as passwordPolicy (App2: password_minimum_length, password_characters), or change the pool.`,
      ];
}

/**
 * Checks a pool of the same app. A pool that is imported by its id is checked by `npm run preflight`.
 * @throws Error that lists everything that the pool lacks
 */
export function checkUserPool(scope: IConstruct, pool: IUserPool, passwordPolicy: PasswordPolicy): void {
  const { defaultChild } = pool.node;
  if (!(defaultChild instanceof CfnUserPool)) return;
  const resolved: unknown = Stack.of(scope).resolve({
    SchemaAttributes: defaultChild.schema,
    UsernameAttributes: defaultChild.usernameAttributes,
    UsernameConfiguration: defaultChild.usernameConfiguration,
    Policies: defaultChild.policies,
  });
  const faults = poolFaults(poolDescription.parse(inPascalCase(resolved)), passwordPolicy);
  if (faults.length === 0) return;
  throw new Error(
    `${scope.node.path}: the user pool ${pool.node.path} cannot have service users.\n${faults.map((fault) => `- ${fault}`).join('\n')}`,
  );
}

/** Properties of an L1 construct have names in camelCase. */
function inPascalCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inPascalCase);
  if (typeof value !== 'object' || value === null || Token.isUnresolved(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.charAt(0).toUpperCase() + name.slice(1),
      inPascalCase(inner),
    ]),
  );
}
