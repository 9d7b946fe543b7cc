import type { App1, Outputs, Target } from '../../cli/outputs.ts';
import { pascalCase } from '../../contracts/services.ts';
import { formatPolicy, formatTarget } from '../../contracts/targets.ts';
import { POLICY } from './password-policy.ts';

/** Outputs of services that no test has deployed. */

const account = 'eu-central-1:111122223333';
export const stateMachineArn = (name: string) => `arn:aws:states:${account}:stateMachine:${name}`;

/** The Target string of a target. */
export const targetLine = (name: string, over: Partial<Parameters<typeof formatTarget>[0]> = {}): string =>
  formatTarget({
    name,
    api_url: `https://${name}id.execute-api.eu-central-1.amazonaws.com/v1`,
    client_id: 'machine-client',
    key_arn: `${name}-key`,
    secret_arn: `${name}-secret`,
    bus_arn: `arn:aws:events:${account}:event-bus/${name}-service-users`,
    password_policy: formatPolicy(POLICY),
    creations_per_second: '23.5',
    ...over,
  });

export const APP1: App1 = {
  stack_name: 'App1',
  api_url: 'https://app1.example/v1',
  state_machine_arn: stateMachineArn('ProvisionServiceUser'),
  roll_back_state_machine_arn: stateMachineArn('RollBackProvisioning'),
  event_bus_name: 'app1-provisioning',
  log_groups: ['/aws/lambda/app1-call-target', '/aws/events/app1-provisioning'],
  targets: [{ name: 'app2', state: 'active', target: targetLine('app2') }],
};

/** The outputs of a target in a stack of its own. */
export const targetOutputs = (name: string): Target => ({
  stack_name: pascalCase(name),
  api_url: `https://${name}id.execute-api.eu-central-1.amazonaws.com/v1`,
  state_machine_arn: stateMachineArn(`${name}-CreateServiceUser`),
  roll_back_state_machine_arn: stateMachineArn(`${name}-RollBackServiceUser`),
  event_bus_name: `${name}-service-users`,
  log_groups: [`/aws/lambda/${name}-create-user`],
  user_pool_id: `${name}-pool`,
  machine_client_id: 'machine-client',
  service_client_id: 'service-client',
  key_arn: `${name}-key`,
  password_policy: POLICY,
  service_user_group: 'service-user',
  credentials_secret_arn: `${name}-secret`,
  target: targetLine(name),
});

export const APP2: Target = {
  ...targetOutputs('app2'),
  state_machine_arn: stateMachineArn('CreateServiceUser'),
  roll_back_state_machine_arn: stateMachineArn('RollBackServiceUser'),
};

/** The content of `outputs.json`, of a local AWS with App2 as the only target. */
export const localOutputs = (over: Partial<Outputs> = {}): Outputs => ({
  endpoint: 'http://127.0.0.1:1',
  region: 'us-east-1',
  account: '111122223333',
  access_key_id: 'local-key',
  secret_access_key: 'local-secret',
  app1: APP1,
  app2: APP2,
  targets: { app2: APP2 },
  ...over,
});
