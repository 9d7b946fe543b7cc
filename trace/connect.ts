import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { SFNClient } from '@aws-sdk/client-sfn';
import { tryRead } from '../cli/connect.ts';
import { CommandError } from '../cli/support/command-error.ts';
import { type App1, type TargetEnvironmentOptions, targetEnvironment } from '../cli/target-environment.ts';
import type { ServiceKind } from '../contracts/services.ts';
import { busLog } from '../infra/names.ts';

/** Finds the two services: on the local AWS of this checkout, or on AWS with the user's credentials. */

export interface DeployedService {
  service: ServiceKind;
  /** ARN of the state machine that creates, and of the one that rolls back. */
  stateMachine: string;
  rollBackStateMachine: string;
  /** Receives every audit event of the service. */
  eventsLog: string;
}

export interface Connection {
  /** The name of the environment on the page: `local AWS`, or account and region. */
  environment: string;
  stepFunctions: SFNClient;
  logs: CloudWatchLogsClient;
  services: DeployedService[];
  /** DescribeExecution calls per second that leave the rest of the account's quota to the services. */
  callsPerSecond: number;
}

/**
 * In most regions the quota of DescribeExecution is 10 per second for the whole account, and the services need it, too.
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
const CALLS_PER_SECOND = 4;

/** @throws CommandError when no service is deployed there, or AWS denies access */
export async function connect(options: TargetEnvironmentOptions): Promise<Connection> {
  const target = targetEnvironment(options);
  const stepFunctions = target.client(SFNClient);
  const found = await Promise.all([findService('app1', target.app1), findService('app2', target.app2)]);
  const services = found.filter((one) => one !== undefined);
  const [first] = services;
  const region = await stepFunctions.config.region();
  if (first === undefined)
    throw new CommandError(
      `Neither App1 nor App2 is deployed in ${region} of this account.`,
      'Select an environment: `npm run trace -- --aws --profile NAME --region NAME`.',
    );
  return {
    environment: target.local ? 'local AWS' : `${first.stateMachine.split(':')[4]} · ${region}`,
    stepFunctions,
    logs: target.client(CloudWatchLogsClient),
    services,
    callsPerSecond: target.local ? Number.POSITIVE_INFINITY : CALLS_PER_SECOND,
  };
}

/** A service by the outputs of its stack; `undefined` when the stack is not in this account and region. */
async function findService(
  service: ServiceKind,
  readOutputs: () => Promise<
    Pick<App1, 'state_machine_arn' | 'roll_back_state_machine_arn' | 'event_bus_name'>
  >,
): Promise<DeployedService | undefined> {
  const stack = await tryRead(readOutputs);
  if (!stack.isAvailable && stack.error.code === 'NOT_DEPLOYED') return undefined;
  if (!stack.isAvailable) throw new CommandError(stack.error.message, stack.error.remedy);
  const { state_machine_arn, roll_back_state_machine_arn, event_bus_name } = stack.value;
  return {
    service,
    stateMachine: state_machine_arn,
    rollBackStateMachine: roll_back_state_machine_arn,
    eventsLog: busLog(event_bus_name),
  };
}

export const SIGN_IN =
  'Sign in again (`aws sso login --profile NAME`), or choose credentials with `--profile`; they need to read CloudFormation, Step Functions and CloudWatch Logs.';
