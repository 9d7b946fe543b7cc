import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { readOutputs } from '../local/outputs.ts';
import { settings } from '../local/places.ts';
import { Problem } from '../local/problem.ts';
import type { Service } from './model.ts';

/** Where the two services are found: on the local AWS of this checkout, or on AWS with the user's own credentials. */

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

export interface Target {
  aws: boolean;
  profile?: string | undefined;
  region?: string | undefined;
}

/** @throws Problem when nothing is deployed there, or AWS lets nobody look */
export const connect = (target: Target): Promise<Connection> =>
  target.aws ? connectToAws(target) : Promise.resolve(connectToLocalAws());

function connectToLocalAws(): Connection {
  const { endpoint, region, access_key_id, secret_access_key, app1, app2 } = readOutputs(
    settings().directory,
  );
  const configuration = {
    endpoint,
    region,
    credentials: { accessKeyId: access_key_id, secretAccessKey: secret_access_key },
  };
  return {
    where: 'local AWS',
    stepFunctions: new SFNClient(configuration),
    logs: new CloudWatchLogsClient(configuration),
    services: (
      [
        ['App1', app1],
        ['App2', app2],
      ] as const
    ).map(([service, { state_machine_arn, roll_back_state_machine_arn, event_bus_name }]) => ({
      service,
      machine: state_machine_arn,
      rollBackMachine: roll_back_state_machine_arn,
      eventsLog: eventsLogOf(event_bus_name),
    })),
    lookUpsPerSecond: Number.POSITIVE_INFINITY,
  };
}

/** See infra/constructs/audit-bus.ts. */
const eventsLogOf = (bus: string): string => `/aws/events/${bus}`;

/** What is read of a stack's outputs; see infra/app1-stack.ts and app2-stack.ts. */
const stackOutputs = z.object({
  StateMachineArn: z.string(),
  RollBackStateMachineArn: z.string(),
  EventBusName: z.string(),
});

/**
 * DescribeExecution has 15 a second for the whole account, and the services need them.
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
const LOOK_UPS_PER_SECOND = 4;

async function connectToAws({ profile, region }: Target): Promise<Connection> {
  const configuration = {
    ...(profile === undefined ? {} : { profile }),
    ...(region === undefined ? {} : { region }),
  };
  const cloudFormation = new CloudFormationClient(configuration);
  const found = await Promise.all(
    (['App1', 'App2'] as const).map((stack) => findStack(cloudFormation, stack, stack)),
  );
  const services = found.filter((one) => one !== undefined);
  const used = await cloudFormation.config.region();
  const [first] = services;
  if (first === undefined)
    throw new Problem(
      `Neither App1 nor App2 is deployed in ${used} of this account.`,
      'Say where: `npm run trace -- --aws --profile NAME --region NAME`.',
    );
  return {
    where: `${first.machine.split(':')[4]} · ${used}`,
    stepFunctions: new SFNClient(configuration),
    logs: new CloudWatchLogsClient(configuration),
    services,
    lookUpsPerSecond: LOOK_UPS_PER_SECOND,
  };
}

/** A service by the outputs of its stack; `undefined` when there is no such stack: it may be in another account. */
async function findStack(
  cloudFormation: CloudFormationClient,
  StackName: string,
  service: Service,
): Promise<ServiceThere | undefined> {
  try {
    const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    const values = Object.fromEntries(
      (Stacks[0]?.Outputs ?? []).map(({ OutputKey = '', OutputValue }) => [OutputKey, OutputValue]),
    );
    const { StateMachineArn, RollBackStateMachineArn, EventBusName } = stackOutputs.parse(values);
    return {
      service,
      machine: StateMachineArn,
      rollBackMachine: RollBackStateMachineArn,
      eventsLog: eventsLogOf(EventBusName),
    };
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message))
      return undefined;
    if (error instanceof Error && !(error instanceof z.ZodError))
      throw new Problem(`AWS does not let this look at the stack ${StackName}: ${error.message}`, SIGN_IN);
    throw error;
  }
}

export const SIGN_IN =
  'Sign in again (`aws sso login --profile NAME`), or choose credentials with `--profile`; they need to read CloudFormation, Step Functions and CloudWatch Logs.';
