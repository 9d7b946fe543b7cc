import { CfnOutput, Duration, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { timeLimits } from '../contracts/time-limits.ts';
import type { Service } from './bundle.ts';
import { acknowledge } from './checks.ts';
import {
  type FunctionName,
  ServiceFunction,
  type ServiceFunctionProps,
} from './constructs/service-function.ts';
import { allow } from './rights.ts';
import type { Settings } from './settings.ts';

interface ServiceStackProps extends StackProps {
  settings: Settings;
}

/** What the stacks of both services have in common: their functions, and what they put out. */
export abstract class ServiceStack<S extends Service> extends Stack {
  protected readonly settings: Settings;
  readonly #service: S;
  readonly #functionLogs: ILogGroup[] = [];
  /** Dead-letter queue of the service: what EventBridge could not deliver, and what a function could not handle. */
  protected readonly undelivered: Queue;

  constructor(scope: Construct, id: string, service: S, { settings, ...props }: ServiceStackProps) {
    super(scope, id, props);
    this.#service = service;
    this.settings = settings;
    this.undelivered = new Queue(this, 'Undelivered', {
      queueName: `${service}-undelivered`,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: settings.removalPolicy,
    });
    acknowledge(this.undelivered, {
      'Serverless-SQSRedrivePolicy': 'It is the dead-letter queue; what lies there waits for an operator.',
    });
  }

  /** Adds one of the service's functions. */
  protected addFunction<N extends FunctionName<S>>(
    id: string,
    props: Omit<ServiceFunctionProps<S, N>, 'service' | 'settings'>,
  ): IFunction {
    const made = new ServiceFunction(this, id, {
      service: this.#service,
      settings: this.settings,
      ...props,
    });
    this.#functionLogs.push(made.logGroup);
    return made.function;
  }

  /**
   * The service's sweep and the parameter that holds its mark. Its first value stays in the template: what the sweep
   * writes later is not changed by an update.
   */
  protected addSweep<N extends FunctionName<S>>(
    props: Omit<ServiceFunctionProps<S, N>, 'service' | 'settings' | 'timeout' | 'environment'> & {
      environment: (markParameter: string) => ServiceFunctionProps<S, N>['environment'];
    },
  ): IFunction {
    const mark = new StringParameter(this, 'SweepMark', {
      parameterName: `/${this.#service}/sweep-mark`,
      description: 'Every execution that ended before is settled; written by the sweep',
      stringValue: 'never',
    });
    return this.addFunction('Sweep', {
      ...props,
      environment: props.environment(mark.parameterName),
      rights: [...props.rights, allow(['ssm:GetParameter', 'ssm:PutParameter'], [mark.parameterArn])],
      timeout: timeLimits.sweepFunction,
      undelivered: this.undelivered,
    });
  }

  /** Puts values out for whoever deploys, with the names of all logs: those of the functions and `logGroups`. */
  protected putOut(values: Record<string, string>, logGroups: ILogGroup[]): void {
    const logs = [...this.#functionLogs, ...logGroups].map(({ logGroupName }) => logGroupName);
    for (const [name, value] of Object.entries({ ...values, LogGroups: Fn.join(',', logs) }))
      new CfnOutput(this, name, { value });
  }
}
