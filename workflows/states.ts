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
import {
  assertedFields,
  type EventName,
  type EventSource,
  eventId,
  eventSources,
  events,
} from '../contracts/events/catalogue.ts';
import { awsErrorMapping, DEFAULT_FAILURE, type FailureName, failures } from '../contracts/failures.ts';
import { CANCELLED } from '../contracts/outcomes.ts';
import { timeLimits } from '../contracts/time-limits.ts';
import { publishConditions } from './publish-conditions.ts';
import { type RetryPolicyName, retry } from './retry-policies.ts';

/** The kinds of states that both services' workflows are made of. Names of states are verb-object, of ends facts. */

/** A JSONata expression. */
export const jsonata = (expression: string): string => `{% ${expression} %}`;

const expressionIn = (field: string): string => field.slice('{% '.length, -' %}'.length);

/** A field of what the execution was started with; the same in every state, whatever came between. */
export const input = (field: string): string => jsonata(`$states.context.Execution.Input.${field}`);

/** A field that not every execution is started with: null, or another expression's value, where there is none. */
export const optionalInput = (field: string, otherwise = 'null'): string => {
  const value = `$states.context.Execution.Input.${field}`;
  return jsonata(`$exists(${value}) ? ${value} : ${otherwise}`);
};

/** When the state was entered; the same for each of its attempts. */
const ENTERED = '$states.context.State.EnteredTime';

/** Tells a function which step it is, for its log and its metrics (`stepContext` in contracts/executions.ts). */
const told = {
  provisioning_id: input('provisioning_id'),
  trace_id: optionalInput('trace_id'),
  machine: jsonata('$states.context.StateMachine.Name'),
  execution: jsonata('$states.context.Execution.Name'),
  state: jsonata('$states.context.State.Name'),
  attempt: jsonata('$states.context.State.RetryCount + 1'),
};

/** What a function gets: the step's payload, or what the execution was started with, and which step it is. */
const withStepContext = (payload: Step['payload']): TaskInput => {
  if (payload !== 'execution input') return TaskInput.fromObject({ ...payload, step: told });
  const fields = Object.entries(told).map(([name, value]) => `'${name}': ${expressionIn(value)}`);
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
  /** Seconds; the ladder's `stepTask` unless the function has a rung of its own. */
  timeout?: number;
}

/** A step that runs a function. CDK's own retrier is left out: what is retried is what the policies name. */
export function runStep(
  scope: Construct,
  name: string,
  { run, payload, retries, assign, timeout }: Step,
): LambdaInvoke {
  const task = LambdaInvoke.jsonata(scope, name, {
    lambdaFunction: run,
    payload: withStepContext(payload),
    outputs: jsonata('$states.result.Payload'),
    retryOnServiceExceptions: false,
    taskTimeout: Timeout.duration(Duration.seconds(timeout ?? timeLimits.stepTask)),
    ...(assign === undefined ? {} : { assign }),
  });
  retry(task, ...retries);
  return task;
}

/**
 * A step that runs a function and goes on when somebody sends success or failure for its token. Whatever the function
 * throws fails the attempt.
 * docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
 */
export function awaitCallback(
  scope: Construct,
  name: string,
  { run, payload, retries, timeout }: Omit<Step, 'assign' | 'payload'> & { payload: Record<string, unknown> },
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

/** A pause until a point in time, a JSONata expression. A time that is past ends it at once. */
export const waitUntil = (scope: Construct, name: string, time: string): Wait =>
  Wait.jsonata(scope, name, { time: WaitTime.timestamp(time) });

interface Stop {
  run: IFunction;
  /** Begin of the compensation. */
  next: IChainable;
  /** Where it goes on when the execution cannot be stopped. */
  otherwise: IChainable;
  /** Further variables, from what the function says of what it has stopped. */
  assign?: (stopped: (field: string) => string) => Record<string, unknown>;
}

/**
 * First state of a roll-back. What cannot be stopped is not undone: it could do again what was just undone, and the
 * roll-back would have said that nothing is left. The next attempt stops it.
 */
export function stopExecution(
  scope: Construct,
  name: string,
  { run, next, otherwise, assign = () => ({}) }: Stop,
): IChainable {
  const told = (field: string) => jsonata(`$states.result.Payload.${field}`);
  const task = runStep(scope, name, {
    run,
    payload: {
      provisioning_id: input('provisioning_id'),
      creation_id: input('creation_id'),
      had_succeeded: input('had_succeeded'),
      failure: input('failure'),
      entered_at: jsonata(ENTERED),
    },
    retries: ['absenceConfirmation', 'compensation'],
    assign: {
      had_succeeded: told('had_succeeded'),
      failure: told('failure'),
      ...assign(told),
    },
  });
  task.addCatch(otherwise, {
    errors: [Errors.ALL],
    assign: { ...failureOf(name), compensation_failure: failureOf(name).failure },
  });
  return task.next(next);
}

/** What an execution remembers of the step that failed. */
const failureOf = (step: string) => ({ failure: { step, error: jsonata('$states.errorOutput.Error') } });

/**
 * Sends every error of a step to its compensation. Every one: a Catch sees only the last attempt's error, and an earlier
 * attempt may have had its effect. `assign` adds to what is remembered.
 */
export function onFailure(task: TaskStateBase, undo: IChainable, assign: Record<string, unknown> = {}): void {
  task.addCatch(undo, { errors: [Errors.ALL], assign: { ...failureOf(task.id), ...assign } });
}

/** Sends every error of a step that itself belongs to an undo; what made the undo necessary stays remembered. */
export function onCompensationFailure(task: TaskStateBase, next: IChainable): void {
  task.addCatch(next, { errors: [Errors.ALL], assign: { compensation_failure: failureOf(task.id).failure } });
}

interface Publication {
  event: EventName;
  bus: IEventBus;
  /** What an undo has to say is retried longer than what an undo can still take back. */
  retries: 'publishing' | 'compensationPublishing';
  /** Which failures the event tells, of those that the execution remembers. */
  failures?: readonly ('failure' | 'compensation_failure')[];
  /** Where an execution goes that was redriven: it announces nothing, since a roll-back may be at work on it. */
  redriven?: IChainable;
}

/** Codes of all errors that are known, and of the families of those that are not ours. */
const CODES = JSON.stringify({
  ...Object.fromEntries(Object.entries(failures).map(([name, { code }]) => [name, code])),
  ...Object.fromEntries(
    Object.entries(awsErrorMapping).map(([name, meaning]) => [name, failures[meaning].code]),
  ),
});

/** A failure as an event tells it. An array leaves out what is not found, so its first item is the code. */
function factOf(failure: string) {
  const error = `$${failure}.error`;
  const found = `$lookup($codes, ${error}), $lookup($codes, $substringBefore(${error}, '.'))`;
  return {
    step: jsonata(`$${failure}.step`),
    error: jsonata(error),
    code: jsonata(`($codes := ${CODES}; [${found}, '${failures[DEFAULT_FAILURE].code}'][0])`),
  };
}

/** What caused an execution that was not told: it cannot be followed further back than to itself. */
const ITSELF = "'execution:' & $states.context.StateMachine.Name & ':' & $states.context.Execution.Name";

const FIRST_RUN = '$states.context.Execution.RedriveCount = 0';

/** The event_id as the execution's input makes it. */
function eventIdOf(event: EventName): string {
  const ids = ['provisioning_id', 'creation_id'].map((id) => `' & $states.context.Execution.Input.${id} & '`);
  return jsonata(`'${eventId(event, ...ids)}'`);
}

/** Its machine may put the events of its service's provisionings on the bus, and no others. */
class PublishEvent extends EventBridgePutEvents {
  constructor(scope: Construct, id: string, source: EventSource, props: EventBridgePutEventsProps) {
    super(scope, id, { ...props, queryLanguage: QueryLanguage.JSONATA });
    const published = Object.entries(events)
      .filter(([, event]) => event.source === source && event.about === 'provisioning')
      .map(([name]) => name);
    for (const statement of this.taskPolicies ?? [])
      statement.addConditions(publishConditions(source, published));
  }
}

/**
 * A state that publishes one event on the service's bus; one entry per task, because a retry sends all entries again.
 * The event_id is the same each time, so that a repeat is recognised.
 * docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html
 */
export function publishEvent(
  scope: Construct,
  name: string,
  { event, bus, retries, failures: told = [], redriven }: Publication,
): EventBridgePutEvents {
  const { source, sequence, version } = events[event];
  const task = new PublishEvent(scope, name, source, {
    entries: [
      {
        eventBus: bus,
        source,
        detailType: event,
        detail: TaskInput.fromObject({
          metadata: {
            event_id: eventIdOf(event),
            schema_version: version,
            provisioning_id: input('provisioning_id'),
            creation_id: input('creation_id'),
            sequence,
            occurred_at: jsonata(redriven === undefined ? ENTERED : `${FIRST_RUN} ? ${ENTERED} : $error()`),
            actor: input('owner'),
            causation_id: optionalInput('causation_id', ITSELF),
            trace_id: optionalInput('trace_id'),
            asserted: assertedFields[source],
          },
          data: {
            username: input('username'),
            human_user_id: input('human_user_id'),
            ...(source === eventSources.app2 ? { on_behalf_of: optionalInput('on_behalf_of') } : {}),
            ...Object.fromEntries(told.map((failure) => [failure, factOf(failure)])),
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
  bus: IEventBus;
  end: IChainable;
  /** Where it goes on when the event cannot be published. */
  outcomeNotPublished: IChainable;
}

/** The last state of a roll-back before its end: says what it has undone. */
export function publishOutcome(
  scope: Construct,
  name: string,
  { event, bus, end, outcomeNotPublished }: PublishedOutcome,
): IChainable {
  const announced = publishEvent(scope, name, { retries: 'compensationPublishing', event, bus });
  onCompensationFailure(announced, outcomeNotPublished);
  return announced.next(end);
}

interface PublishedOutcomes {
  /** What was undone had ended well before. */
  hadSucceeded: IChainable;
  /** It was stopped because the user is wanted no longer. */
  cancelled: IChainable;
  otherwise: IChainable;
}

/** What the end of a roll-back is, by what it has undone. */
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

/** An end that is a failure. Its Cause tells step and error in JSON, for the status that the caller reads. */
export function failAs(scope: Construct, name: string): Fail {
  return Fail.jsonata(scope, name, { error: name, cause: jsonata('$string($failure)') });
}
