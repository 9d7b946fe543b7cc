import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { passwordPolicy, passwordPolicyText } from '../contracts/password-policy.ts';
import { CommandError } from './support/command-error.ts';

const text = z.string().min(1);

/** `outputs.json`: the ARNs, URLs and ids of a deployed system. Tools and tests read nothing else of it. */
export const outputs = z.strictObject({
  endpoint: z.url(),
  region: text,
  account: text,
  access_key_id: text,
  secret_access_key: text,
  app1: z.strictObject({
    api_url: z.url(),
    state_machine_arn: text,
    roll_back_state_machine_arn: text,
    event_bus_name: text,
    log_groups: z.array(text),
  }),
  app2: z.strictObject({
    api_url: z.url(),
    state_machine_arn: text,
    roll_back_state_machine_arn: text,
    user_pool_id: text,
    machine_client_id: text,
    service_client_id: text,
    event_bus_name: text,
    key_arn: text,
    password_policy: passwordPolicy,
    /** Name of the group of the service users. */
    service_user_group: text,
    credentials_secret_arn: text,
    log_groups: z.array(text),
  }),
});
export type Outputs = z.infer<typeof outputs>;

const common = {
  ApiUrl: z.url().transform((url) => url.replace(/\/$/, '')),
  StateMachineArn: text,
  RollBackStateMachineArn: text,
  EventBusName: text,
  LogGroups: text.transform((value) => value.split(',')),
};
const commonOutputs = (values: z.infer<z.ZodObject<typeof common>>) => ({
  api_url: values.ApiUrl,
  state_machine_arn: values.StateMachineArn,
  roll_back_state_machine_arn: values.RollBackStateMachineArn,
  event_bus_name: values.EventBusName,
  log_groups: values.LogGroups,
});

/** The outputs of each stack under CloudFormation's names, transformed to the names in `outputs.json`. */
export const stackOutputs = {
  App1: z.object(common).transform(commonOutputs),
  App2: z
    .object({
      ...common,
      UserPoolId: text,
      MachineClientId: text,
      ServiceClientId: text,
      KeyArn: text,
      PasswordPolicy: passwordPolicyText,
      ServiceUserGroup: text,
      CredentialsSecretArn: text,
    })
    .transform((put) => ({
      ...commonOutputs(put),
      user_pool_id: put.UserPoolId,
      machine_client_id: put.MachineClientId,
      service_client_id: put.ServiceClientId,
      key_arn: put.KeyArn,
      password_policy: put.PasswordPolicy,
      service_user_group: put.ServiceUserGroup,
      credentials_secret_arn: put.CredentialsSecretArn,
    })),
};

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
