import { Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  EventInvokeConfig,
  Function as LambdaFunction,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type * as z from 'zod';
import type { ServiceKind } from '../../contracts/services.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import { environments as app1 } from '../../handlers/app1/lib/environments.ts';
import { environments as app2 } from '../../handlers/app2/lib/environments.ts';
import { bundleOf } from '../bundles.ts';
import { acknowledge } from '../checks.ts';
import { functionNamed } from '../names.ts';
import { allow } from '../permissions.ts';
import type { ServiceSettings } from '../service-settings.ts';

const environments = { app1, app2 } as const;

type Environments = typeof environments;
/** Name of a function of a service; its file and its environment schema have the same name. */
export type FunctionName<S extends ServiceKind> = keyof Environments[S] & string;
/** The environment variables that a function requires: the input of its environment schema. */
type EnvironmentOf<S extends ServiceKind, N extends FunctionName<S>> =
  Environments[S][N] extends z.ZodType<unknown, infer Input extends object> ? Input : never;

export interface ServiceFunctionProps<S extends ServiceKind, N extends FunctionName<S>> {
  /** Kind of the service, which has the code of the function. */
  kind: S;
  /** Name of the service. */
  service: string;
  name: N;
  environment: EnvironmentOf<S, N>;
  /** The permissions of the function, except for writing its own log. */
  permissions: PolicyStatement[];
  settings: ServiceSettings;
  /** Time limit in seconds; that of a step by default (contracts/time-limits.ts). */
  timeout?: number;
  /** Removal policy of its log; that of the settings by default. */
  logRemoval?: RemovalPolicy;
  /**
   * Set for a function that only compensates, rolls back or sweeps. Concurrency is reserved for it if the setting
   * `compensation_concurrency` is set; for a `sweep` it is 1.
   */
  compensates?: 'always' | 'sweep';
  /** On-failure destination of a function that EventBridge invokes. */
  deadLetterQueue?: IQueue;
}

/** A function whose grants to invoke do not include its versions, as those of CDK do. */
class UnversionedFunction extends LambdaFunction {
  override get resourceArnsForGrantInvoke(): string[] {
    return [this.functionArn];
  }
}

/**
 * A Lambda function of a service. All functions have the same runtime, memory and log settings, and each has a role of its
 * own with exactly the given permissions.
 */
export class ServiceFunction<S extends ServiceKind, N extends FunctionName<S>> extends Construct {
  readonly function: LambdaFunction;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps<S, N>) {
    super(scope, id);
    const functionName = functionNamed(props.service, props.name);
    this.logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: props.settings.logRetention,
      removalPolicy: props.logRemoval ?? props.settings.removalPolicy,
    });
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.logGroup.grantWrite(role);
    for (const statement of props.permissions) role.addToPolicy(statement);
    this.function = new UnversionedFunction(this, 'Function', {
      functionName,
      description: `${props.service} ${props.name} of ${Stack.of(this).stackName}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(bundleOf(this, props.kind, props.name)),
      memorySize: 512,
      ...reservation(props),
      timeout: Duration.seconds(props.timeout ?? timeLimits.stepFunction),
      role,
      logGroup: this.logGroup,
      tracing: props.settings.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      environment: { SERVICE_NAME: functionName, ...asVariables(props.environment) },
    });
    this.function.node.addDependency(role);
    if (props.deadLetterQueue !== undefined) this.#addOnFailureDestination(role, props.deadLetterQueue);
    acknowledge(this, {
      'Serverless-LambdaDLQ':
        props.deadLetterQueue === undefined
          ? 'It is invoked synchronously, and the client receives the error: a dead-letter queue would stay empty.'
          : 'Events that it failed to process go to its on-failure destination, which records the name of the function.',
    });
    if (props.settings.tracing)
      acknowledge(role, {
        'AwsSolutions-IAM5[Resource::*]':
          'xray:PutTraceSegments and PutTelemetryRecords do not support resource-level permissions.',
      });
  }

  /** docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
  #addOnFailureDestination(role: Role, { queueArn }: IQueue): void {
    role.addToPolicy(allow(['sqs:SendMessage'], [queueArn]));
    new EventInvokeConfig(this, 'OnFailure', {
      function: this.function,
      // CDK's SqsDestination grants permissions to read the queue, too, which the function does not need.
      onFailure: { bind: () => ({ destination: queueArn }) },
    });
  }
}

/** docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html */
function reservation({
  compensates,
  settings: { compensationConcurrency },
}: Pick<ServiceFunctionProps<ServiceKind, never>, 'compensates' | 'settings'>): {
  reservedConcurrentExecutions?: number;
} {
  if (compensationConcurrency === undefined || compensates === undefined) return {};
  return { reservedConcurrentExecutions: compensates === 'sweep' ? 1 : compensationConcurrency };
}

/** Environment variables are strings. */
function asVariables(environment: object): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]));
}
