import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';

interface RollBackWatchProps {
  /** The machine whose executions are watched. */
  stateMachine: StateMachine;
  /** Rolls one execution back that ended badly. */
  rollBackFailed: IFunction;
  /** Finds what the events missed, and roll-backs that failed. */
  sweep: IFunction;
  /** Where events go that could not be delivered. */
  deadLetterQueue: IQueue;
}

/** How often the sweep looks: an execution whose event was lost is rolled back after this time at the latest. */
const SWEEP_EVERY = Duration.minutes(5);

/**
 * Has executions rolled back that ended without undoing what they did. No Catch runs when an execution is stopped,
 * times out or fails in Step Functions itself; EventBridge tells of it, as well as it can, and a sweep finds the rest.
 * docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 */
export class RollBackWatch extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { stateMachine, rollBackFailed, sweep, deadLetterQueue }: RollBackWatchProps,
  ) {
    super(scope, id);
    new Rule(this, 'Ended', {
      description: `Executions of ${stateMachine.stateMachineName} that did not end well, to their roll-back`,
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: [stateMachine.stateMachineArn],
          status: ['FAILED', 'TIMED_OUT', 'ABORTED'],
        },
      },
      targets: [new LambdaFunction(rollBackFailed, { deadLetterQueue })],
    });
    new Rule(this, 'Sweep', {
      description: `Looks for executions of ${stateMachine.stateMachineName} that nobody rolled back`,
      schedule: Schedule.rate(SWEEP_EVERY),
      targets: [new LambdaFunction(sweep, { deadLetterQueue })],
    });
  }
}
