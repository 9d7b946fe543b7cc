import type * as z from 'zod';
import type { Service } from '../../contracts/services.ts';
import type { context } from '../../infra/settings.ts';
import { type Template, templates } from '../../infra/templates.ts';

type SettingName = keyof z.input<typeof context>;

/** One way to deploy the system. */
export interface Variant {
  /** What it differs in from a deployment without settings. */
  name: string;
  /** The settings, as `cdk synth -c` takes them. */
  context: Readonly<Record<string, string>>;
}

/** What `migration` needs beside it. */
const legacy = {
  legacy_endpoint: 'https://legacy.example.com/users',
  legacy_secret_arn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:legacy-api-key-AbCdEf',
} as const;

/**
 * The values of each setting, beside its default, by which templates differ. A setting that has none here does not
 * compile.
 */
const values: Readonly<Record<Exclude<SettingName, 'target' | keyof typeof legacy>, readonly string[]>> = {
  app1_account: ['111122223333'],
  app2_account: ['444455556666'],
  subscriber_accounts: ['777788889999', '777788889999,888899990000'],
  creations_per_second: ['10'],
  status_polls_per_second: ['2.5'],
  describe_executions_per_second: ['40'],
  describes_per_caller: ['2'],
  compensation_concurrency: ['5'],
  password_minimum_length: ['20'],
  password_characters: ['none', 'lowercase,numbers'],
  api_client_group: ['machines'],
  service_user_group: ['robots'],
  check_user_in_pool: ['admin', 'all'],
  schema_registry: ['on'],
  api_gateway_log_role: ['keep'],
  app1_callers: ['billing', 'billing,crm'],
  alarm_email: ['operators@example.com'],
  alarm_topic: ['arn:aws:sns:eu-central-1:111122223333:operators'],
  runbooks_url: ['https://wiki.example.com/runbooks'],
  migration: ['header', 'flag'],
  legacy_secret_key_arn: ['arn:aws:kms:eu-central-1:111122223333:key/0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01'],
};

/** Settings that need others get them. */
const complete = (settings: Record<string, string>): Record<string, string> =>
  'migration' in settings || 'legacy_secret_key_arn' in settings
    ? { migration: 'header', ...settings, ...legacy }
    : settings;

/** Every setting with the first of its values or the last one. */
const all = (which: 0 | -1): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, of]) => [name, of.at(which) ?? '']));

/**
 * The deployments that templates are checked for on AWS: without settings, with each value of each setting alone, and
 * with all settings at once. So each pair of settings occurs with none of both, with either, and with both.
 */
export const variants: readonly Variant[] = [
  { name: 'no settings', context: {} },
  ...Object.entries(values).flatMap(([name, of]) =>
    of.map((value) => ({ name: `${name}=${value}`, context: complete({ [name]: value }) })),
  ),
  { name: 'all settings, first values', context: complete(all(0)) },
  { name: 'all settings, last values', context: complete(all(-1)) },
];

/** What is deployed to the local AWS; the rule packs do not hold for it, because it is disposable. */
export const localVariant: Variant = { name: 'target=local', context: { target: 'local' } };

/** The templates of both stacks for one variant, with empty functions. */
export const templatesOf = ({ context: settings }: Variant): Record<Service, Template> => templates(settings);
