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

/** Delivers one message to exactly the target or function that it was meant for. */

export interface Clients {
  eventBridge: Pick<EventBridgeClient, 'send'>;
  lambda: Pick<LambdaClient, 'send'>;
  logs: Pick<CloudWatchLogsClient, 'send'>;
  sqs: Pick<SQSClient, 'send'>;
}

/** What is about to happen; `deliver` resolves when the other side has taken it. */
export interface Delivery {
  /** The other side, for people. */
  to: string;
  /** @throws RedeliveryError and the errors of AWS when it was not taken */
  deliver(): Promise<void>;
}

/** The queue that is redriven. */
export interface DeadLetterQueue {
  arn: string;
  /** Its policy, as JSON; none: only its own account may send to it. */
  policy?: string | undefined;
}

/**
 * Finds out where a message goes, without sending it. A message says for whom it was, and whoever may send to the queue
 * can write that. So AWS is asked: only a target or function whose dead-letter destination is this queue is delivered to.
 * @throws RedeliveryError when there is no such target or function
 */
export const planner = (clients: Clients, queue: DeadLetterQueue, now: () => number = Date.now) => {
  const targetsOf = once((ruleArn: string) => listTargets(clients, ruleArn, accountOf(queue.arn)));
  const destinationOf = once((functionArn: string) => onFailureOf(clients, functionArn));
  return async (message: DeadLetterMessage): Promise<Delivery> => {
    if (message.kind === 'rule') {
      checkRule(message, queue);
      checkTarget(message, await targetsOf(message.ruleArn), queue);
    } else if ((await destinationOf(message.functionArn)) !== queue.arn)
      throw new RedeliveryError(
        `${nameOf(message.functionArn)} sends what it could not handle elsewhere: the message did not come from it.`,
      );
    const arn = message.kind === 'rule' ? message.targetArn : message.functionArn;
    const service = arn.split(':')[2] ?? '';
    const way = ways[service];
    if (way === undefined)
      throw new RedeliveryError(`Targets of ${service} are not delivered to by this command.`);
    return { to: nameOf(arn), deliver: () => way(clients, arn, message, now()) };
  };
};

/** `function app1-sweep`, `log-group /aws/events/…`, `queue …`: short enough for a line. */
function nameOf(arn: string): string {
  const [, , service, , , ...resource] = arn.split(':');
  const name = resource.filter((part) => part !== '$LATEST' && part !== '*').join(' ');
  return service === 'sqs' ? `queue ${name}` : name;
}

/** The same answer for each question that is asked again. */
function once<Value>(ask: (about: string) => Promise<Value>): (about: string) => Promise<Value> {
  const answers = new Map<string, Promise<Value>>();
  return (about) => {
    const answer = answers.get(about) ?? ask(about);
    answers.set(about, answer);
    return answer;
  };
}

/** What is read of the policy of a queue. */
const queuePolicy = z.looseObject({
  Statement: z.array(
    z.looseObject({
      Effect: z.string(),
      Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
    }),
  ),
});

/**
 * Anybody can make a rule in an account of their own whose target and dead-letter queue are somebody else's. So a rule of
 * another account counts only if the queue's policy names it, and delivers to a bus only, as such a rule does.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
 * @throws RedeliveryError
 */
function checkRule({ ruleArn, targetArn }: RuleMessage, queue: DeadLetterQueue): void {
  if (accountOf(ruleArn) === accountOf(queue.arn)) return;
  if (!letsSend(queue.policy, ruleArn))
    throw new RedeliveryError(
      `${nameOf(ruleArn)} is another account's, and the queue's policy does not name it.`,
    );
  if (!targetArn.includes(':event-bus/'))
    throw new RedeliveryError(`${nameOf(ruleArn)} is another account's: it can have sent to a bus only.`);
}

/** Whether a statement of the queue's policy lets exactly this rule send. */
function letsSend(policy: string | undefined, ruleArn: string): boolean {
  const { Statement } = queuePolicy.parse(JSON.parse(policy ?? '{"Statement":[]}'));
  return Statement.some(
    ({ Effect, Condition = {} }) =>
      Effect === 'Allow' && [Condition['ArnEquals']?.['aws:SourceArn']].flat().includes(ruleArn),
  );
}

/**
 * A rule that has changed since, or that changes what its target gets, is not second-guessed.
 * @throws RedeliveryError
 */
function checkTarget({ ruleArn, targetArn }: RuleMessage, targets: Target[], queue: DeadLetterQueue): void {
  const target = targets.find(({ Arn }) => Arn === targetArn);
  if (target === undefined) throw new RedeliveryError('The rule does not have this target any more.');
  if (target.DeadLetterConfig?.Arn !== queue.arn)
    throw new RedeliveryError(
      `${nameOf(ruleArn)} sends what this target does not take elsewhere: the message did not come from it.`,
    );
  if ([target.Input, target.InputPath, target.InputTransformer].some((change) => change !== undefined))
    throw new RedeliveryError('The rule changes what this target gets; a replay to the rule delivers it.');
}

const accountOf = (arn: string): string | undefined => arn.split(':')[4];

/** `own` is the account of the queue; a rule of ours may stand on the bus of another one, and that is asked by its ARN. */
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
          throw new RedeliveryError('The rule is not there any more.');
        throw error;
      });
    found.push(...(page.Targets ?? []));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return found;
}

/**
 * Where Lambda sends what a function could not handle; `undefined` when there is no such function or destination.
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

/** How a target is delivered to, by the service of its ARN. */
const ways: Record<
  string,
  (clients: Clients, arn: string, message: DeadLetterMessage, now: number) => Promise<void>
> = {
  /**
   * Waits for the answer, so that a function that fails again is seen; and says that the event is delivered again, so that
   * a function does not have to believe it.
   */
  async lambda({ lambda }, FunctionName, { payload }) {
    const { FunctionError, Payload } = await lambda.send(
      new InvokeCommand({ FunctionName, Payload: payload, ClientContext }),
    );
    if (FunctionError === undefined) return;
    const { errorType } = failure.parse(JSON.parse(Payload?.transformToString() ?? 'null'));
    throw new RedeliveryError(`The function failed: ${errorType}. Its log says more.`);
  },

  /** One stream per event, as EventBridge does; its time is that of the delivery, since logs refuse what is too old. */
  async logs({ logs }, arn, { payload, event }, now) {
    const place = {
      logGroupName: arn.split(':log-group:')[1]?.replace(/:\*$/, ''),
      logStreamName: `redriven/${event.id}`,
    };
    await logs.send(new CreateLogStreamCommand(place)).catch((error: unknown) => {
      // An earlier attempt came as far as this.
      if (!hasErrorName(error, 'ResourceAlreadyExistsException')) throw error;
    });
    const { rejectedLogEventsInfo } = await logs.send(
      new PutLogEventsCommand({ ...place, logEvents: [{ timestamp: now, message: payload }] }),
    );
    if (rejectedLogEventsInfo !== undefined) throw new RedeliveryError('CloudWatch Logs rejects the event.');
  },

  /**
   * A bus that a rule forwards to. It gets the same event with another `id`, so its `event_id` tells that it is the same.
   * PutEvents to a bus that is not there is answered with success, so the bus is looked at first.
   */
  async events({ eventBridge }, arn, { payload }) {
    if (!arn.includes(':event-bus/'))
      throw new RedeliveryError('Only buses of EventBridge are delivered to.');
    const { source, 'detail-type': DetailType, detail, time, resources } = whole.parse(JSON.parse(payload));
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
      throw new RedeliveryError(`The bus refuses the event: ${entry?.ErrorCode}.`);
  },

  async sqs({ sqs }, arn, { payload }) {
    const [QueueOwnerAWSAccountId, QueueName] = arn.split(':').slice(-2);
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName, QueueOwnerAWSAccountId }));
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: payload }));
  },
};

/** docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html */
const whole = z.looseObject({
  source: z.string(),
  'detail-type': z.string(),
  detail: z.unknown(),
  time: z.iso.datetime(),
  resources: z.array(z.string()),
});

/** docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html */
const failure = z.looseObject({ errorType: z.string() }).catch({ errorType: 'without a name' });
