import {
  CreateArchiveCommand,
  DeleteRuleCommand,
  DescribeEventBusCommand,
  DescribeReplayCommand,
  EventBridgeClient,
  ListReplaysCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  type PutEventsRequestEntry,
  PutPermissionCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemovePermissionCommand,
  StartReplayCommand,
  type Target,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from '@jest/globals';
import { account, client, region } from './support/clients.ts';
import { eventually } from './support/eventually.ts';
import { history, run } from './support/machines.ts';
import { createQueue, nextEvent } from './support/queues.ts';
import { connect, createBus, entry, letRulesSend } from './support/rules.ts';
import { unique } from './support/unique.ts';

const events = client(EventBridgeClient);

const REFUSED: [what: string, part: Partial<PutEventsRequestEntry>, code: string, message: string][] = [
  ...(['Source', 'DetailType', 'Detail'] as const).map(
    (name): [string, Partial<PutEventsRequestEntry>, string, string] => [
      `without ${name}`,
      { [name]: undefined },
      'InvalidArgument',
      `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
    ],
  ),
  ...['no JSON', '"text"', '[]'].map((Detail): [string, Partial<PutEventsRequestEntry>, string, string] => [
    `with the detail ${Detail}`,
    { Detail },
    'MalformedDetail',
    'Detail is malformed.',
  ]),
];

describe('corrected: events that EventBridge rejects', () => {
  // eventbridge/latest/apireference/API_PutEventsResultEntry
  // recorded: events test_put_events_without_source, test_put_event_without_detail, test_put_event_without_detail_type
  // recorded: events test_put_event_malformed_detail
  it.each(REFUSED)(
    'returns an error for an entry %s, and accepts the others',
    async (_, part, code, text) => {
      const { EventBusName } = await createBus();
      const good = entry(EventBusName);

      expect(
        await events.send(new PutEventsCommand({ Entries: [{ ...good, ...part }, good] })),
      ).toMatchObject({
        FailedEntryCount: 1,
        Entries: [{ ErrorCode: code, ErrorMessage: text }, { EventId: expect.any(String) }],
      });
    },
  );

  // eventbridge/latest/userguide/eb-putevents: the size of all entries together
  // recorded: events test_put_event_with_too_big_detail
  it('rejects a request of more than 256 KB', async () => {
    const { EventBusName } = await createBus();
    const half = { ...entry(EventBusName), Detail: JSON.stringify({ text: 'x'.repeat(128 * 1024 - 11) }) };

    await expect(events.send(new PutEventsCommand({ Entries: [half] }))).resolves.toMatchObject({
      FailedEntryCount: 0,
    });
    await expect(events.send(new PutEventsCommand({ Entries: [half, half] }))).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Total size of the entries in the request is over the limit.',
    });
  });

  // step-functions/latest/dg/connect-eventbridge: the cause is the whole answer
  // recorded: stepfunctions test_put_events_no_source, test_put_events_malformed_detail
  it('fails the task of a state machine with the whole response as its cause', async () => {
    const { EventBusName } = await createBus();
    const good = { ...entry(EventBusName), Detail: {} };
    const { executionArn, ...execution } = await run({
      StartAt: 'Publish',
      States: {
        Publish: {
          Type: 'Task',
          Resource: 'arn:aws:states:::events:putEvents',
          Arguments: { Entries: [good, { ...good, Source: '' }] },
          End: true,
        },
      },
    });
    const cause = {
      FailedEntryCount: 1,
      Entries: [{ EventId: expect.any(String) }, expect.objectContaining({ ErrorCode: 'InvalidArgument' })],
    };
    const failed = (await history(executionArn ?? '')).find(({ type }) => type === 'TaskFailed');

    expect(execution).toMatchObject({ status: 'FAILED', error: 'EventBridge.FailedEntry' });
    expect(JSON.parse(execution.cause ?? '')).toEqual(cause);
    expect(failed?.taskFailedEventDetails).toMatchObject({
      error: 'EventBridge.FailedEntry',
      resourceType: 'events',
    });
    expect(JSON.parse(failed?.taskFailedEventDetails?.cause ?? '')).toEqual(cause);
  });

  // eventbridge/latest/apireference/API_PutEventsRequestEntry (Time)
  // recorded: events test_put_events_time
  it('delivers an event with its given time', async () => {
    const { EventBusName } = await createBus();
    const queue = await createQueue();
    await letRulesSend(queue);
    await connect(EventBusName, { Arn: queue.arn });
    const Time = new Date('2022-01-01T00:00:00Z');

    await events.send(new PutEventsCommand({ Entries: [{ ...entry(EventBusName), Time }] }));

    expect(await nextEvent(queue.url)).toMatchObject({ time: '2022-01-01T00:00:00Z' });
  });
});

describe('corrected: rules and targets that EventBridge rejects', () => {
  const EventPattern = JSON.stringify({ source: ['test.source'] });
  const newRule = async () => {
    const bus = await createBus();
    const Name = unique('rule');
    await events.send(new PutRuleCommand({ Name, EventBusName: bus.EventBusName, EventPattern }));
    return { Rule: Name, ...bus };
  };
  const target = (Id: string, fields: Partial<Target> = {}): Target => ({
    Id,
    Arn: `arn:aws:sqs:${region}:${account}:none`,
    ...fields,
  });
  const putTargets = async (...Targets: Target[]) => {
    const { Rule, EventBusName } = await newRule();
    return events.send(new PutTargetsCommand({ Rule, EventBusName, Targets }));
  };

  // eventbridge/latest/apireference/API_TestEventPattern (Event)
  // recorded: events test_plain_string_payload, test_array_event_payload, test_invalid_event_payload
  it.each(['text', '[]', '{"source": "test.source"}'])('rejects a test of a pattern on %s', async (Event) => {
    const attempt = events.send(new TestEventPatternCommand({ Event, EventPattern }));

    await expect(attempt).rejects.toMatchObject({ name: 'ValidationException' });
  });

  // eventbridge/latest/userguide/eb-scheduled-rule-pattern (rate expressions)
  // recorded: events test_put_rule_with_invalid_schedule_rate
  it.each(['rate(1 minutes)', 'rate(10 hour)', 'rate(0 days)'])('rejects %s', async (ScheduleExpression) => {
    const attempt = events.send(new PutRuleCommand({ Name: unique('rule'), ScheduleExpression }));

    await expect(attempt).rejects.toMatchObject({ name: 'ValidationException' });
  });

  // eventbridge/latest/userguide/eb-create-rule-schedule
  // recorded: events tests_put_rule_with_schedule_custom_event_bus
  it('rejects a schedule on another bus than the default one', async () => {
    const { EventBusName } = await createBus();
    const rule = { Name: unique('rule'), EventBusName, ScheduleExpression: 'rate(1 day)' };

    await expect(events.send(new PutRuleCommand(rule))).rejects.toMatchObject({
      name: 'ValidationException',
    });
  });

  // eventbridge/latest/apireference/API_DeleteRule
  // recorded: events test_delete_rule_with_targets
  it('does not delete a rule with targets', async () => {
    const { Rule, EventBusName } = await newRule();
    await events.send(new PutTargetsCommand({ Rule, EventBusName, Targets: [target('one')] }));

    await expect(events.send(new DeleteRuleCommand({ Name: Rule, EventBusName }))).rejects.toMatchObject({
      name: 'ValidationException',
    });
  });

  // eventbridge/latest/userguide/eb-quota (targets per rule)
  // recorded: events test_add_exceed_fife_targets_per_rule
  it('allows at most five targets per rule', async () => {
    const five = ['1', '2', '3', '4', '5'].map((id) => target(id));

    await expect(putTargets(...five)).resolves.toMatchObject({ FailedEntryCount: 0 });
    await expect(putTargets(...five, target('6'))).rejects.toMatchObject({ name: 'LimitExceededException' });
  });

  // eventbridge/latest/apireference/API_Target
  // recorded: events test_put_target_id_validation, test_put_event_input_path_and_input_transformer
  // recorded: events test_put_events_with_input_transformer_missing_keys
  it.each([
    ['an id with other characters', target('!')],
    ['a long id', target('x'.repeat(65))],
    ['two kinds of input', target('one', { Input: '{}', InputPath: '$.detail' })],
    ['a placeholder of no path', target('one', { InputTransformer: { InputTemplate: '"<unknown>"' } })],
  ])('rejects a target with %s', async (_, refused) => {
    await expect(putTargets(refused)).rejects.toMatchObject({ name: 'ValidationException' });
  });

  // eventbridge/latest/apireference/API_PutTargets (EventBusName)
  // recorded: events test_put_events_with_target_events
  it('finds the rule of a bus also by the ARN of the bus', async () => {
    const { Rule, EventBusArn } = await newRule();
    const put = events.send(
      new PutTargetsCommand({ Rule, EventBusName: EventBusArn, Targets: [target('one')] }),
    );

    await expect(put).resolves.toMatchObject({ FailedEntryCount: 0 });
  });

  // eventbridge/latest/apireference/API_ListTargetsByRule (Limit, NextToken)
  // recorded: events test_list_target_by_rule_limit
  it('lists in pages', async () => {
    const { Rule, EventBusName } = await newRule();
    const Targets = ['1', '2', '3'].map((id) => target(id));
    await events.send(new PutTargetsCommand({ Rule, EventBusName, Targets }));
    const list = (NextToken?: string) =>
      events.send(new ListTargetsByRuleCommand({ Rule, EventBusName, Limit: 2, NextToken }));
    const first = await list();

    expect(first.Targets).toHaveLength(2);
    expect(await list(first.NextToken)).toMatchObject({ Targets: [{ Id: '3' }] });
  });
});

describe('corrected: permissions, archives and replays', () => {
  const grant = (EventBusName: string, Principal: string) =>
    events.send(
      new PutPermissionCommand({ EventBusName, StatementId: 'one', Action: 'events:PutEvents', Principal }),
    );

  // eventbridge/latest/apireference/API_PutPermission (Principal)
  // recorded: events test_put_permission
  it('converts an account to its root principal', async () => {
    const { EventBusName } = await createBus();
    await grant(EventBusName, '210987654321');
    const { Policy = '' } = await events.send(new DescribeEventBusCommand({ Name: EventBusName }));

    expect(JSON.parse(Policy)).toMatchObject({
      Statement: [{ Sid: 'one', Principal: { AWS: 'arn:aws:iam::210987654321:root' } }],
    });
  });

  // eventbridge/latest/apireference/API_PutPermission and API_RemovePermission (Errors)
  // recorded: events test_put_permission_non_existing_event_bus, test_remove_permission_non_existing_sid
  it('returns errors for a missing bus and a missing statement', async () => {
    const { EventBusName } = await createBus();
    const remove = new RemovePermissionCommand({ EventBusName, StatementId: 'none' });
    const notFound = { name: 'ResourceNotFoundException' };

    await expect(grant(unique('none'), '*')).rejects.toMatchObject(notFound);
    await expect(events.send(remove)).rejects.toMatchObject(notFound);
  });

  const archive = async (EventSourceArn: string) => {
    const ArchiveName = unique('archive');
    const { ArchiveArn } = await events.send(new CreateArchiveCommand({ ArchiveName, EventSourceArn }));
    return ArchiveArn;
  };

  // eventbridge/latest/apireference/API_CreateArchive (Errors)
  // recorded: events test_create_archive_error_unknown_event_bus
  it('creates no archive for a missing bus', async () => {
    await expect(archive(`arn:aws:events:${region}:${account}:event-bus/none`)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  // eventbridge/latest/apireference/API_StartReplay (Errors)
  // recorded: events test_start_replay_error_unknown_event_bus, test_start_replay_error_unknown_archive
  it('starts no replay of a missing archive or to a missing bus', async () => {
    const { EventBusArn } = await createBus();
    const replay = (EventSourceArn: string | undefined, Arn: string) =>
      events.send(
        new StartReplayCommand({
          ReplayName: unique('replay'),
          EventSourceArn,
          EventStartTime: new Date('2026-01-01'),
          EventEndTime: new Date('2026-01-02'),
          Destination: { Arn },
        }),
      );
    const none = `arn:aws:events:${region}:${account}:archive/none`;

    await expect(replay(none, EventBusArn)).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(replay(await archive(EventBusArn), `${EventBusArn}-none`)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  // eventbridge/latest/apireference/API_Replay
  // recorded: events test_list_replays_with_prefix
  it('lists a replay with the times of its events and of its end', async () => {
    const { EventBusArn } = await createBus();
    const ReplayName = unique('replay');
    await events.send(
      new StartReplayCommand({
        ReplayName,
        EventSourceArn: await archive(EventBusArn),
        EventStartTime: new Date('2026-01-01'),
        EventEndTime: new Date('2026-01-02'),
        Destination: { Arn: EventBusArn },
      }),
    );

    await eventually(async () =>
      expect(await events.send(new DescribeReplayCommand({ ReplayName }))).toMatchObject({
        State: 'COMPLETED',
      }),
    );
    expect(await events.send(new ListReplaysCommand({ NamePrefix: ReplayName }))).toMatchObject({
      Replays: [
        {
          EventStartTime: new Date('2026-01-01'),
          EventEndTime: new Date('2026-01-02'),
          ReplayEndTime: expect.any(Date),
        },
      ],
    });
  });
});
