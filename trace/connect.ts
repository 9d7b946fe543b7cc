import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { SFNClient } from '@aws-sdk/client-sfn';
import { type FoundService, listServices } from '../cli/services.ts';
import { CommandError } from '../cli/support/command-error.ts';
import { type TargetEnvironmentOptions, targetEnvironment } from '../cli/target-environment.ts';
import { busLog } from '../infra/names.ts';

/** Finds the services: on the local AWS of this checkout, or on AWS with the user's credentials. */

export interface DeployedService {
  /** Name of the service. */
  service: string;
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
  const services = (await listServices(target)).flatMap((service) => deployedService(service) ?? []);
  const [first] = services;
  const region = await stepFunctions.config.region();
  if (first === undefined)
    throw new CommandError(
      `No service is deployed in ${region} of this account.`,
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

/** `undefined` if the service is not in this account and region. @throws CommandError when it cannot be read */
function deployedService({ name, outputs }: FoundService): DeployedService | undefined {
  if (!outputs.isAvailable && outputs.error.code === 'NOT_DEPLOYED') return undefined;
  if (!outputs.isAvailable) throw new CommandError(outputs.error.message, outputs.error.remedy);
  const { state_machine_arn, roll_back_state_machine_arn, event_bus_name } = outputs.value;
  return {
    service: name,
    stateMachine: state_machine_arn,
    rollBackStateMachine: roll_back_state_machine_arn,
    eventsLog: busLog(event_bus_name),
  };
}

export const SIGN_IN =
  'Sign in again (`aws sso login --profile NAME`), or choose credentials with `--profile`; they need to read CloudFormation, Step Functions and CloudWatch Logs.';
