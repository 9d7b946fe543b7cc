import {
  type CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeEventBusCommand,
  type EventBridgeClient,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  type Target,
} from '@aws-sdk/client-eventbridge';
import {
  GetFunctionEventInvokeConfigCommand,
  InvokeCommand,
  type LambdaClient,
} from '@aws-sdk/client-lambda';
import { GetQueueUrlCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { REDELIVERY } from '../../contracts/redelivery.ts';
import { hasErrorName } from '../../handlers/shared/errors.ts';
import { type DeadLetterMessage, RedeliveryError, type RuleMessage } from './dead-letter-message.ts';

/** Delivers one message to its rule target or function. */

export interface Clients {
  eventBridge: Pick<EventBridgeClient, 'send'>;
  lambda: Pick<LambdaClient, 'send'>;
  logs: Pick<CloudWatchLogsClient, 'send'>;
  sqs: Pick<SQSClient, 'send'>;
}

/** A planned delivery; `deliver` resolves when the target has accepted the message. */
export interface Delivery {
  /** Name of the target, for people. */
  to: string;
  /** @throws RedeliveryError and the errors of AWS when the target did not accept it */
  deliver(): Promise<void>;
}

/** The queue that is redriven. */
export interface DeadLetterQueue {
  arn: string;
  /** Its policy as JSON; without one, only its own account can send to it. */
  policy?: string | undefined;
}

/**
 * Plans a delivery without sending the message. A message names its target, but every principal with permission to send
 * to the queue can write such a message. So the planner reads the configuration from AWS and accepts only a target or
 * function whose dead-letter destination is this queue.
 * @throws RedeliveryError when there is no such target or function
 */
export const planner = (clients: Clients, queue: DeadLetterQueue, now: () => number = Date.now) => {
  const targetsOf = memoize((ruleArn: string) => listTargets(clients, ruleArn, accountOf(queue.arn)));
  const destinationOf = memoize((functionArn: string) => onFailureOf(clients, functionArn));
  return async (message: DeadLetterMessage): Promise<Delivery> => {
    if (message.kind === 'rule') {
      checkRule(message, queue);
      checkTarget(message, await targetsOf(message.ruleArn), queue);
    } else if ((await destinationOf(message.functionArn)) !== queue.arn)
      throw new RedeliveryError(
        `${nameOf(message.functionArn)} has another destination for failed events: the message did not come from it.`,
      );
    const arn = message.kind === 'rule' ? message.targetArn : message.functionArn;
    const service = arn.split(':')[2] ?? '';
    const send = senders[service];
    if (send === undefined)
      throw new RedeliveryError(`This command does not deliver to targets of ${service}.`);
    return { to: nameOf(arn), deliver: () => send(clients, arn, message, now()) };
  };
};

/** `function app1-sweep`, `log-group /aws/events/…`, `queue …`: short enough for a line. */
function nameOf(arn: string): string {
  const [, , service, , , ...resource] = arn.split(':');
  const name = resource.filter((part) => part !== '$LATEST' && part !== '*').join(' ');
  return service === 'sqs' ? `queue ${name}` : name;
}

/** Calls `read` once per argument. */
function memoize<Value>(read: (about: string) => Promise<Value>): (about: string) => Promise<Value> {
  const results = new Map<string, Promise<Value>>();
  return (about) => {
    const result = results.get(about) ?? read(about);
    results.set(about, result);
    return result;
  };
}

/** The part of a queue's policy that is read. */
const queuePolicy = z.looseObject({
  Statement: z.array(
    z.looseObject({
      Effect: z.string(),
      Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
    }),
  ),
});

/**
 * Any AWS account can create a rule whose target and dead-letter queue are in this account. So a rule of another account
 * is accepted only if the queue's policy names it, and only for a bus as the target, which is the only target such a rule
 * can have here.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
 * @throws RedeliveryError
 */
function checkRule({ ruleArn, targetArn }: RuleMessage, queue: DeadLetterQueue): void {
  if (accountOf(ruleArn) === accountOf(queue.arn)) return;
  if (!allowsSending(queue.policy, ruleArn))
    throw new RedeliveryError(
      `${nameOf(ruleArn)} is another account's, and the queue's policy does not name it.`,
    );
  if (!targetArn.includes(':event-bus/'))
    throw new RedeliveryError(`${nameOf(ruleArn)} is another account's: it can send to a bus only.`);
}

/** Whether a statement of the queue's policy allows exactly this rule to send. */
function allowsSending(policy: string | undefined, ruleArn: string): boolean {
  const { Statement } = queuePolicy.parse(JSON.parse(policy ?? '{"Statement":[]}'));
  return Statement.some(
    ({ Effect, Condition = {} }) =>
      Effect === 'Allow' && [Condition['ArnEquals']?.['aws:SourceArn']].flat().includes(ruleArn),
  );
}

/**
 * Rejects a rule that has changed since, or that transforms its events.
 * @throws RedeliveryError
 */
function checkTarget({ ruleArn, targetArn }: RuleMessage, targets: Target[], queue: DeadLetterQueue): void {
  const target = targets.find(({ Arn }) => Arn === targetArn);
  if (target === undefined) throw new RedeliveryError('The rule no longer has this target.');
  if (target.DeadLetterConfig?.Arn !== queue.arn)
    throw new RedeliveryError(
      `${nameOf(ruleArn)} has another dead-letter queue for this target: the message did not come from it.`,
    );
  if ([target.Input, target.InputPath, target.InputTransformer].some((change) => change !== undefined))
    throw new RedeliveryError(
      'The rule transforms its events for this target; replay the event to the rule instead.',
    );
}

const accountOf = (arn: string): string | undefined => arn.split(':')[4];

/** `own` is the account of the queue. A rule on a bus of another account is read by the ARN of that bus. */
async function listTargets({ eventBridge }: Clients, ruleArn: string, own?: string): Promise<Target[]> {
  // rule/NAME on the default bus, rule/BUS/NAME on others; the name of a partner's bus has slashes of its own.
  const [before, path = ''] = ruleArn.split(':rule/');
  const slash = path.lastIndexOf('/');
  const bus = slash < 0 ? 'default' : path.slice(0, slash);
  const EventBusName = accountOf(ruleArn) === own ? bus : `${before}:event-bus/${bus}`;
  const rule = { Rule: path.slice(slash + 1), EventBusName };
  const found: Target[] = [];
  let NextToken: string | undefined;
  do {
    const page = await eventBridge
      .send(new ListTargetsByRuleCommand({ ...rule, ...(NextToken === undefined ? {} : { NextToken }) }))
      .catch((error: unknown) => {
        if (hasErrorName(error, 'ResourceNotFoundException'))
          throw new RedeliveryError('The rule no longer exists.');
        throw error;
      });
    found.push(...(page.Targets ?? []));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return found;
}

/**
 * The destination to which Lambda sends events that a function failed to handle; `undefined` without a function or destination.
 * docs.aws.amazon.com/lambda/latest/api/API_GetFunctionEventInvokeConfig.html
 */
async function onFailureOf({ lambda }: Clients, functionArn: string): Promise<string | undefined> {
  const [, unqualified = functionArn, Qualifier] =
    /^(arn:[^:]+:lambda:[^:]+:[^:]+:function:[^:]+):(.+)$/.exec(functionArn) ?? [];
  const { DestinationConfig } = await lambda
    .send(
      new GetFunctionEventInvokeConfigCommand({
        FunctionName: unqualified,
        ...(Qualifier === undefined ? {} : { Qualifier }),
      }),
    )
    .catch((error: unknown) => {
      if (hasErrorName(error, 'ResourceNotFoundException')) return { DestinationConfig: undefined };
      throw error;
    });
  return DestinationConfig?.OnFailure?.Destination;
}

/** docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
const ClientContext = Buffer.from(JSON.stringify(REDELIVERY)).toString('base64');

/** Sends a message to a target, by the service in the target's ARN. */
const senders: Record<
  string,
  (clients: Clients, arn: string, message: DeadLetterMessage, now: number) => Promise<void>
> = {
  /**
   * Invokes the function synchronously, so that a failure is reported. The client context marks the redelivery, so that
   * the function can check the event instead of trusting it.
   */
  async lambda({ lambda }, FunctionName, { payload }) {
    const { FunctionError, Payload } = await lambda.send(
      new InvokeCommand({ FunctionName, Payload: payload, ClientContext }),
    );
    if (FunctionError === undefined) return;
    const { errorType } = failure.parse(JSON.parse(Payload?.transformToString() ?? 'null'));
    throw new RedeliveryError(`The function failed: ${errorType}. See its log.`);
  },

  /** One log stream per event, as EventBridge writes it. The timestamp is now, because CloudWatch Logs rejects old events. */
  async logs({ logs }, arn, { payload, event }, now) {
    const logStream = {
      logGroupName: arn.split(':log-group:')[1]?.replace(/:\*$/, ''),
      logStreamName: `redriven/${event.id}`,
    };
    await logs.send(new CreateLogStreamCommand(logStream)).catch((error: unknown) => {
      // An earlier attempt has created the stream.
      if (!hasErrorName(error, 'ResourceAlreadyExistsException')) throw error;
    });
    const { rejectedLogEventsInfo } = await logs.send(
      new PutLogEventsCommand({ ...logStream, logEvents: [{ timestamp: now, message: payload }] }),
    );
    if (rejectedLogEventsInfo !== undefined) throw new RedeliveryError('CloudWatch Logs rejects the event.');
  },

  /**
   * A bus to which a rule forwards. It receives the same event with another `id`; subscribers recognise it by `event_id`.
   * PutEvents to a bus that does not exist succeeds, so DescribeEventBus comes first.
   */
  async events({ eventBridge }, arn, { payload }) {
    if (!arn.includes(':event-bus/'))
      throw new RedeliveryError('This command delivers to event buses of EventBridge only.');
    const {
      source,
      'detail-type': DetailType,
      detail,
      time,
      resources,
    } = eventBridgeEvent.parse(JSON.parse(payload));
    await eventBridge.send(new DescribeEventBusCommand({ Name: arn }));
    const { Entries: [entry] = [] } = await eventBridge.send(
      new PutEventsCommand({
        Entries: [
          {
            EventBusName: arn,
            Source: source,
            DetailType,
            Detail: JSON.stringify(detail),
            Time: new Date(time),
            Resources: resources,
          },
        ],
      }),
    );
    if (entry?.EventId === undefined)
      throw new RedeliveryError(`The bus rejects the event: ${entry?.ErrorCode}.`);
  },

  async sqs({ sqs }, arn, { payload }) {
    const [QueueOwnerAWSAccountId, QueueName] = arn.split(':').slice(-2);
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName, QueueOwnerAWSAccountId }));
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: payload }));
  },
};

/** docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html */
const eventBridgeEvent = z.looseObject({
  source: z.string(),
  'detail-type': z.string(),
  detail: z.unknown(),
  time: z.iso.datetime(),
  resources: z.array(z.string()),
});

/** docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html */
const failure = z.looseObject({ errorType: z.string() }).catch({ errorType: 'without a name' });
