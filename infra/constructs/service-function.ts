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
import type { Service } from '../../contracts/services.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import { environments as app1 } from '../../handlers/app1/lib/environments.ts';
import { environments as app2 } from '../../handlers/app2/lib/environments.ts';
import { bundleOf } from '../bundle.ts';
import { acknowledge } from '../checks.ts';
import { functionNamed } from '../names.ts';
import { allow } from '../permissions.ts';
import type { Settings } from '../settings.ts';

const environments = { app1, app2 } as const;

type Environments = typeof environments;
/** Name of a function of a service: that of its file and of its environment. */
export type FunctionName<S extends Service> = keyof Environments[S] & string;
/** What infra must set for a function: the input side of the schema by which the function reads it. */
type EnvironmentOf<S extends Service, N extends FunctionName<S>> =
  Environments[S][N] extends z.ZodType<unknown, infer Input extends object> ? Input : never;

export interface ServiceFunctionProps<S extends Service, N extends FunctionName<S>> {
  service: S;
  name: N;
  environment: EnvironmentOf<S, N>;
  /** What the function may do, beside writing its own log. */
  permissions: PolicyStatement[];
  settings: Settings;
  /** Seconds; a step's limit unless the ladder has a rung of its own for it. */
  timeout?: number;
  /** What becomes of its log when it is removed; as the settings say unless given. */
  logRemoval?: RemovalPolicy;
  /**
   * That the function only compensates, rolls back or sweeps, so that concurrency is reserved for it if the settings say
   * so; for a `sweep` just one call.
   */
  compensates?: 'always' | 'sweep';
  /** Where an event goes that the function could not handle, for a function that EventBridge calls. */
  deadLetterQueue?: IQueue;
}

/** Whoever may invoke the function may invoke it as it is now, and not each of its versions, as CDK grants it. */
class Unversioned extends LambdaFunction {
  override get resourceArnsForGrantInvoke(): string[] {
    return [this.functionArn];
  }
}

/**
 * The one way in which functions are made: same runtime, same log, same limits, a role of its own with exactly the
 * permissions that it is given.
 */
export class ServiceFunction<S extends Service, N extends FunctionName<S>> extends Construct {
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
    this.function = new Unversioned(this, 'Function', {
      functionName,
      description: `${props.service} ${props.name} of ${Stack.of(this).stackName}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(bundleOf(this, props.service, props.name)),
      memorySize: 512,
      ...reservation(props),
      timeout: Duration.seconds(props.timeout ?? timeLimits.stepFunction),
      role,
      logGroup: this.logGroup,
      tracing: props.settings.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      environment: { SERVICE_NAME: functionName, ...asVariables(props.environment) },
    });
    this.function.node.addDependency(role);
    if (props.deadLetterQueue !== undefined) this.#handOn(role, props.deadLetterQueue);
    acknowledge(this, {
      'Serverless-LambdaDLQ':
        props.deadLetterQueue === undefined
          ? 'Only called by somebody who waits for the answer and sees the error: a dead-letter queue would stay empty.'
          : 'What it could not handle goes to its on-failure destination, which keeps the name of the function.',
    });
    if (props.settings.tracing)
      acknowledge(role, {
        'AwsSolutions-IAM5[Resource::*]':
          'X-Ray has no resources for traces: xray:PutTraceSegments and PutTelemetryRecords are granted on all or not at all.',
      });
  }

  /** docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
  #handOn(role: Role, { queueArn }: IQueue): void {
    role.addToPolicy(allow(['sqs:SendMessage'], [queueArn]));
    new EventInvokeConfig(this, 'OnFailure', {
      function: this.function,
      // CDK's own destination also gives permissions to look at the queue, which nobody uses.
      onFailure: { bind: () => ({ destination: queueArn }) },
    });
  }
}

/** docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html */
function reservation({
  compensates,
  settings: { compensationConcurrency },
}: Pick<ServiceFunctionProps<Service, never>, 'compensates' | 'settings'>): {
  reservedConcurrentExecutions?: number;
} {
  if (compensationConcurrency === undefined || compensates === undefined) return {};
  return { reservedConcurrentExecutions: compensates === 'sweep' ? 1 : compensationConcurrency };
}

/** The environment schemas describe strings only; anything else would not reach the function as it is. */
function asVariables(environment: object): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]));
}
