import { Duration } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  Choice,
  Condition,
  Errors,
  Fail,
  type IChainable,
  IntegrationPattern,
  Map as MapState,
  ProvideItems,
  QueryLanguage,
  TaskInput,
  type TaskStateBase,
  Timeout,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import {
  EventBridgePutEvents,
  type EventBridgePutEventsProps,
  LambdaInvoke,
} from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { assertedFields, type EventName, eventId, events, sourceOf } from '../contracts/events/catalogue.ts';
import { awsErrorMapping, DEFAULT_FAILURE, type FailureName, failures } from '../contracts/failures.ts';
import { CANCELLED } from '../contracts/outcomes.ts';
import { kindOf } from '../contracts/services.ts';
import { timeLimits } from '../contracts/time-limits.ts';
import { publishConditions } from './publish-conditions.ts';
import { type RetryPolicyName, retry } from './retry-policies.ts';

/** The kinds of states of both services. Names of states are verb-object, those of final states their outcomes. */

/** A JSONata expression. */
export const jsonata = (expression: string): string => `{% ${expression} %}`;

const expressionIn = (field: string): string => field.slice('{% '.length, -' %}'.length);

/** A field of the execution's input, in every state. */
export const input = (field: string): string => jsonata(`$states.context.Execution.Input.${field}`);

/** An optional field of the execution's input; without the field, the value of the expression `otherwise`. */
export const optionalInput = (field: string, otherwise = 'null'): string => {
  const value = `$states.context.Execution.Input.${field}`;
  return jsonata(`$exists(${value}) ? ${value} : ${otherwise}`);
};

/** A field of the item of an iteration of `forEachTarget`, which is the input of each of its states. */
export const item = (field: string): string => jsonata(`$states.input.${field}`);

/** Time at which the execution entered the state; equal for all its attempts. */
const ENTERED = '$states.context.State.EnteredTime';

/** Identifies the step for the function's log and metrics (`stepContext` in contracts/executions.ts). */
const stepContext = {
  provisioning_id: input('provisioning_id'),
  trace_id: optionalInput('trace_id'),
  machine: jsonata('$states.context.StateMachine.Name'),
  execution: jsonata('$states.context.Execution.Name'),
  state: jsonata('$states.context.State.Name'),
  attempt: jsonata('$states.context.State.RetryCount + 1'),
};

/** The payload of a function: that of the step, or the execution's input, with the context of the step. */
const withStepContext = (payload: Step['payload']): TaskInput => {
  if (payload !== 'execution input') return TaskInput.fromObject({ ...payload, step: stepContext });
  const fields = Object.entries(stepContext).map(([name, value]) => `'${name}': ${expressionIn(value)}`);
  return TaskInput.fromText(
    jsonata(`$merge([$states.context.Execution.Input, {'step': {${fields.join(', ')}}}])`),
  );
};

interface Step {
  run: IFunction;
  /** An object whose strings may be JSONata. */
  payload: Record<string, unknown> | 'execution input';
  retries: RetryPolicyName[];
  /** Variables that later states use. */
  assign?: Record<string, unknown>;
  /** Output of the state; by default the function's result. */
  outputs?: string;
  /** Seconds; by default `timeLimits.stepTask`. */
  timeout?: number;
}

/** A task that invokes a function. CDK's default retrier is off: only the named policies apply. */
export function runStep(
  scope: Construct,
  name: string,
  { run, payload, retries, assign, outputs = jsonata('$states.result.Payload'), timeout }: Step,
): LambdaInvoke {
  const task = LambdaInvoke.jsonata(scope, name, {
    lambdaFunction: run,
    payload: withStepContext(payload),
    outputs,
    retryOnServiceExceptions: false,
    taskTimeout: Timeout.duration(Duration.seconds(timeout ?? timeLimits.stepTask)),
    ...(assign === undefined ? {} : { assign }),
  });
  retry(task, ...retries);
  return task;
}

/**
 * A task that invokes a function and waits for SendTaskSuccess or SendTaskFailure with its task token. An error of the
 * function fails the attempt.
 * docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
 */
export function awaitCallback(
  scope: Construct,
  name: string,
  {
    run,
    payload,
    retries,
    timeout,
  }: Omit<Step, 'assign' | 'outputs' | 'payload'> & { payload: Record<string, unknown> },
): LambdaInvoke {
  const task = LambdaInvoke.jsonata(scope, name, {
    lambdaFunction: run,
    integrationPattern: IntegrationPattern.WAIT_FOR_TASK_TOKEN,
    payload: withStepContext({ ...payload, task_token: jsonata('$states.context.Task.Token') }),
    retryOnServiceExceptions: false,
    taskTimeout: Timeout.duration(Duration.seconds(timeout ?? timeLimits.stepTask)),
  });
  retry(task, ...retries);
  return task;
}

/** A Wait state until a point in time, given as a JSONata expression. It ends immediately if the time is past. */
export const waitUntil = (scope: Construct, name: string, time: string): Wait =>
  Wait.jsonata(scope, name, { time: WaitTime.timestamp(time) });

interface Iterations {
  /** First state of an iteration. Its input, and that of each later state, is the item. */
  run: IChainable;
  /** Fields of the item in addition to `target`. */
  item?: Record<string, string>;
  /** Variables that later states use. Those of an iteration are not visible outside. */
  assign?: Record<string, unknown>;
}

/**
 * A Map over the targets of the provisioning, all at the same time. It has no Retry, which would repeat the iterations that
 * succeeded. If an iteration fails, Step Functions stops the others.
 * docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
 */
export function forEachTarget(
  scope: Construct,
  name: string,
  { run, item = {}, assign }: Iterations,
): MapState {
  return MapState.jsonata(scope, name, {
    items: ProvideItems.jsonata(input('targets')),
    itemSelector: { target: jsonata('$states.context.Map.Item.Value'), ...item },
    ...(assign === undefined ? {} : { assign }),
  }).itemProcessor(run);
}

interface StopExecutionStep {
  run: IFunction;
  /** Fields of the payload in addition to those that identify the execution. */
  payload?: Record<string, string>;
  /** First state of the compensation. */
  next: IChainable;
  /** Next state if the execution cannot be stopped, and its variables. */
  failed: { next: IChainable; assign?: Record<string, unknown> };
  /** Further variables. `result` is an expression for a field of the function's result. */
  assign?: (result: (field: string) => string) => Record<string, unknown>;
}

/**
 * First state of a roll-back: stops the execution. If it cannot be stopped, nothing is compensated, because the running
 * execution could create the user again after the roll-back; then the sweep starts another roll-back.
 */
export function stopExecution(
  scope: Construct,
  name: string,
  { run, payload = {}, next, failed, assign = () => ({}) }: StopExecutionStep,
): IChainable {
  const result = (field: string) => jsonata(`$states.result.Payload.${field}`);
  const task = runStep(scope, name, {
    run,
    payload: {
      provisioning_id: input('provisioning_id'),
      creation_id: input('creation_id'),
      had_succeeded: input('had_succeeded'),
      failure: input('failure'),
      entered_at: jsonata(ENTERED),
      ...payload,
    },
    retries: ['absenceConfirmation', 'compensation'],
    assign: {
      had_succeeded: result('had_succeeded'),
      failure: result('failure'),
      ...assign(result),
    },
  });
  task.addCatch(failed.next, {
    errors: [Errors.ALL],
    assign: { ...failureOf(name), compensation_failure: failureOf(name).failure, ...failed.assign },
  });
  return task.next(next);
}

/** The variable `failure`: the failed step and its error. */
const failureOf = (step: string) => ({ failure: { step, error: jsonata('$states.errorOutput.Error') } });

/**
 * Catches every error of a step and continues with the compensation. Every error, because a Catch has only the error of
 * the last attempt, and an earlier attempt may have had an effect.
 * @param assign variables in addition to `failure`
 */
export function onFailure(
  task: TaskStateBase | MapState,
  compensation: IChainable,
  assign: Record<string, unknown> = {},
): void {
  task.addCatch(compensation, { errors: [Errors.ALL], assign: { ...failureOf(task.id), ...assign } });
}

/**
 * Catches every error of a compensating step. The variable `failure` keeps the error that was compensated.
 * @param assign variables in addition to `compensation_failure`
 */
export function onCompensationFailure(
  task: TaskStateBase | MapState,
  next: IChainable,
  assign: Record<string, unknown> = {},
): void {
  task.addCatch(next, {
    errors: [Errors.ALL],
    assign: { compensation_failure: failureOf(task.id).failure, ...assign },
  });
}

/** The bus on which a service publishes its audit events. */
export interface ServiceBus {
  /** Name of the service. */
  readonly service: string;
  readonly bus: IEventBus;
}

interface Publication {
  event: EventName;
  bus: ServiceBus;
  /** The event of a compensation is retried longer than an event whose step can still be compensated. */
  retries: 'publishing' | 'compensationPublishing';
  /** Variables with failures that the event contains. */
  failures?: readonly ('failure' | 'compensation_failure')[];
  /** Next state of a redriven execution. It publishes no event, because a roll-back may be compensating it. */
  redriven?: IChainable;
}

/** Codes by error name, and by prefix for the errors of service integrations. */
const CODES = JSON.stringify({
  ...Object.fromEntries(Object.entries(failures).map(([name, { code }]) => [name, code])),
  ...Object.fromEntries(
    Object.entries(awsErrorMapping).map(([name, meaning]) => [name, failures[meaning].code]),
  ),
});

/** A variable with a failure as a `publishedFailure`. JSONata drops empty results from the array of codes. */
function publishedFailureOf(variable: string): string {
  const error = `$${variable}.error`;
  const found = `$lookup($codes, ${error}), $lookup($codes, $substringBefore(${error}, '.'))`;
  const code = `[${found}, '${failures[DEFAULT_FAILURE].code}'][0]`;
  return jsonata(`($codes := ${CODES}; $merge([$${variable}, {'code': ${code}}]))`);
}

/** causation_id of an execution whose input has none: the execution itself. */
const OWN_EXECUTION =
  "'execution:' & $states.context.StateMachine.Name & ':' & $states.context.Execution.Name";

const FIRST_RUN = '$states.context.Execution.RedriveCount = 0';

/** The event_id, with the ids of the execution's input. */
function eventIdOf(service: string, event: EventName): string {
  const ids = ['provisioning_id', 'creation_id'].map((id) => `' & $states.context.Execution.Input.${id} & '`);
  return jsonata(`'${eventId(service, event, ...ids)}'`);
}

/** Restricts the permission of the state machine to the events of its service's provisionings. */
class PublishEvent extends EventBridgePutEvents {
  constructor(scope: Construct, id: string, service: string, props: EventBridgePutEventsProps) {
    super(scope, id, { ...props, queryLanguage: QueryLanguage.JSONATA });
    const published = Object.entries(events)
      .filter(([, event]) => event.publisher === kindOf(service) && event.about === 'provisioning')
      .map(([name]) => name);
    for (const statement of this.taskPolicies ?? [])
      statement.addConditions(publishConditions(sourceOf(service), published));
  }
}

/**
 * A task that publishes one event on the service's bus. One entry per task, because a retry sends all entries again. The
 * event_id is equal in each attempt, so that subscribers recognize duplicates.
 * docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html
 */
export function publishEvent(
  scope: Construct,
  name: string,
  { event, bus: { service, bus }, retries, failures: variables = [], redriven }: Publication,
): EventBridgePutEvents {
  const { publisher, sequence, version, data } = events[event];
  const task = new PublishEvent(scope, name, service, {
    entries: [
      {
        eventBus: bus,
        source: sourceOf(service),
        detailType: event,
        detail: TaskInput.fromObject({
          metadata: {
            event_id: eventIdOf(service, event),
            schema_version: version,
            provisioning_id: input('provisioning_id'),
            creation_id: input('creation_id'),
            sequence,
            occurred_at: jsonata(redriven === undefined ? ENTERED : `${FIRST_RUN} ? ${ENTERED} : $error()`),
            actor: input('owner'),
            causation_id: optionalInput('causation_id', OWN_EXECUTION),
            trace_id: optionalInput('trace_id'),
            asserted: assertedFields[publisher],
          },
          data: {
            username: input('username'),
            human_user_id: input('human_user_id'),
            ...(publisher === 'app2'
              ? { on_behalf_of: optionalInput('on_behalf_of') }
              : { targets: input('targets') }),
            ...('outcomes' in data.shape ? { outcomes: jsonata('$outcomes') } : {}),
            ...Object.fromEntries(variables.map((variable) => [variable, publishedFailureOf(variable)])),
          },
        }),
      },
    ],
    taskTimeout: Timeout.duration(Duration.seconds(timeLimits.stepTask)),
  });
  retry(task, retries);
  if (redriven !== undefined)
    task.addCatch(redriven, {
      errors: ['States.QueryEvaluationError'],
      assign: { failure: { step: name, error: 'RedriveRefused' satisfies FailureName } },
    });
  return task;
}

interface PublishedOutcome {
  event: EventName;
  bus: ServiceBus;
  end: IChainable;
  /** Next state if the event cannot be published. */
  outcomeNotPublished: IChainable;
}

/** Last task of a roll-back: publishes its outcome. */
export function publishOutcome(
  scope: Construct,
  name: string,
  { event, bus, end, outcomeNotPublished }: PublishedOutcome,
): IChainable {
  const publish = publishEvent(scope, name, { retries: 'compensationPublishing', event, bus });
  onCompensationFailure(publish, outcomeNotPublished);
  return publish.next(end);
}

interface PublishedOutcomes {
  /** The compensated execution had succeeded. */
  hadSucceeded: IChainable;
  /** The compensated execution was stopped by a cancellation. */
  cancelled: IChainable;
  otherwise: IChainable;
}

/** Chooses the event of a roll-back by the outcome of the compensated execution. */
export function choosePublishedOutcome(
  scope: Construct,
  { hadSucceeded, cancelled, otherwise }: PublishedOutcomes,
): IChainable {
  const when = (condition: string) => Condition.jsonata(jsonata(condition));
  return Choice.jsonata(scope, 'ChoosePublishedOutcome')
    .when(when('$had_succeeded'), hadSucceeded)
    .when(when(`$failure.error = '${CANCELLED}'`), cancelled)
    .otherwise(otherwise);
}

/**
 * A Fail state. Its Cause is the variable `failure` in JSON, which the status explains to the caller.
 * @param more an expression for an object with further fields of the Cause
 */
export function failAs(scope: Construct, name: string, more?: string): Fail {
  const cause = more === undefined ? '$failure' : `$merge([$failure, ${more}])`;
  return Fail.jsonata(scope, name, { error: name, cause: jsonata(`$string(${cause})`) });
}
