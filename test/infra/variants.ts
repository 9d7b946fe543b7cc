import type * as z from 'zod';
import type { ServiceKind } from '../../contracts/services.ts';
import type { context } from '../../infra/settings.ts';
import { type Template, templates } from '../../infra/templates.ts';

type SettingName = keyof z.input<typeof context>;

/** One variant of a deployment. */
export interface Variant {
  /** The difference from a deployment without settings. */
  name: string;
  /** The settings, as with `cdk synth -c`. */
  context: Readonly<Record<string, string>>;
}

/** Settings that `migration` requires. */
const legacy = {
  legacy_endpoint: 'https://legacy.example.com/users',
  legacy_secret_arn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:legacy-api-key-AbCdEf',
} as const;

/**
 * The values of each setting, beside its default, by which templates differ. A setting without values here does not compile.
 */
const values: Readonly<Record<Exclude<SettingName, 'environment' | keyof typeof legacy>, readonly string[]>> =
  {
    app1_account: ['111122223333'],
    targets: ['app2,payments', 'app2,orders:retired,old:gone'],
    default_targets: ['app2'],
    subscriber_accounts: ['777788889999', '777788889999,888899990000'],
    creations_per_second: ['10'],
    status_polls_per_second: ['2.5'],
    describe_executions_per_second: ['40'],
    describes_per_caller: ['2'],
    compensation_concurrency: ['5'],
    password_minimum_length: ['20'],
    password_characters: ['none', 'lowercase,numbers'],
    user_pool_id: ['eu-central-1_Existing'],
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

/** Adds the settings that others require. */
const complete = (settings: Record<string, string>): Record<string, string> =>
  'migration' in settings || 'legacy_secret_key_arn' in settings
    ? { migration: 'header', ...settings, ...legacy }
    : settings;

/** Every setting with its first or its last value. */
const all = (which: 0 | -1): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, of]) => [name, of.at(which) ?? '']));

/**
 * The variants for which templates are checked: without settings, with each value of each setting alone, and with all
 * settings at once. So each pair of settings occurs with neither, with either, and with both.
 */
export const variants: readonly Variant[] = [
  { name: 'no settings', context: {} },
  ...Object.entries(values).flatMap(([name, of]) =>
    of.map((value) => ({ name: `${name}=${value}`, context: complete({ [name]: value }) })),
  ),
  { name: 'all settings, first values', context: complete(all(0)) },
  { name: 'all settings, last values', context: complete(all(-1)) },
];

/** The deployment to the local AWS; the rule packs do not apply, because it is disposable. */
export const localVariant: Variant = { name: 'environment=local', context: { environment: 'local' } };

/** The templates of both stacks for one variant, with empty functions. */
export const templatesOf = ({ context: settings }: Variant): Record<ServiceKind, Template> =>
  templates(settings);
