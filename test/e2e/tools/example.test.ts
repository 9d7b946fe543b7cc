import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { type AttributeValue, DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { RotateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { root, settings } from '../../../cli/support/paths.ts';
import { eventRows } from '../../../contracts/events/catalogue.ts';
import { APP2 } from '../../../contracts/services.ts';
import { app1Expectation, app2Expectation } from '../../../examples/access-register/expectations.ts';
import { ACCESS_INDEX } from '../../../examples/access-register/register.ts';
import { passwordWithoutSymbol } from '../../../local/harness/lax-policy.ts';
import { withoutPermission } from '../../../local/harness/without-permission.ts';
import { runSweeps } from '../../faults/support/sweeps.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { present } from '../../local-aws/support/present.ts';
import { commandsIn } from '../../support/documented.ts';
import {
  access,
  configuration,
  encryptFor,
  machineToken,
  newRequest as newRequestOf,
  outputs,
  provision,
  start,
  system,
} from '../support/deployed.ts';
import { installAwsCli, operatorOf } from '../support/operator.ts';
import {
  type ProducedEvent,
  producedEvent,
  record,
  recorded,
  shapeOf,
  variantsOf,
} from '../support/recording.ts';
import { openShell } from '../support/shell.ts';

/**
 * The example of a subscriber, deployed by the CDK CLI, during provisionings that succeed, fail, are cancelled, and whose
 * compensation fails at first. The test compares their events with the recordings for contract tests of subscribers;
 * `npm run record:events` renews the recordings.
 */

/** Page of the example. */
const PAGE = 'examples/access-register/README.md';

const lambda = new LambdaClient(configuration);
const sqs = new SQSClient(configuration);
const dynamo = new DynamoDBClient(configuration);

const deployed = z.object({
  AccessRegister: z.object({
    RegisterTable: z.string(),
    FunctionName: z.string(),
    DeadLetterQueueUrl: z.string(),
  }),
});
let example: z.infer<typeof deployed>['AccessRegister'];
const startedAt = new Date();

/** Runs a script of the repository against this local AWS; returns its standard output. */
const run = (...script: string[]): string =>
  execFileSync(process.execPath, [join(root, 'cli', 'run.mjs'), ...script], {
    env: { ...process.env, LOCAL_AWS_DIR: settings().directory },
    encoding: 'utf8',
  });

/** All targets of this local AWS: App2, and a second one while the events are recorded. */
const targets = Object.keys(outputs.targets);

/** A request for all targets. */
const newRequest = (overrides: Parameters<typeof newRequestOf>[0] = {}) => ({
  ...newRequestOf(overrides),
  targets,
});

/** A request for App2 with a password that App1 accepts and App2 rejects. */
const newRejectedRequest = () => ({
  ...newRequestOf({ password: passwordWithoutSymbol() }),
  targets: [APP2],
});

/** Ids of the provisionings of this file, by their scenario. */
const provisionings: Record<string, string> = {};
const ids = () => Object.values(provisionings);

/** Every event of both buses since the start, as the buses delivered it. */
async function producedEvents(): Promise<ProducedEvent[]> {
  const logs = await Promise.all(
    [outputs.app1.event_bus_name, outputs.app2.event_bus_name].map((bus) =>
      system.clients.logs.send(
        new FilterLogEventsCommand({
          logGroupName: `/aws/events/${bus}`,
          startTime: startedAt.getTime(),
          limit: 10_000,
        }),
      ),
    ),
  );
  return logs.flatMap(({ events = [] }) =>
    events.map(({ message = '' }) => producedEvent.parse(JSON.parse(message))),
  );
}

const metadata = z.looseObject({ event_id: z.string(), provisioning_id: z.string().nullable() });
const metadataOf = ({ detail }: ProducedEvent) => metadata.parse(detail['metadata']);
const provisioningIdOf = (event: ProducedEvent) => metadataOf(event).provisioning_id ?? 'none';

const subscribedNames: readonly string[] = [...app1Expectation.events, ...app2Expectation.events];
/** The events that the register subscribes to, by event_id. */
async function subscribedEvents(): Promise<Map<string, ProducedEvent>> {
  const events = (await producedEvents()).filter((event) => subscribedNames.includes(event['detail-type']));
  return new Map(events.map((event) => [metadataOf(event).event_id, event]));
}

const published = z.looseObject({ targets: z.array(z.string()).default([]) });
const targetCount = ({ detail }: ProducedEvent) => published.parse(detail['data']).targets.length;

const namesOf = (events: readonly ProducedEvent[]) => events.map((event) => event['detail-type']);
const eventNamesOf = async (id: string) =>
  namesOf((await producedEvents()).filter((event) => provisioningIdOf(event) === id));
const waitForEvent = (id: string, name: string, within = 90_000) =>
  eventually(async () => expect(await eventNamesOf(id)).toContain(name), within);

/** Repeats DELETE until the user of a provisioning is removed; runs `beforeEach` before each request. */
async function deprovision(id: string, beforeEach = async (): Promise<unknown> => undefined): Promise<void> {
  await eventually(async () => {
    await beforeEach();
    const { status } = await system.deprovision(id, { Prefer: 'wait=15' });
    expect(status).toBe(204);
  }, 150_000);
}

/** Runs a function while a Lambda function has a handler that does not exist, so that each invocation fails. */
async function whileBroken<Result>(FunctionName: string, run: () => Promise<Result>): Promise<Result> {
  const { Handler } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const set = (handler: string | undefined) =>
    lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Handler: handler }));
  await set('index.nothing');
  try {
    return await run();
  } finally {
    await set(Handler);
  }
}

/** The header that names the caller of App1; a direct request can omit it. */
type OnBehalfOf = { 'On-Behalf-Of'?: string };

/** Requests a creation at App2 directly; `remove` repeats DELETE until the user is removed. */
async function createAtApp2(scenario: string, onBehalfOf: OnBehalfOf = {}) {
  const token = await machineToken();
  const { username, password, human_user_id } = newRequest();
  const id = randomUUID();
  provisionings[scenario] = id;
  const encrypted_password = await encryptFor(id, username, password);
  const body = { username, encrypted_password, human_user_id };
  await system.app2('POST', '/admin/create-user', token, body, { 'Idempotency-Key': id, ...onBehalfOf });
  const remove = () =>
    eventually(async () => {
      const wait = { Prefer: 'wait=15' };
      const path = `/admin/create-user/${id}?username=${username}`;
      const { status } = await system.app2('DELETE', path, token, undefined, wait);
      expect(status).toBe(204);
    }, 120_000);
  return { id, remove };
}

async function removeAtApp2(): Promise<void> {
  const { id, remove } = await createAtApp2('is removed at App2');
  await waitForEvent(id, 'ServiceUserCreated');
  await remove();
}

/** Cancels a provisioning before it has finished; repeats it with another one if the provisioning was faster. */
async function cancelAtApp1(): Promise<void> {
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const id = await start(newRequest());
    provisionings[`is cancelled at App1, attempt ${attempt}`] = id;
    await deprovision(id);
    if ((await eventNamesOf(id)).includes('ServiceUserProvisioningCancelled')) return;
  }
  throw new Error('Each provisioning had finished before it was cancelled.');
}

/** Cancels a creation before it has finished; repeats it with another creation if the creation was faster. */
async function cancelAtApp2(onBehalfOf: OnBehalfOf): Promise<void> {
  const [caller = 'no caller'] = Object.values(onBehalfOf);
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const scenario = `is cancelled at App2 for ${caller}, attempt ${attempt}`;
    const { id, remove } = await createAtApp2(scenario, onBehalfOf);
    await remove();
    if ((await eventNamesOf(id)).includes('ServiceUserCreationCancelled')) return;
  }
  throw new Error('Each creation had finished before it was cancelled.');
}

async function scan(IndexName?: string): Promise<Record<string, AttributeValue>[]> {
  const items: Record<string, AttributeValue>[] = [];
  const query = { TableName: example.RegisterTable, ...(IndexName === undefined ? {} : { IndexName }) };
  for await (const { Items = [] } of paginateScan({ client: dynamo }, query)) items.push(...Items);
  return items;
}
const textOf = (item: Record<string, AttributeValue>, field: string) => present(item[field]?.S);

/** State of the user of each provisioning of this file, by service, in the register. */
async function registeredStates(): Promise<Record<string, string>> {
  const items = (await scan()).filter((item) => ids().includes(textOf(item, 'provisioning_id')));
  return Object.fromEntries(
    items.map((item) => [
      `${textOf(item, 'provisioning_id')} ${textOf(item, 'source')}`,
      `${textOf(item, 'user')} at ${item['sequence']?.N}`,
    ]),
  );
}

/** State of the user of each provisioning, by service, after its last event according to the catalogue. */
async function publishedStates(): Promise<Record<string, string>> {
  const events = [...(await subscribedEvents()).values()].filter((event) =>
    ids().includes(provisioningIdOf(event)),
  );
  const states = events.map((event) => {
    const [, row] = present(eventRows.find(([name]) => name === event['detail-type']));
    return { key: `${provisioningIdOf(event)} ${event.source}`, row };
  });
  states.sort((a, b) => a.row.sequence - b.row.sequence);
  return Object.fromEntries(states.map(({ key, row }) => [key, `${row.user} at ${row.sequence}`]));
}

const waitForAgreement = () =>
  eventually(async () => expect(await registeredStates()).toEqual(await publishedStates()), 30_000);

/** Number of messages in the subscriber's dead-letter queue. */
async function deadLetterCount(): Promise<number> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: example.DeadLetterQueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages'],
    }),
  );
  return Number(Attributes?.['ApproximateNumberOfMessages']);
}

/** Number of events that the example has counted. */
async function countedEvents(): Promise<number> {
  const { events = [] } = await system.clients.logs.send(
    new FilterLogEventsCommand({
      logGroupName: (
        await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: example.FunctionName }))
      ).LoggingConfig?.LogGroup,
      filterPattern: '"CloudWatchMetrics"',
      limit: 10_000,
    }),
  );
  return events.length;
}

beforeAll(async () => {
  expect(commandsIn(PAGE, 'On the local AWS')).toEqual(['npm run up\nnpm run example\n']);
  const output = run('local/example.ts');
  example = deployed.parse(JSON.parse(output.slice(output.indexOf('{')))).AccessRegister;

  const request = newRequest();
  provisionings['succeeds'] = (await provision(request)).provisioning_id;
  const removed = async (scenario: string, id: string) => {
    provisionings[scenario] = id;
    await deprovision(id);
  };
  const failed = async (scenario: string, rejected: ReturnType<typeof newRequest>) => {
    provisionings[scenario] = (await provision(rejected, 120_000)).provisioning_id;
  };
  await Promise.all([
    failed('has a name in use', newRequest({ username: request.username })),
    failed('has a rejected password', newRejectedRequest()),
    provision(newRequest()).then(({ provisioning_id: id }) => removed('is removed', id)),
    cancelAtApp1(),
    removeAtApp2(),
    cancelAtApp2({}),
    // Whether the cancellation at App1 meets a running creation at App2 depends on their speed.
    cancelAtApp2({ 'On-Behalf-Of': 'a-caller' }),
    installAwsCli(),
  ]);
}, 400_000);

describe('the page of the example', () => {
  it('has commands that list the users with access, and redrive the missed events', async () => {
    const shell = openShell({
      ...operatorOf(access, {}),
      LOCAL_AWS_DIR: settings().directory,
      REGISTER_TABLE: example.RegisterTable,
      DEAD_LETTER_QUEUE_URL: example.DeadLetterQueueUrl,
    });
    await waitForAgreement();
    const listed = await shell.run(commandsIn(PAGE, 'Query the users with access').join('\n'));

    expect(listed).toContain(present(provisionings['succeeds']));
    expect(await shell.run(commandsIn(PAGE, 'Redrive the dead-letter queue').join('\n'))).toContain(
      'Remaining: 0',
    );

    await shell.end();
  });
});

describe('the access register', () => {
  it('contains the state after the last event of each provisioning', async () => {
    await waitForAgreement();
    const states = await registeredStates();

    for (const [scenario, user] of [
      ['succeeds', 'present'],
      ['has a name in use', 'absent'],
      ['has a rejected password', 'absent'],
      ['is removed', 'absent'],
    ] as const)
      for (const source of ['app1.provisioning', 'app2.service-users'])
        expect([scenario, states[`${provisionings[scenario]} ${source}`]]).toEqual([
          scenario,
          expect.stringMatching(`^${user} `),
        ]);
  });

  it('lists the same users with access as the pool', async () => {
    const listed = (await scan(ACCESS_INDEX.name))
      .filter((item) => textOf(item, 'source') === 'app2.service-users')
      .map((item) => [textOf(item, 'username'), textOf(item, 'provisioning_id')]);
    const usernames = [...new Set((await scan()).map((item) => textOf(item, 'username')))];
    const users = await Promise.all(usernames.map(system.user));
    const inPool = users
      .filter((user) => user !== undefined)
      .map(({ username, attributes }) => [username, attributes['custom:provisioning_id']]);

    expect(listed.length).toBeGreaterThan(0);
    expect(listed.sort()).toEqual(inPool.sort());
  });

  it.each([
    ['App2', 'app2-delete-user', 'ServiceUserRollBackFailed', 'app2.service-users'],
    ['App1', 'app1-call-target', 'ServiceUserProvisioningRollBackFailed', 'app1.provisioning'],
  ] as const)(
    'lists a user whose removal failed at %s until it is removed',
    async (service, functionName, failure, source) => {
      const { provisioning_id: id } = await provision(newRequest());
      provisionings[`has a failed roll-back at ${service}`] = id;

      await whileBroken(functionName, async () => {
        await system.deprovision(id);
        await waitForEvent(id, failure);
        await eventually(async () =>
          expect((await registeredStates())[`${id} ${source}`]).toMatch(/^unknown /),
        );
      });

      await deprovision(id, runSweeps);
      await waitForAgreement();

      expect((await registeredStates())[`${id} ${source}`]).toMatch(/^absent /);
    },
  );

  it('is not changed by repeated events in another order', async () => {
    const before = await registeredStates();
    const repeated = [...(await subscribedEvents()).values()].reverse();
    const events = new EventBridgeClient(configuration);
    for (const { source, 'detail-type': DetailType, detail } of repeated) {
      const bus = source === 'app1.provisioning' ? outputs.app1 : outputs.app2;
      const entry = {
        EventBusName: bus.event_bus_name,
        Source: source,
        DetailType,
        Detail: JSON.stringify(detail),
      };
      await events.send(new PutEventsCommand({ Entries: [entry] }));
    }
    const { FunctionName } = example;

    await eventually(
      async () => expect(await invocations(FunctionName)).toBeGreaterThanOrEqual(2 * repeated.length),
      30_000,
    );

    expect(await registeredStates()).toEqual(before);
    expect(await countedEvents()).toBe(repeated.length);
  });

  it('has the events that it missed in its queue, and records them after a redrive', async () => {
    const before = await subscribedEvents();
    const { FunctionName: functionName, DeadLetterQueueUrl: queueUrl } = example;
    const statesBefore = await registeredStates();

    await withoutPermission(outputs, { functionName }, 'dynamodb:PutItem', async () => {
      provisionings['succeeds without the register'] = (await provision(newRequest())).provisioning_id;
      provisionings['is rejected without the register'] = (
        await provision(newRejectedRequest())
      ).provisioning_id;
      await deprovision(present(provisionings['succeeds']));
      const missed = [...(await subscribedEvents()).keys()].filter((id) => !before.has(id));
      expect(missed.length).toBeGreaterThanOrEqual(6);
      await eventually(async () => expect(await deadLetterCount()).toBe(missed.length), 60_000);
      expect(await registeredStates()).toEqual(statesBefore);
    });

    const missed = (await subscribedEvents()).size - before.size;

    expect(run('cli/redrive.ts', queueUrl)).toContain(`Delivered: ${missed}\n`);
    expect(await registeredStates()).toEqual(await publishedStates());
    expect(await deadLetterCount()).toBe(0);
    expect(await countedEvents()).toBe((await subscribedEvents()).size);
  });
});

async function invocations(functionName: string): Promise<number> {
  const { LoggingConfig } = await lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: functionName }),
  );
  const { events = [] } = await system.clients.logs.send(
    new FilterLogEventsCommand({
      logGroupName: LoggingConfig?.LogGroup,
      filterPattern: '"START RequestId"',
      limit: 10_000,
    }),
  );
  return events.length;
}

describe('the set of produced events', () => {
  const ownEvents = new Map<string, ProducedEvent[]>();
  beforeAll(async () => {
    const secrets = new SecretsManagerClient(configuration);
    const { VersionId } = await secrets.send(
      new RotateSecretCommand({ SecretId: outputs.app2.credentials_secret_arn }),
    );
    const rotation = (event: ProducedEvent) => JSON.stringify(event).includes(`rotation:${VersionId}`);
    await eventually(async () => expect((await producedEvents()).some(rotation)).toBe(true), 30_000);
    for (const event of await producedEvents())
      if (ids().includes(provisioningIdOf(event)) || rotation(event))
        ownEvents.set(event['detail-type'], [...(ownEvents.get(event['detail-type']) ?? []), event]);
    if (process.env['RECORD_EVENTS'] !== undefined)
      for (const [name, events] of ownEvents)
        record(
          name,
          // Those with several targets show more of the event.
          events.toSorted((one, other) => targetCount(other) - targetCount(one)),
        );
  });

  it('contains every event of the catalogue', () => {
    expect([...ownEvents.keys()].sort()).toEqual(eventRows.map(([name]) => name).sort());
  });

  it.each(eventRows)('has the recorded shapes of %s', (name) => {
    const shapes = (events: readonly ProducedEvent[]) => variantsOf(events).map(shapeOf).sort();

    expect(shapes(ownEvents.get(name) ?? [])).toEqual(shapes(recorded(name)));
  });
});
