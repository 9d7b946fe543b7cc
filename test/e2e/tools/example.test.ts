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
import { app1Facts, app2Facts } from '../../../examples/access-register/expectations.ts';
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
  newRequest,
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
 * The example of a subscriber, deployed by the CDK command line as its team would, while provisionings go well, fail,
 * are cancelled and cannot be undone at first. What they produce is held against what is recorded for subscribers'
 * contract tests; `npm run record:events` records it anew.
 */

/** What its team reads. */
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
const began = new Date();

/** Runs one of the npm scripts against this local AWS; what it says. */
const run = (...script: string[]): string =>
  execFileSync(process.execPath, [join(root, 'cli', 'run.mjs'), ...script], {
    env: { ...process.env, LOCAL_AWS_DIR: settings().directory },
    encoding: 'utf8',
  });

/** The provisionings of this file, by what became of them. */
const stories: Record<string, string> = {};
const ids = () => Object.values(stories);

/** Every event of both buses since the begin, as the buses delivered it. */
async function produced(): Promise<ProducedEvent[]> {
  const logs = await Promise.all(
    [outputs.app1.event_bus_name, outputs.app2.event_bus_name].map((bus) =>
      system.clients.logs.send(
        new FilterLogEventsCommand({
          logGroupName: `/aws/events/${bus}`,
          startTime: began.getTime(),
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
const about = (event: ProducedEvent) => metadataOf(event).provisioning_id ?? 'none';

const heard: readonly string[] = [...app1Facts.events, ...app2Facts.events];
/** The facts that the register is told, each once. */
async function factsToHear(): Promise<Map<string, ProducedEvent>> {
  const facts = (await produced()).filter((event) => heard.includes(event['detail-type']));
  return new Map(facts.map((event) => [metadataOf(event).event_id, event]));
}

const named = (events: readonly ProducedEvent[]) => events.map((event) => event['detail-type']);
const toldOf = async (id: string) => named((await produced()).filter((event) => about(event) === id));
const told = (id: string, name: string, within = 90_000) =>
  eventually(async () => expect(await toldOf(id)).toContain(name), within);

/** Wants the user of a provisioning no longer, until it is gone; `meanwhile` is done before each look. */
async function deprovision(id: string, meanwhile = async (): Promise<unknown> => undefined): Promise<void> {
  await eventually(async () => {
    await meanwhile();
    const { status } = await system.deprovision(id, { Prefer: 'wait=15' });
    expect(status).toBe(204);
  }, 150_000);
}

/** Runs something while a function has no code that could run: it fails at once, and for good. */
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

/** A creation asked for at App2 directly, without word of whom it is for; what waits until it is ended or removed. */
async function createAtApp2(story: string) {
  const token = await machineToken();
  const { username, password, human_user_id } = newRequest();
  const id = randomUUID();
  stories[story] = id;
  const encrypted_password = await encryptFor(id, username, password);
  const body = { username, encrypted_password, human_user_id };
  await system.app2('POST', '/admin/create-user', token, body, { 'Idempotency-Key': id });
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
  await told(id, 'ServiceUserCreated');
  await remove();
}

/** Cancels a creation before it has ended; one that was quicker is removed. */
async function cancelAtApp2(): Promise<void> {
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const { id, remove } = await createAtApp2(`is cancelled at App2, attempt ${attempt}`);
    await remove();
    if ((await toldOf(id)).includes('ServiceUserCreationCancelled')) return;
  }
  throw new Error('Each creation had ended before it was cancelled.');
}

async function scan(IndexName?: string): Promise<Record<string, AttributeValue>[]> {
  const items: Record<string, AttributeValue>[] = [];
  const query = { TableName: example.RegisterTable, ...(IndexName === undefined ? {} : { IndexName }) };
  for await (const { Items = [] } of paginateScan({ client: dynamo }, query)) items.push(...Items);
  return items;
}
const textOf = (item: Record<string, AttributeValue>, field: string) => present(item[field]?.S);

/** What the register says of each provisioning of this file: the user, by service. */
async function registered(): Promise<Record<string, string>> {
  const items = (await scan()).filter((item) => ids().includes(textOf(item, 'provisioning_id')));
  return Object.fromEntries(
    items.map((item) => [
      `${textOf(item, 'provisioning_id')} ${textOf(item, 'source')}`,
      `${textOf(item, 'user')} at ${item['sequence']?.N}`,
    ]),
  );
}

/** What the last facts of each provisioning say, by the catalogue. */
async function factsTell(): Promise<Record<string, string>> {
  const facts = [...(await factsToHear()).values()].filter((event) => ids().includes(about(event)));
  const placed = facts.map((event) => {
    const [, row] = present(eventRows.find(([name]) => name === event['detail-type']));
    return { key: `${about(event)} ${event.source}`, row };
  });
  placed.sort((a, b) => a.row.sequence - b.row.sequence);
  return Object.fromEntries(placed.map(({ key, row }) => [key, `${row.user} at ${row.sequence}`]));
}

const agrees = () => eventually(async () => expect(await registered()).toEqual(await factsTell()), 30_000);

/** How many messages wait in the subscriber's queue. */
async function undelivered(): Promise<number> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: example.DeadLetterQueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages'],
    }),
  );
  return Number(Attributes?.['ApproximateNumberOfMessages']);
}

/** How many facts the example has counted. */
async function counted(): Promise<number> {
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
  const said = run('example.ts');
  example = deployed.parse(JSON.parse(said.slice(said.indexOf('{')))).AccessRegister;

  const request = newRequest();
  stories['goes well'] = (await provision(request)).provisioning_id;
  const removed = async (story: string, id: string) => {
    stories[story] = id;
    await deprovision(id);
  };
  const failed = async (story: string, over: Parameters<typeof newRequest>[0]) => {
    stories[story] = (await provision(newRequest(over), 120_000)).provisioning_id;
  };
  await Promise.all([
    failed('finds its name taken', { username: request.username }),
    failed('has a password that is refused', { password: passwordWithoutSymbol() }),
    provision(newRequest()).then(({ provisioning_id: id }) => removed('is removed', id)),
    start(newRequest()).then((id) => removed('is cancelled', id)),
    removeAtApp2(),
    cancelAtApp2(),
    installAwsCli(),
  ]);
}, 400_000);

describe('the page of the example', () => {
  it('has commands that say who has access, and give the function what it missed', async () => {
    const shell = openShell({
      ...operatorOf(access, {}),
      LOCAL_AWS_DIR: settings().directory,
      REGISTER_TABLE: example.RegisterTable,
      DEAD_LETTER_QUEUE_URL: example.DeadLetterQueueUrl,
    });
    await agrees();
    const listed = await shell.run(commandsIn(PAGE, 'Who has access').join('\n'));
    expect(listed).toContain(present(stories['goes well']));
    expect(await shell.run(commandsIn(PAGE, 'When something lies in the queue').join('\n'))).toContain(
      'Remaining: 0',
    );
    await shell.end();
  });
});

describe('the access register', () => {
  it('tells what the facts tell, of each provisioning', async () => {
    await agrees();
    const tells = await registered();
    for (const [story, user] of [
      ['goes well', 'present'],
      ['finds its name taken', 'absent'],
      ['has a password that is refused', 'absent'],
      ['is removed', 'absent'],
    ] as const)
      for (const source of ['app1.provisioning', 'app2.service-users'])
        expect([story, tells[`${stories[story]} ${source}`]]).toEqual([
          story,
          expect.stringMatching(`^${user} `),
        ]);
  });

  it('lists those who have access, as the pool has them', async () => {
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
    ['App1', 'app1-call-app2', 'ServiceUserProvisioningRollBackFailed', 'app1.provisioning'],
  ] as const)(
    'still lists a user whose removal %s could not finish, until it has',
    async (service, functionName, failure, source) => {
      const { provisioning_id: id } = await provision(newRequest());
      stories[`cannot be undone at ${service} at first`] = id;
      await whileBroken(functionName, async () => {
        await system.deprovision(id);
        await told(id, failure);
        await eventually(async () => expect((await registered())[`${id} ${source}`]).toMatch(/^unknown /));
      });
      await deprovision(id, runSweeps);
      await agrees();
      expect((await registered())[`${id} ${source}`]).toMatch(/^absent /);
    },
  );

  it('is not changed by facts that come again, in any order', async () => {
    const before = await registered();
    const again = [...(await factsToHear()).values()].reverse();
    const events = new EventBridgeClient(configuration);
    for (const { source, 'detail-type': DetailType, detail } of again) {
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
      async () => expect(await invocations(FunctionName)).toBeGreaterThanOrEqual(2 * again.length),
      30_000,
    );
    expect(await registered()).toEqual(before);
    expect(await counted()).toBe(again.length);
  });

  it('has in its queue all that it missed while it was broken, and knows it when that is given to it again', async () => {
    const before = await factsToHear();
    const { FunctionName: functionName, DeadLetterQueueUrl: queueUrl } = example;
    const atFirst = await registered();
    await withoutPermission(outputs, { functionName }, 'dynamodb:PutItem', async () => {
      stories['goes well, unheard'] = (await provision(newRequest())).provisioning_id;
      stories['is refused, unheard'] = (
        await provision(newRequest({ password: passwordWithoutSymbol() }))
      ).provisioning_id;
      await deprovision(present(stories['goes well']));
      const missed = [...(await factsToHear()).keys()].filter((id) => !before.has(id));
      expect(missed.length).toBeGreaterThanOrEqual(6);
      await eventually(async () => expect(await undelivered()).toBe(missed.length), 60_000);
      expect(await registered()).toEqual(atFirst);
    });
    const missed = (await factsToHear()).size - before.size;

    expect(run('../cli/redrive.ts', queueUrl)).toContain(`Delivered: ${missed}\n`);
    expect(await registered()).toEqual(await factsTell());
    expect(await undelivered()).toBe(0);
    expect(await counted()).toBe((await factsToHear()).size);
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

describe('what was produced', () => {
  const own = new Map<string, ProducedEvent[]>();
  beforeAll(async () => {
    const secrets = new SecretsManagerClient(configuration);
    const { VersionId } = await secrets.send(
      new RotateSecretCommand({ SecretId: outputs.app2.credentials_secret_arn }),
    );
    const rotation = (event: ProducedEvent) => JSON.stringify(event).includes(`rotation:${VersionId}`);
    await eventually(async () => expect((await produced()).some(rotation)).toBe(true), 30_000);
    for (const event of await produced())
      if (ids().includes(about(event)) || rotation(event))
        own.set(event['detail-type'], [...(own.get(event['detail-type']) ?? []), event]);
    if (process.env['RECORD_EVENTS'] !== undefined) for (const [name, events] of own) record(name, events);
  });

  it('is every event of the catalogue', () => {
    expect([...own.keys()].sort()).toEqual(eventRows.map(([name]) => name).sort());
  });

  it.each(eventRows)('of %s has the shapes that are recorded for subscribers', (name) => {
    const shapes = (events: readonly ProducedEvent[]) => variantsOf(events).map(shapeOf).sort();

    expect(shapes(own.get(name) ?? [])).toEqual(shapes(recorded(name)));
  });
});
