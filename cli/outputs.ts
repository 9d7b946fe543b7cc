import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { passwordPolicy, passwordPolicyText } from '../contracts/password-policy.ts';
import { targetName } from '../contracts/services.ts';
import { registry } from '../contracts/targets.ts';
import { CommandError } from './support/command-error.ts';

const text = z.string().min(1);

/** Names and addresses of a deployed service. */
const service = {
  /** Name of the CloudFormation stack. */
  stack_name: text,
  api_url: z.url(),
  state_machine_arn: text,
  roll_back_state_machine_arn: text,
  event_bus_name: text,
  log_groups: z.array(text),
};

const app1 = z.strictObject({
  ...service,
  /** App1's registry. */
  targets: registry,
});
export type App1 = z.infer<typeof app1>;

const target = z.strictObject({
  ...service,
  user_pool_id: text,
  machine_client_id: text,
  service_client_id: text,
  key_arn: text,
  password_policy: passwordPolicy,
  /** Name of the group of the service users. */
  service_user_group: text,
  credentials_secret_arn: text,
  /** The Target string, which the target hands over to App1. */
  target: text,
});
export type Target = z.infer<typeof target>;

/** `outputs.json`: the ARNs, URLs and ids of a deployed system. Tools and tests read nothing else of it. */
export const outputs = z.strictObject({
  endpoint: z.url(),
  region: text,
  account: text,
  access_key_id: text,
  secret_access_key: text,
  app1,
  app2: target,
  /** The deployed targets by name, App2 among them. */
  targets: z.record(targetName, target),
});
export type Outputs = z.infer<typeof outputs>;

const common = {
  StackName: text,
  ApiUrl: z.url().transform((url) => url.replace(/\/$/, '')),
  StateMachineArn: text,
  RollBackStateMachineArn: text,
  EventBusName: text,
  LogGroups: text.transform((value) => value.split(',')),
};
const commonOutputs = (values: z.infer<z.ZodObject<typeof common>>) => ({
  stack_name: values.StackName,
  api_url: values.ApiUrl,
  state_machine_arn: values.StateMachineArn,
  roll_back_state_machine_arn: values.RollBackStateMachineArn,
  event_bus_name: values.EventBusName,
  log_groups: values.LogGroups,
});

/**
 * The outputs of each construct under CloudFormation's names, with the name of the stack as `StackName`, transformed to the
 * names in `outputs.json`.
 */
export const stackOutputs = {
  App1: z
    .object({ ...common, Targets: z.string().transform(parseJson).pipe(registry) })
    .transform((values): App1 => ({ ...commonOutputs(values), targets: values.Targets })),
  Target: z
    .object({
      ...common,
      UserPoolId: text,
      MachineClientId: text,
      ServiceClientId: text,
      KeyArn: text,
      PasswordPolicy: passwordPolicyText,
      ServiceUserGroup: text,
      CredentialsSecretArn: text,
      Target: text,
    })
    .transform(
      (values): Target => ({
        ...commonOutputs(values),
        user_pool_id: values.UserPoolId,
        machine_client_id: values.MachineClientId,
        service_client_id: values.ServiceClientId,
        key_arn: values.KeyArn,
        password_policy: values.PasswordPolicy,
        service_user_group: values.ServiceUserGroup,
        credentials_secret_arn: values.CredentialsSecretArn,
        target: values.Target,
      }),
    ),
};

function parseJson(value: string, { issues }: { issues: z.core.$ZodRawIssue[] }): unknown {
  try {
    return JSON.parse(value);
  } catch {
    issues.push({ code: 'custom', input: value, message: 'must be JSON' });
    return z.NEVER;
  }
}

/** The file to which `npm run up` writes the outputs. */
export const outputsFile = (directory: string): string => join(directory, 'outputs.json');

/** @throws CommandError when nothing is deployed there */
export function readOutputs(directory: string): Outputs {
  const file = outputsFile(directory);
  try {
    return outputs.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    throw new CommandError(
      `There is no deployed local AWS: ${file} is missing or not readable.`,
      'Run `npm run up` first.',
    );
  }
}
