import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';

interface RollBackWatchProps {
  /** The state machine whose executions are watched. */
  stateMachine: StateMachine;
  /** Starts the roll-back of one failed execution. */
  startRollBack: IFunction;
  /** Reconciles executions whose event was lost and roll-backs that failed. */
  sweep: IFunction;
  /** Receives events that could not be delivered. */
  deadLetterQueue: IQueue;
}

/** Interval of the sweep: the longest time until an execution whose event was lost is rolled back. */
const SWEEP_INTERVAL = Duration.minutes(5);

/**
 * Rolls executions back that failed without compensation. No Catch runs when an execution is stopped, times out or fails in
 * Step Functions itself. EventBridge publishes the status change on a best-effort basis, and a sweep finds the rest.
 * docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 */
export class RollBackWatch extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { stateMachine, startRollBack, sweep, deadLetterQueue }: RollBackWatchProps,
  ) {
    super(scope, id);
    new Rule(this, 'Ended', {
      description: `Executions of ${stateMachine.stateMachineName} that have failed: starts their roll-back`,
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: [stateMachine.stateMachineArn],
          status: ['FAILED', 'TIMED_OUT', 'ABORTED'],
        },
      },
      targets: [new LambdaFunction(startRollBack, { deadLetterQueue })],
    });
    new Rule(this, 'Sweep', {
      description: `Finds failed executions of ${stateMachine.stateMachineName} that were not rolled back`,
      schedule: Schedule.rate(SWEEP_INTERVAL),
      targets: [new LambdaFunction(sweep, { deadLetterQueue })],
    });
  }
}
