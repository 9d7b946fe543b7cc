import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import {
  DeleteResourcePolicyCommand,
  DescribeResourcePoliciesCommand,
  PutResourcePolicyCommand,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import { DeleteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { DisableRuleCommand, EnableRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { type ServiceKind, serviceKinds } from '../../../contracts/services.ts';
import { HIGH_WATER_MARKS } from '../../../handlers/shared/high-water-marks.ts';
import { publishedEvent } from '../../../local/system.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { commandsOf, run } from '../support/commands.ts';
import { configuration, newRequest, outputs, provision, system } from '../support/deployed.ts';

/** Audit events during failures of their targets, and the commands of the runbooks for them. */

const { logs } = system.clients;
const events = new EventBridgeClient(configuration);
const sqs = new SQSClient(configuration);
const lambda = new LambdaClient(configuration);
const cloudwatch = new CloudWatchClient(configuration);

const bus = outputs.app1.event_bus_name;
const buses = { app1: bus, app2: outputs.app2.event_bus_name } as const;
const logRule = { EventBusName: bus, Name: `${bus}-every-event` };

const envelope = z.looseObject({ time: z.iso.datetime(), 'replay-name': z.string().optional() });

/** All events in the log of a bus, with the fields of EventBridge and those of the envelope. */
async function logged(busName: string) {
  const found: (z.infer<typeof envelope> & { event_id: string; provisioning_id: string | null })[] = [];
  const all = { logGroupName: `/aws/events/${busName}` };
  for await (const page of paginateFilterLogEvents({ client: logs }, all))
    for (const { message = '' } of page.events ?? []) {
      const content: unknown = JSON.parse(message);
      const { event_id, provisioning_id } = publishedEvent.parse(content).detail.metadata;
      found.push({ ...envelope.parse(content), event_id, provisioning_id });
    }
  return found;
}

const urlOf = async (service: ServiceKind): Promise<string> =>
  (await sqs.send(new GetQueueUrlCommand({ QueueName: `${service}-dead-letter-queue` }))).QueueUrl ?? '';

async function lengthOf(service: ServiceKind): Promise<number> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: await urlOf(service),
      AttributeNames: ['ApproximateNumberOfMessages'],
    }),
  );
  return Number(Attributes?.['ApproximateNumberOfMessages']);
}

/** Event ids of the messages in a dead-letter queue, with the error of their delivery. */
async function queuedEvents(
  service: ServiceKind,
): Promise<{ event_id: string; error: string | undefined }[]> {
  const QueueUrl = await urlOf(service);
  const found = new Map<string, { event_id: string; error: string | undefined }>();
  const length = await lengthOf(service);
  while (found.size < length) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
        VisibilityTimeout: 1,
      }),
    );
    for (const { Body = '', MessageAttributes } of Messages) {
      const { event_id } = publishedEvent.parse(JSON.parse(Body)).detail.metadata;
      found.set(event_id, { event_id, error: MessageAttributes?.['ERROR_CODE']?.StringValue });
    }
  }
  return [...found.values()];
}

async function waitForAlarm(AlarmName: string, StateValue: 'ALARM' | 'OK', within: number): Promise<void> {
  await eventually(
    async () => {
      const { MetricAlarms } = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: [AlarmName] }));
      expect(MetricAlarms).toEqual([expect.objectContaining({ AlarmName, StateValue })]);
    },
    within,
    500,
  );
}

const sorted = (ids: Iterable<string>): string[] => [...new Set(ids)].sort();

/** A command of a runbook, with another service and period than in its example. */
const adapt = (command: string, service: ServiceKind, from?: Date, to?: Date): string =>
  command
    .replaceAll('app1-provisioning', buses[service])
    .replace('-- app1', `-- ${service}`)
    .replace(/--from \S+/, `--from ${from?.toISOString()}`)
    .replace(/--to \S+/, `--to ${to?.toISOString()}`);

describe('the dead-letter queues while the logs reject events', () => {
  const [dryRun = '', redrive = ''] = commandsOf('dead-letter-queue');
  const policies: { resourceArn: string; policyDocument: string }[] = [];
  const ids: string[] = [];
  const undelivered: Record<ServiceKind, string[]> = { app1: [], app2: [] };

  /** Restores each policy once: a change of an existing policy requires its revision id. */
  const repair = async () => {
    for (const policy of policies.splice(0)) await logs.send(new PutResourcePolicyCommand(policy));
  };

  beforeAll(async () => {
    expect([dryRun, redrive]).toEqual(['npm run redrive -- app1 --dry-run', 'npm run redrive -- app1']);
    const { resourcePolicies = [] } = await logs.send(
      new DescribeResourcePoliciesCommand({ policyScope: 'RESOURCE' }),
    );
    for (const {
      resourceArn = '',
      policyDocument = '',
      revisionId: expectedRevisionId,
    } of resourcePolicies) {
      expect(Object.values(buses)).toContain(resourceArn.split(':log-group:/aws/events/')[1]);
      policies.push({ resourceArn, policyDocument });
      await logs.send(new DeleteResourcePolicyCommand({ resourceArn, expectedRevisionId }));
    }
    expect(policies).toHaveLength(2);
    for (let n = 0; n < 3; n += 1) {
      const { provisioning_id, status } = await provision(newRequest());
      expect(status).toBe('SUCCEEDED');
      ids.push(provisioning_id);
    }
  });
  afterAll(repair);

  it.each(serviceKinds)('receive every event of %s, with the error', async (service) => {
    const found = await queuedEvents(service);

    expect(found.map(({ error }) => error)).toEqual(found.map(() => 'NO_PERMISSIONS'));

    undelivered[service] = sorted(found.map(({ event_id }) => event_id));
    const lastEvent = service === 'app1' ? 'ServiceUserProvisioned' : 'ServiceUserCreated';

    for (const id of ids)
      expect(undelivered[service]).toContainEqual(
        expect.stringMatching(`^${service}:${id}:[0-9a-f-]{36}:\\d+:${lastEvent}$`),
      );
    expect(
      (await logged(buses[service])).filter(
        ({ provisioning_id }) => provisioning_id !== null && ids.includes(provisioning_id),
      ),
    ).toEqual([]);
  });

  it.each(serviceKinds)('raise the alarm of %s', async (service) => {
    await waitForAlarm(`${service}-dead-letter-queue`, 'ALARM', 20_000);
  });

  it.each(serviceKinds)('keep their messages after a dry run for %s', async (service) => {
    await eventually(async () => expect(await lengthOf(service)).toBe(undelivered[service].length));

    const { status, output } = await run(adapt(dryRun, service));

    expect([status, output]).toEqual([
      0,
      expect.stringContaining(
        `Would be delivered: ${undelivered[service].length}\n  ${undelivered[service].length} to log-group /aws/events/${buses[service]}\nRemaining: 0\n`,
      ),
    ]);
    expect(await lengthOf(service)).toBe(undelivered[service].length);
  });

  it.each(serviceKinds)('are delivered to the log of %s by a redrive after the repair', async (service) => {
    await repair();
    const { status, output } = await run(adapt(redrive, service));
    const delivered = (await logged(buses[service])).filter(
      ({ provisioning_id }) => provisioning_id !== null && ids.includes(provisioning_id),
    );

    expect([status, output]).toEqual([0, expect.stringContaining('Remaining: 0')]);
    expect(delivered.map(({ event_id }) => event_id).sort()).toEqual(undelivered[service]);
    expect(await lengthOf(service)).toBe(0);
  });
});

describe('a disabled rule to the log', () => {
  const [replay = ''] = commandsOf('events-not-published');
  const sweep = async (): Promise<unknown> => {
    const { Payload } = await lambda.send(new InvokeCommand({ FunctionName: 'app1-sweep-provisionings' }));
    return JSON.parse(Payload?.transformToString() ?? 'null');
  };
  const enableRule = () => events.send(new EnableRuleCommand(logRule));
  afterAll(enableRule);
  let missed = '';
  let from = new Date();

  beforeAll(async () => {
    await events.send(new DisableRuleCommand(logRule));
    from = new Date();
    missed = (await provision(newRequest())).provisioning_id;
  });

  it('is detected by the next sweep, and raises an alarm', async () => {
    expect(await sweep()).toMatchObject({ bus: 'log rule disabled' });

    await waitForAlarm(`${bus}-broken`, 'ALARM', 20_000);
    const loggedEvents = async () =>
      (await logged(bus)).filter(({ provisioning_id }) => provisioning_id === missed);

    expect(await loggedEvents()).toEqual([]);

    await enableRule();

    expect(await sweep()).toMatchObject({ bus: 'healthy' });

    const { status, output } = await run(adapt(replay, 'app1', from, new Date(Date.now() + 1000)));

    expect([status, output]).toEqual([0, expect.stringMatching(/Replayed: [1-9]\d* events/)]);
    expect((await loggedEvents()).map(({ event_id }) => event_id)).toContainEqual(
      expect.stringMatching(`^app1:${missed}:[0-9a-f-]{36}:\\d+:ServiceUserProvisioned$`),
    );
  });
});

describe('a replay', () => {
  const commands = commandsOf('replay-events');

  it.each([
    ['to the log', 'app1', commands[0]],
    ['to all rules', 'app2', commands[1]],
  ] as const)('%s of %s delivers the same set of events', async (_target, service, command = '') => {
    const from = new Date(Math.ceil(Date.now() / 1000) * 1000 - 1000);
    const provisionings = await Promise.all([provision(newRequest()), provision(newRequest())]);

    for (const { provisioning_id } of provisionings)
      await eventually(async () =>
        expect((await logged(buses[service])).map((event) => event.provisioning_id)).toContain(
          provisioning_id,
        ),
      );

    const to = new Date(Date.now() + 1000);
    const { status, output } = await run(adapt(command, service, from, to));
    const replayName = /^replay-name: (\S+)$/m.exec(output)?.[1];

    const all = await logged(buses[service]);
    const original = sorted(
      all
        .filter((event) => event['replay-name'] !== replayName && new Date(event.time) >= from)
        .map(({ event_id }) => event_id),
    );
    const replayed = sorted(
      all.filter((event) => event['replay-name'] === replayName).map(({ event_id }) => event_id),
    );

    expect(replayed).toEqual(original);
    expect([status, output]).toEqual([0, expect.stringContaining(`Replayed: ${original.length} events`)]);
    for (const { provisioning_id } of provisionings)
      expect(replayed).toContainEqual(expect.stringMatching(`^${service}:${provisioning_id}:`));
  });
});

describe('the alarms of the dead-letter queues', () => {
  it.each(serviceKinds)('return to OK after the queue of %s is empty', async (service) => {
    await waitForAlarm(`${service}-dead-letter-queue`, 'OK', 100_000);
  });
});

/** These tests run last, because they raise an alarm that the tests above expect to return to OK. */
describe('a redrive of the dead-letter queue', () => {
  const [, redrive = ''] = commandsOf('dead-letter-queue');
  const FunctionName = 'app1-sweep-provisionings';
  const TableName = 'app1-sweep';
  const dynamoDb = new DynamoDBClient(configuration);
  /** Without its state, the sweep reads every execution again. */
  const deleteState = () =>
    dynamoDb.send(new DeleteItemCommand({ TableName, Key: { id: { S: HIGH_WATER_MARKS } } }));
  afterAll(deleteState);

  it('keeps the event of a failing function, and delivers it after the repair', async () => {
    await dynamoDb.send(
      new PutItemCommand({ TableName, Item: { id: { S: HIGH_WATER_MARKS }, state: { S: 'no state' } } }),
    );
    await lambda.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: '{"n":1}' }));

    await eventually(async () => expect(await lengthOf('app1')).toBeGreaterThan(0), 30_000, 500);

    const failed = await run(redrive);

    expect([failed.status, failed.output]).toEqual([
      1,
      expect.stringMatching(
        /Delivered: 0\nRemaining: 1\n {2}message \S+ \(not handled: \w+\): The function failed: \w+/,
      ),
    ]);

    await deleteState();
    const delivered = await run(redrive);

    expect([delivered.status, delivered.output]).toEqual([
      0,
      expect.stringContaining(`Delivered: 1\n  1 to function ${FunctionName}\nRemaining: 0\n`),
    ]);
    expect(await lengthOf('app1')).toBe(0);
  });

  /** Messages that a principal with permission to send to the queue can forge. */
  it.each([
    [
      'of a function',
      (arn: string, payload: unknown) => ({
        MessageBody: JSON.stringify({
          version: '1.0',
          requestContext: { functionArn: `${arn}:$LATEST`, condition: 'RetriesExhausted' },
          requestPayload: payload,
        }),
      }),
      'function app2-delete-user has another destination for failed events',
    ],
    [
      'of a rule',
      (arn: string, payload: unknown) => ({
        MessageBody: JSON.stringify({ id: 'forged', 'detail-type': 'forged', ...Object(payload) }),
        MessageAttributes: {
          RULE_ARN: {
            DataType: 'String',
            StringValue: `arn:aws:events:${outputs.region}:${outputs.account}:rule/${bus}/${logRule.Name}`,
          },
          TARGET_ARN: { DataType: 'String', StringValue: arn },
        },
      }),
      'The rule no longer has this target',
    ],
  ])('does not deliver a forged message %s, and keeps it in the queue', async (_origin, forge, reason) => {
    const request = newRequest();
    const { provisioning_id } = await provision(request);
    const arn = `arn:aws:lambda:${outputs.region}:${outputs.account}:function:app2-delete-user`;
    const QueueUrl = await urlOf('app1');
    // The payload by which the workflow invokes this step in a compensation.
    const forged = forge(arn, {
      provisioning_id,
      username: request.username,
      sub: null,
      creation_in_flight: false,
      entered_at: '2026-01-01T00:00:00Z',
    });
    await sqs.send(new SendMessageCommand({ QueueUrl, ...forged }));

    const { status, output } = await run(redrive);

    expect([status, output]).toEqual([1, expect.stringContaining(reason)]);
    expect(output).toContain('Delivered: 0\nRemaining: 1\n');
    expect(await system.user(request.username)).toBeDefined();

    const { Messages: [message] = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 2 }),
    );

    expect(message?.Body).toBe(forged.MessageBody);

    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
  });

  it('does not trust a message about a clean failure: no outcome is recorded for the sweep', async () => {
    const { provisioning_id } = await provision(newRequest());
    const { region, account } = outputs;
    const functionArn = `arn:aws:lambda:${region}:${account}:function:app1-start-roll-back`;
    const detail = {
      name: provisioning_id,
      status: 'FAILED',
      error: 'ProvisioningFailed',
      stopDate: Date.now(),
    };
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: await urlOf('app1'),
        MessageBody: JSON.stringify({
          version: '1.0',
          requestContext: { functionArn: `${functionArn}:$LATEST`, condition: 'RetriesExhausted' },
          requestPayload: { id: 'forged', 'detail-type': 'forged', detail },
        }),
      }),
    );

    const { status, output } = await run(redrive);
    const record = await dynamoDb.send(
      new GetItemCommand({ TableName, Key: { id: { S: provisioning_id } }, ConsistentRead: true }),
    );

    expect([status, output]).toEqual([0, expect.stringContaining('1 to function app1-start-roll-back')]);
    expect(record.Item).toBeUndefined();
  });

  it('keeps a message without a known destination in the queue, and reports it', async () => {
    const QueueUrl = await urlOf('app1');
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{"destination":"unknown"}' }));
    const { status, output } = await run(redrive);

    expect([status, output]).toEqual([1, expect.stringContaining('It is neither an undelivered event nor')]);

    const { Messages: [message] = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 2 }),
    );

    expect(message?.Body).toBe('{"destination":"unknown"}');

    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
  });
});
