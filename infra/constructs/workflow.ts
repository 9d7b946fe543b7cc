import { Duration } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import {
  DefinitionBody,
  type IChainable,
  LogLevel,
  QueryLanguage,
  StateMachine,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { acknowledge } from '../checks.ts';
import type { ServiceSettings } from '../service-settings.ts';

interface WorkflowProps {
  stateMachineName: string;
  comment: string;
  definition: (scope: Construct) => IChainable;
  /** Time limit of an execution in seconds. */
  timeout: number;
  settings: ServiceSettings;
}

/**
 * A Standard state machine with a fixed name. Its log has no execution data; the execution history has the data. It has no
 * customer managed key: an execution contains no secret, and a disabled key would stop a compensation.
 */
export class Workflow extends Construct {
  readonly stateMachine: StateMachine;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: WorkflowProps) {
    super(scope, id);
    this.logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/vendedlogs/states/${props.stateMachineName}`,
      retention: props.settings.logRetention,
      removalPolicy: props.settings.removalPolicy,
    });
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      stateMachineName: props.stateMachineName,
      comment: props.comment,
      queryLanguage: QueryLanguage.JSONATA,
      definitionBody: DefinitionBody.fromChainable(props.definition(this)),
      timeout: Duration.seconds(props.timeout),
      logs: { destination: this.logGroup, level: LogLevel.ALL, includeExecutionData: false },
      tracingEnabled: props.settings.tracing,
      removalPolicy: props.settings.removalPolicy,
    });
    acknowledge(this.stateMachine, {
      'AwsSolutions-IAM5[Resource::*]':
        'Log delivery (logs:*LogDelivery*) and X-Ray do not support resource-level permissions.',
    });
  }
}
