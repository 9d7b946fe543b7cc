import * as z from 'zod';
import { MINIMUM_LENGTH, type PasswordPolicy } from './password-policy.ts';
import { pascalCase, targetName } from './services.ts';

/**
 * What a target hands over to App1: the output `Target` of its stack, and the parameter of App1's stack for it. One line of
 * fields that are separated by commas, because CloudFormation can split it and a shell needs no quotes.
 * docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-split.html
 */

/** The fields of a Target string, in their order. */
export const targetFields = [
  'name',
  'api_url',
  'client_id',
  'key_arn',
  'secret_arn',
  'bus_arn',
  'password_policy',
  'creations_per_second',
] as const;
export type TargetField = (typeof targetFields)[number];

export const SEPARATOR = ',';

/** Kinds of characters that a password policy can require, in the words of the Cognito console. */
export const characterKinds = ['lowercase', 'uppercase', 'numbers', 'symbols'] as const;
export type CharacterKind = (typeof characterKinds)[number];

/** A password policy as text: the minimum length, then the required kinds of characters: `12:lowercase:symbols`. */
export const formatPolicy = (policy: PasswordPolicy): string =>
  [policy.minimum_length, ...characterKinds.filter((kind) => policy[`require_${kind}`])].join(':');

/** The password policy in a Target string. @returns the policy as the user pool has it */
export const policyText = z.string().transform((text, { issues }): PasswordPolicy => {
  const [length = '', ...kinds] = text.split(':');
  const minimum_length = Number(length);
  const unknown = kinds.filter((kind) => !characterKinds.some((known) => known === kind));
  const isLength =
    Number.isInteger(minimum_length) &&
    minimum_length >= MINIMUM_LENGTH.min &&
    minimum_length <= MINIMUM_LENGTH.max;
  if (!isLength || unknown.length > 0) {
    issues.push({
      code: 'custom',
      input: text,
      message: 'must be like 12:lowercase:uppercase:numbers:symbols',
    });
    return z.NEVER;
  }
  return {
    minimum_length,
    require_lowercase: kinds.includes('lowercase'),
    require_uppercase: kinds.includes('uppercase'),
    require_numbers: kinds.includes('numbers'),
    require_symbols: kinds.includes('symbols'),
  };
});

const text = z.string().min(1);

/** The fields of a target. */
export const target = z.object({
  name: targetName,
  api_url: z.url(),
  /** Id of the app client with which App1 signs in. */
  client_id: text,
  key_arn: text,
  secret_arn: text,
  bus_arn: text,
  password_policy: policyText,
  /** Creations that the target starts per second. */
  creations_per_second: z.coerce.number().positive(),
});
export type Target = z.infer<typeof target>;

/**
 * A Target string, parsed. Further fields, of a later release, are ignored.
 */
export const targetString = z
  .string()
  .transform((line): Record<string, unknown> => {
    const values = line.split(SEPARATOR);
    return Object.fromEntries(targetFields.map((field, n) => [field, values[n]]));
  })
  .pipe(target);

/** Joins the fields to a Target string. Values can be CDK tokens. */
export const formatTarget = (fields: Readonly<Record<TargetField, string>>): string =>
  targetFields.map((field) => fields[field]).join(SEPARATOR);

/** A Target string with another value of one field. */
export const replaceField = (line: string, field: TargetField, value: string): string =>
  line.split(SEPARATOR).with(positionOf(field), value).join(SEPARATOR);

/** Name of the parameter of App1's stack for a target: `TargetPayments`. */
export const parameterOf = (name: string): string => `Target${pascalCase(name)}`;

/** Position of a field in a Target string, for `Fn::Select`. */
export const positionOf = (field: TargetField): number => targetFields.indexOf(field);

/**
 * State of a target in App1's registry. `retired`: accepts no new requests; status, compensation and changes still work.
 * `gone`: does not exist any more; its compensation counts as complete.
 */
export const targetState = z.enum(['active', 'retired', 'gone']);
export type TargetState = z.infer<typeof targetState>;

/** A target in App1's registry. */
export const registeredTarget = z.strictObject({
  name: targetName,
  state: targetState,
  /** Its Target string; absent if it is gone. */
  target: z
    .string()
    .refine((line) => targetString.safeParse(line).success, 'must be a Target string')
    .optional(),
});
export type RegisteredTarget = z.infer<typeof registeredTarget>;

/** The output `Targets` of App1's stack: the registry in JSON. */
export const registry = z.array(registeredTarget);
