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
import type { Settings } from '../settings.ts';

interface WorkflowProps {
  stateMachineName: string;
  comment: string;
  definition: (scope: Construct) => IChainable;
  /** Seconds for a whole execution. */
  timeout: number;
  settings: Settings;
}

/**
 * A Standard state machine under a fixed name. The log has the steps but no data: the history has that, for those who
 * may read it. No customer managed key: nothing in it is secret, and such a key could stop an undo.
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
        'Log delivery (logs:*LogDelivery*) and X-Ray know no resources: Step Functions needs these permissions on all.',
    });
  }
}
