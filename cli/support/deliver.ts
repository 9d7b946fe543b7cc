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
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { GetQueueUrlCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { type Letter, NotTaken, type RuleLetter } from './letter.ts';

/** Takes one letter to exactly the target or function that it was meant for. */

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
  /** @throws NotTaken and the errors of AWS when it was not taken */
  deliver(): Promise<void>;
}

/**
 * Finds the way of a letter without sending it.
 * @throws NotTaken when there is none (any more)
 */
export const planner = (clients: Clients, now: () => number = Date.now) => {
  const targets = new Map<string, Promise<Target[]>>();
  const targetsOf = ({ ruleArn, targetArn }: RuleLetter): Promise<Target[]> => {
    const known = targets.get(ruleArn) ?? listTargets(clients, ruleArn, accountOf(targetArn));
    targets.set(ruleArn, known);
    return known;
  };
  return async (letter: Letter): Promise<Delivery> => {
    if (letter.kind === 'rule') stillMeant(letter, await targetsOf(letter));
    const arn = letter.kind === 'rule' ? letter.targetArn : letter.functionArn;
    const service = arn.split(':')[2] ?? '';
    const way = ways[service];
    if (way === undefined) throw new NotTaken(`Targets of ${service} are not delivered to by this command.`);
    return { to: nameOf(arn), deliver: () => way(clients, arn, letter, now()) };
  };
};

/** `function app1-sweep`, `log-group /aws/events/…`, `queue …`: short enough for a line. */
function nameOf(arn: string): string {
  const [, , service, , , ...resource] = arn.split(':');
  const name = resource.filter((part) => part !== '$LATEST' && part !== '*').join(' ');
  return service === 'sqs' ? `queue ${name}` : name;
}

/** A rule that has changed since, or that changes what its target gets, is not second-guessed. */
function stillMeant({ targetArn }: { targetArn: string }, targets: Target[]): void {
  const target = targets.find(({ Arn }) => Arn === targetArn);
  if (target === undefined) throw new NotTaken('The rule does not have this target any more.');
  if ([target.Input, target.InputPath, target.InputTransformer].some((change) => change !== undefined))
    throw new NotTaken('The rule changes what this target gets; a replay to the rule delivers it.');
}

const accountOf = (arn: string): string | undefined => arn.split(':')[4];

/** `own` is the account of the target; a rule of ours may stand on the bus of another one, and that is asked by its ARN. */
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
        if (error instanceof Error && error.name === 'ResourceNotFoundException')
          throw new NotTaken('The rule is not there any more.');
        throw error;
      });
    found.push(...(page.Targets ?? []));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return found;
}

/** How a target is delivered to, by the service of its ARN. */
const ways: Record<string, (clients: Clients, arn: string, letter: Letter, now: number) => Promise<void>> = {
  /** Waits for the answer, so that a function that fails again is seen. */
  async lambda({ lambda }, FunctionName, { payload }) {
    const { FunctionError, Payload } = await lambda.send(
      new InvokeCommand({ FunctionName, Payload: payload }),
    );
    if (FunctionError === undefined) return;
    const { errorType } = failure.parse(JSON.parse(Payload?.transformToString() ?? 'null'));
    throw new NotTaken(`The function failed: ${errorType}. Its log says more.`);
  },

  /** One stream per event, as EventBridge does; its time is that of the delivery, since logs refuse what is too old. */
  async logs({ logs }, arn, { payload, event }, now) {
    const place = {
      logGroupName: arn.split(':log-group:')[1]?.replace(/:\*$/, ''),
      logStreamName: `redriven/${event.id}`,
    };
    await logs.send(new CreateLogStreamCommand(place)).catch((error: unknown) => {
      // An earlier attempt came as far as this.
      if (!(error instanceof Error && error.name === 'ResourceAlreadyExistsException')) throw error;
    });
    const { rejectedLogEventsInfo } = await logs.send(
      new PutLogEventsCommand({ ...place, logEvents: [{ timestamp: now, message: payload }] }),
    );
    if (rejectedLogEventsInfo !== undefined) throw new NotTaken('CloudWatch Logs rejects the event.');
  },

  /**
   * A bus that a rule forwards to. It gets the same event with another `id`, so its `event_id` tells that it is the same.
   * PutEvents to a bus that is not there is answered with success, so the bus is looked at first.
   */
  async events({ eventBridge }, arn, { payload }) {
    if (!arn.includes(':event-bus/')) throw new NotTaken('Only buses of EventBridge are delivered to.');
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
    if (entry?.EventId === undefined) throw new NotTaken(`The bus refuses the event: ${entry?.ErrorCode}.`);
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
