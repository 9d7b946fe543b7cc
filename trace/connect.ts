import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { SFNClient } from '@aws-sdk/client-sfn';
import { tryRead } from '../cli/connect.ts';
import { CommandError } from '../cli/support/command-error.ts';
import { type App1, type TargetEnvironmentOptions, targetEnvironment } from '../cli/target-environment.ts';
import type { Service } from '../contracts/services.ts';
import { busLog } from '../infra/names.ts';

/** TargetEnvironment the two services are found: on the local AWS of this checkout, or on AWS with the user's own credentials. */

export interface ServiceThere {
  service: Service;
  /** ARN of the machine that does it, and of the one that undoes it. */
  machine: string;
  rollBackMachine: string;
  /** Receives every audit event of the service. */
  eventsLog: string;
}

export interface Connection {
  /** As the page names it. */
  where: string;
  stepFunctions: SFNClient;
  logs: CloudWatchLogsClient;
  services: ServiceThere[];
  /** Look-ups of executions in a second that leave the services what they need of the account's quota. */
  lookUpsPerSecond: number;
}

/**
 * DescribeExecution has 10 a second for the whole account in most regions, and the services need them.
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
const LOOK_UPS_PER_SECOND = 4;

/** @throws CommandError when nothing is deployed there, or AWS lets nobody look */
export async function connect(options: TargetEnvironmentOptions): Promise<Connection> {
  const place = targetEnvironment(options);
  const stepFunctions = place.client(SFNClient);
  const found = await Promise.all([find('app1', place.app1), find('app2', place.app2)]);
  const services = found.filter((one) => one !== undefined);
  const [first] = services;
  const region = await stepFunctions.config.region();
  if (first === undefined)
    throw new CommandError(
      `Neither App1 nor App2 is deployed in ${region} of this account.`,
      'Say where: `npm run trace -- --aws --profile NAME --region NAME`.',
    );
  return {
    where: place.local ? 'local AWS' : `${first.machine.split(':')[4]} · ${region}`,
    stepFunctions,
    logs: place.client(CloudWatchLogsClient),
    services,
    lookUpsPerSecond: place.local ? Number.POSITIVE_INFINITY : LOOK_UPS_PER_SECOND,
  };
}

/** A service by what its stack has put out; `undefined` when it is not here: it may be in another account. */
async function find(
  service: Service,
  addOutputs: () => Promise<
    Pick<App1, 'state_machine_arn' | 'roll_back_state_machine_arn' | 'event_bus_name'>
  >,
): Promise<ServiceThere | undefined> {
  const stack = await tryRead(addOutputs);
  if (!stack.isAvailable && stack.error.code === 'NOT_DEPLOYED') return undefined;
  if (!stack.isAvailable) throw new CommandError(stack.error.message, stack.error.remedy);
  const { state_machine_arn, roll_back_state_machine_arn, event_bus_name } = stack.value;
  return {
    service,
    machine: state_machine_arn,
    rollBackMachine: roll_back_state_machine_arn,
    eventsLog: busLog(event_bus_name),
  };
}

export const SIGN_IN =
  'Sign in again (`aws sso login --profile NAME`), or choose credentials with `--profile`; they need to read CloudFormation, Step Functions and CloudWatch Logs.';
