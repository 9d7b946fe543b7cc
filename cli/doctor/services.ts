import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient, paginateDescribeLogGroups } from '@aws-sdk/client-cloudwatch-logs';
import { type AttributeValue, DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DescribeEventBusCommand,
  DescribeRuleCommand,
  EventBridgeClient,
  ListRuleNamesByTargetCommand,
  ListTargetsByRuleCommand,
} from '@aws-sdk/client-eventbridge';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeStateMachineCommand, paginateListExecutions, SFNClient } from '@aws-sdk/client-sfn';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Service } from '../../contracts/services.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import { HIGH_WATER_MARKS, parseSweepState } from '../../handlers/shared/high-water-marks.ts';
import { type Generation, partsOfRollBackName, rollBackName } from '../../handlers/shared/roll-back-names.ts';
import { latestRollBack, presenceAfter } from '../../handlers/shared/roll-backs.ts';
import { busLog, deadLetterQueueName, everyEventRule, functionNamed, sweepTable } from '../../infra/names.ts';
import { commandLine } from '../command-line.ts';
import type { Session } from '../session.ts';
import type { App1, App2 } from '../target-environment.ts';
import { throttledStepFunctions } from '../throttled-client.ts';
import { alarmFinding } from './alarms.ts';
import { type Check, type Finding, ifThere, ok, unseen, wrong } from './finding.ts';

/** What is checked of both services alike. */

type Common = Pick<
  App1 | App2,
  'state_machine_arn' | 'roll_back_state_machine_arn' | 'event_bus_name' | 'log_groups'
>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The sweep runs every five minutes and writes its high-water marks each time; two runs may be missed. */
const MARK_WRITTEN = 15 * MINUTE;
/** The marks stay ten minutes behind, because lists lag; more means that something cannot be settled. */
const MARK_BEHIND = 30 * MINUTE;

export const stackOf = { app1: 'App1', app2: 'App2' } as const;

const again = (service: Service) => `Deploy ${stackOf[service]} again.`;

/** The checks of one service that is deployed here. `functions` are its functions that watch over executions. */
export function serviceChecks(
  session: Pick<Session, 'connection' | 'clock' | 'propose'>,
  service: Service,
  deployed: Common,
  { watch, sweep }: { watch: string; sweep: string },
): Check[] {
  const { connection, clock } = session;
  const check = (name: string, look: () => Promise<Finding>): Check => ({ service, check: name, look });
  return [
    check('stack', async () => {
      const client = connection.client(CloudFormationClient);
      const { Stacks: [stack] = [] } = await client.send(
        new DescribeStacksCommand({ StackName: stackOf[service] }),
      );
      const { StackStatus: status = 'gone' } = stack ?? {};
      return /^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status)
        ? ok(`${stackOf[service]} is ${status}`)
        : wrong(
            `${stackOf[service]} is ${status}`,
            'See the events of the stack in CloudFormation, then deploy again.',
          );
    }),
    check('state machines', async () => {
      const client = connection.client(SFNClient);
      const missing: string[] = [];
      for (const stateMachineArn of [deployed.state_machine_arn, deployed.roll_back_state_machine_arn]) {
        const machine = await ifThere(client.send(new DescribeStateMachineCommand({ stateMachineArn })));
        if (machine?.status !== 'ACTIVE') missing.push(nameOf(stateMachineArn));
      }
      return missing.length === 0
        ? ok(
            `${nameOf(deployed.state_machine_arn)} and ${nameOf(deployed.roll_back_state_machine_arn)} are active`,
          )
        : wrong(`not there or being deleted: ${missing.join(', ')}`, again(service));
    }),
    check('event bus', () =>
      busFinding(connection.client(EventBridgeClient), service, deployed.event_bus_name),
    ),
    check('roll-back of bad ends', async () => {
      const rules = await rulesOf(connection, functionNamed(service, watch));
      return ruleFinding(rules, 'executions that end badly are rolled back', service);
    }),
    check('sweep', async () => {
      const rules = ruleFinding(
        await rulesOf(connection, functionNamed(service, sweep)),
        'the sweep is called',
        service,
      );
      if (rules.verdict !== 'ok') return rules;
      const TableName = sweepTable(service);
      const found = await ifThere(
        connection
          .client(DynamoDBClient)
          .send(new GetItemCommand({ TableName, Key: { id: { S: HIGH_WATER_MARKS } } })),
      );
      if (found === undefined) return wrong(`its table ${TableName} is not there`, again(service));
      return markFinding(found.Item, clock.now(), functionNamed(service, sweep));
    }),
    check('roll-backs', () => rollBackFinding(session, deployed)),
    check('dead-letter-queue', async () => {
      const client = connection.client(SQSClient);
      const name = deadLetterQueueName(service);
      const queue = await ifThere(client.send(new GetQueueUrlCommand({ QueueName: name })));
      if (queue === undefined) return wrong(`the queue ${name} is not there`, again(service));
      const { Attributes = {} } = await client.send(
        new GetQueueAttributesCommand({
          QueueUrl: queue.QueueUrl,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      const waiting = Object.values(Attributes).reduce((sum, number) => sum + Number(number), 0);
      return waiting === 0
        ? ok(`${name} is empty`)
        : wrong(
            `${waiting} in ${name}: events that could not be delivered, or calls that a function could not handle`,
            `Read one (${commandLine({ command: 'aws sqs receive-message', options: [['--queue-url', queue.QueueUrl ?? '']] })}), repair its cause, then send it again or delete it.`,
          );
    }),
    check('alarms', () => alarmFinding(session, stackOf[service])),
    check('logs', async () => {
      const client = connection.client(CloudWatchLogsClient);
      const there = new Set<string | undefined>();
      const wanted = deployed.log_groups;
      for (const logGroupNamePrefix of new Set(
        wanted.map((name) => /^\/aws\/[a-z]+\//.exec(name)?.[0] ?? name),
      ))
        for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, { logGroupNamePrefix }))
          for (const { logGroupName } of logGroups) there.add(logGroupName);
      const missing = wanted.filter((name) => !there.has(name));
      return missing.length === 0
        ? ok(`all ${wanted.length} log groups are there`)
        : wrong(`not there: ${missing.join(', ')}`, again(service));
    }),
  ];
}

const nameOf = (arn: string): string => arn.split(':').at(-1) ?? arn;

/** PutEvents to a bus that is not there is answered with success, so bus, rule and log are looked at. */
async function busFinding(client: EventBridgeClient, service: Service, bus: string): Promise<Finding> {
  if ((await ifThere(client.send(new DescribeEventBusCommand({ Name: bus })))) === undefined)
    return wrong(`there is no bus ${bus}: audit events are lost, and nothing says so`, again(service));
  const which = { Name: everyEventRule(bus), EventBusName: bus };
  const rule = await ifThere(client.send(new DescribeRuleCommand(which)));
  if (rule === undefined)
    return wrong(`the rule ${which.Name} is not there: events are not logged`, again(service));
  if (rule.State !== 'ENABLED')
    return wrong(
      `the rule ${which.Name} is ${rule.State?.toLowerCase()}: events are not logged`,
      `${commandLine({
        command: 'aws events enable-rule',
        options: [
          ['--event-bus-name', bus],
          ['--name', which.Name],
        ],
      })}; what was missed can be replayed from the archive ${bus}-archive.`,
    );
  const { Targets = [] } = await client.send(
    new ListTargetsByRuleCommand({ Rule: which.Name, EventBusName: bus }),
  );
  return Targets.some(({ Arn = '' }) => Arn.includes(busLog(bus)))
    ? ok(`${bus} is there, and logs every event`)
    : wrong(`the rule ${which.Name} does not lead to ${busLog(bus)}: events are not logged`, again(service));
}

interface SeenRule {
  name: string;
  state: string | undefined;
}

/** The rules that call a function. */
async function rulesOf(connection: Session['connection'], functionName: string): Promise<SeenRule[]> {
  const configuration = await ifThere(
    connection.client(LambdaClient).send(new GetFunctionConfigurationCommand({ FunctionName: functionName })),
  );
  const events = connection.client(EventBridgeClient);
  if (configuration?.FunctionArn === undefined) return [];
  const { RuleNames = [] } = await events.send(
    new ListRuleNamesByTargetCommand({ TargetArn: configuration.FunctionArn }),
  );
  return Promise.all(
    RuleNames.map(async (Name) => ({
      name: Name,
      state: (await events.send(new DescribeRuleCommand({ Name }))).State,
    })),
  );
}

function ruleFinding(rules: SeenRule[], meaning: string, service: Service): Finding {
  const off = rules.find(({ state }) => state !== 'ENABLED');
  if (rules.length === 0) return wrong(`no rule sees to it that ${meaning}`, again(service));
  return off === undefined
    ? ok(`${meaning}: ${rules.map(({ name }) => name).join(', ')}`)
    : wrong(
        `the rule ${off.name}, by which ${meaning}, is disabled`,
        commandLine({ command: 'aws events enable-rule', options: [['--name', off.name]] }),
      );
}

/** Whether the sweep writes its high-water marks, and whether they move. */
export function markFinding(
  item: Record<string, AttributeValue> | undefined,
  now: number,
  sweep: string,
): Finding {
  if (item === undefined) return ok('it has not run yet, and will within five minutes');
  const see = `See the log of ${sweep}: /aws/lambda/${sweep}.`;
  const written = now - Date.parse(item['written_at']?.S ?? '');
  if (!(written <= MARK_WRITTEN))
    return wrong(`its high-water marks were not written for ${minutes(written)}`, see);
  const marks = Object.entries(parseSweepState(item['state']?.S).lists).map(
    ([list, { high_water_mark }]) => ({ list, behind: now - high_water_mark }),
  );
  const last = marks.sort((a, b) => b.behind - a.behind)[0];
  if (last === undefined || last.behind <= MARK_BEHIND)
    return ok(`everything that ended ${minutes(last?.behind ?? 0)} ago or earlier is settled`);
  return wrong(
    `in the list ${last.list}, something that ended ${minutes(last.behind)} ago cannot be settled`,
    see,
  );
}

const minutes = (milliseconds: number): string =>
  Number.isFinite(milliseconds) ? `${Math.round(milliseconds / MINUTE)} minutes` : 'an unknown time';

/** How many of the roll-backs that failed are followed up: each look costs a DescribeExecution. */
const FOLLOWED_UP = 20;

/**
 * Users that may be left behind: roll-backs that failed within the last day, and of which no later attempt succeeded.
 * Lists come by their start, and a roll-back may wait for a target for a day and more before it fails.
 */
async function rollBackFinding(
  session: Pick<Session, 'connection' | 'clock' | 'propose'>,
  deployed: Common,
): Promise<Finding> {
  const { connection, clock } = session;
  const since = clock.now() - 24 * HOUR;
  /** Which generations, by their first roll-backs' names. */
  const failed = new Map<string, Generation>();
  for (const statusFilter of ['FAILED', 'TIMED_OUT', 'ABORTED'] as const)
    for await (const { executions = [] } of paginateListExecutions(
      { client: connection.client(SFNClient) },
      { stateMachineArn: deployed.roll_back_state_machine_arn, statusFilter, maxResults: 1000 },
    )) {
      const recent = executions.filter(({ stopDate }) => (stopDate?.getTime() ?? 0) >= since);
      for (const { name = '' } of recent) {
        const parts = partsOfRollBackName(name);
        if (parts !== undefined) failed.set(rollBackName(parts, 1), parts);
      }
      const longest = timeLimits.provisioningRollBack * 1000;
      if (executions.some(({ startDate }) => (startDate?.getTime() ?? 0) < since - longest)) break;
    }
  const machines = {
    STATE_MACHINE_ARN: deployed.state_machine_arn,
    ROLL_BACK_STATE_MACHINE_ARN: deployed.roll_back_state_machine_arn,
  };
  const stepFunctions = throttledStepFunctions(connection, clock);
  const open: string[] = [];
  for (const generation of [...failed.values()].slice(0, FOLLOWED_UP)) {
    const latest = await latestRollBack({ stepFunctions, machines }, generation);
    if (latest !== undefined && presenceAfter(latest) !== 'absent') open.push(generation.provisioning_id);
  }
  if (open.length > 0)
    return wrong(
      `roll-backs that have failed so far, so that a user may be left: ${open.join(', ')}`,
      `${session.propose({ command: 'timeline', operands: [open[0] ?? ''] })} says at which step and why. The sweep tries again every five minutes; repair the cause.`,
    );
  if (failed.size > FOLLOWED_UP)
    return unseen(
      `${failed.size} roll-backs have failed in the last day; the ${FOLLOWED_UP} that were looked at have succeeded since`,
      'Look again later, or at the sweep, which follows up on all of them.',
    );
  return ok('every roll-back of the last 24 hours has succeeded, or succeeds as it looks');
}

/** Whether a key can be used. */
export async function keyFinding(
  connection: Pick<Session['connection'], 'client'>,
  KeyId: string,
  purpose: string,
): Promise<Finding> {
  const key = await ifThere(connection.client(KMSClient).send(new DescribeKeyCommand({ KeyId })));
  if (key === undefined)
    return wrong(`the key ${KeyId}, which ${purpose}, is not there`, 'Deploy the stack again.');
  const { KeyState, Arn = KeyId } = key.KeyMetadata ?? {};
  const ofKey = (operation: string) =>
    commandLine({ command: `aws kms ${operation}`, options: [['--key-id', Arn]] });
  if (KeyState === 'Enabled') return ok(`${KeyId} is enabled`);
  return wrong(
    `the key ${KeyId}, which ${purpose}, is ${KeyState}`,
    KeyState === 'PendingDeletion'
      ? `${ofKey('cancel-key-deletion')}, then ${ofKey('enable-key')}`
      : ofKey('enable-key'),
  );
}
