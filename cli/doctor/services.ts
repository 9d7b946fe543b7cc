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
import { timeLimits } from '../../contracts/time-limits.ts';
import { HIGH_WATER_MARKS, parseSweepState } from '../../handlers/shared/high-water-marks.ts';
import { type Generation, partsOfRollBackName, rollBackName } from '../../handlers/shared/roll-back-names.ts';
import { latestRollBack, presenceAfterRollBack, type RollBack } from '../../handlers/shared/roll-backs.ts';
import { remainingTargets } from '../../handlers/shared/status.ts';
import { busLog, deadLetterQueueName, everyEventRule, functionNamed, sweepTable } from '../../infra/names.ts';
import { commandLine } from '../command-line.ts';
import type { Session } from '../session.ts';
import type { App1, Target } from '../target-environment.ts';
import { throttledStepFunctions } from '../throttled-client.ts';
import { alarmFinding } from './alarms.ts';
import { type Check, type Finding, failed, ifFound, ok, unchecked } from './finding.ts';

/** The checks that are the same for all services. */

type Common = Pick<
  App1 | Target,
  'stack_name' | 'state_machine_arn' | 'roll_back_state_machine_arn' | 'event_bus_name' | 'log_groups'
>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The sweep runs every five minutes and writes its high-water marks in each run. Two missed runs are tolerated. */
const MAX_MARK_AGE = 15 * MINUTE;
/** The marks stay ten minutes behind now, because lists are eventually consistent. More means that the sweep cannot finish an execution. */
const MAX_MARK_LAG = 30 * MINUTE;

const redeployRemedy = (stack: string) => `Deploy ${stack} again.`;

/** The checks of one deployed service. The last argument names its functions that react to finished executions. */
export function serviceChecks(
  session: Pick<Session, 'connection' | 'clock' | 'propose'>,
  service: string,
  deployed: Common,
  { startRollBack, sweep }: { startRollBack: string; sweep: string },
): Check[] {
  const { connection, clock } = session;
  const { stack_name: stackName } = deployed;
  const check = (name: string, run: () => Promise<Finding>): Check => ({ service, check: name, run });
  return [
    check('stack', async () => {
      const client = connection.client(CloudFormationClient);
      const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
      const { StackStatus: status = 'deleted' } = stack ?? {};
      return /^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status)
        ? ok(`${stackName} is ${status}`)
        : failed(
            `${stackName} is ${status}`,
            'Check the events of the stack in CloudFormation, then deploy again.',
          );
    }),
    check('state machines', async () => {
      const client = connection.client(SFNClient);
      const missing: string[] = [];
      for (const stateMachineArn of [deployed.state_machine_arn, deployed.roll_back_state_machine_arn]) {
        const machine = await ifFound(client.send(new DescribeStateMachineCommand({ stateMachineArn })));
        if (machine?.status !== 'ACTIVE') missing.push(nameOf(stateMachineArn));
      }
      return missing.length === 0
        ? ok(
            `${nameOf(deployed.state_machine_arn)} and ${nameOf(deployed.roll_back_state_machine_arn)} are active`,
          )
        : failed(`missing or being deleted: ${missing.join(', ')}`, redeployRemedy(stackName));
    }),
    check('event bus', () =>
      busFinding(connection.client(EventBridgeClient), stackName, deployed.event_bus_name),
    ),
    check('roll-back rule', async () => {
      const rules = await readRules(connection, functionNamed(service, startRollBack));
      return ruleFinding(rules, 'failed executions are rolled back', stackName);
    }),
    check('sweep', async () => {
      const rules = ruleFinding(
        await readRules(connection, functionNamed(service, sweep)),
        'the sweep is called',
        stackName,
      );
      if (rules.verdict !== 'ok') return rules;
      const TableName = sweepTable(service);
      const found = await ifFound(
        connection
          .client(DynamoDBClient)
          .send(new GetItemCommand({ TableName, Key: { id: { S: HIGH_WATER_MARKS } } })),
      );
      if (found === undefined)
        return failed(`its table ${TableName} does not exist`, redeployRemedy(stackName));
      return highWaterMarkFinding(found.Item, clock.now(), functionNamed(service, sweep));
    }),
    check('roll-backs', () => rollBackFinding(session, deployed)),
    check('dead-letter-queue', async () => {
      const client = connection.client(SQSClient);
      const name = deadLetterQueueName(service);
      const queue = await ifFound(client.send(new GetQueueUrlCommand({ QueueName: name })));
      if (queue === undefined) return failed(`the queue ${name} does not exist`, redeployRemedy(stackName));
      const { Attributes = {} } = await client.send(
        new GetQueueAttributesCommand({
          QueueUrl: queue.QueueUrl,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      const messageCount = Object.values(Attributes).reduce((sum, number) => sum + Number(number), 0);
      return messageCount === 0
        ? ok(`${name} is empty`)
        : failed(
            `${messageCount} in ${name}: events that EventBridge could not deliver, or that a function failed to handle`,
            `Read one (${commandLine({ command: 'aws sqs receive-message', options: [['--queue-url', queue.QueueUrl ?? '']] })}), repair its cause, then redrive it or delete it.`,
          );
    }),
    check('alarms', () => alarmFinding(session, stackName)),
    check('logs', async () => {
      const client = connection.client(CloudWatchLogsClient);
      const existing = new Set<string | undefined>();
      const expected = deployed.log_groups;
      for (const logGroupNamePrefix of new Set(
        expected.map((name) => /^\/aws\/[a-z]+\//.exec(name)?.[0] ?? name),
      ))
        for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, { logGroupNamePrefix }))
          for (const { logGroupName } of logGroups) existing.add(logGroupName);
      const missing = expected.filter((name) => !existing.has(name));
      return missing.length === 0
        ? ok(`all ${expected.length} log groups exist`)
        : failed(`missing: ${missing.join(', ')}`, redeployRemedy(stackName));
    }),
  ];
}

const nameOf = (arn: string): string => arn.split(':').at(-1) ?? arn;

/** PutEvents to a bus that does not exist succeeds, so this checks the bus, its rule and the rule's target. */
async function busFinding(client: EventBridgeClient, stackName: string, bus: string): Promise<Finding> {
  if ((await ifFound(client.send(new DescribeEventBusCommand({ Name: bus })))) === undefined)
    return failed(
      `the bus ${bus} does not exist: audit events are lost without an error`,
      redeployRemedy(stackName),
    );
  const ruleKey = { Name: everyEventRule(bus), EventBusName: bus };
  const rule = await ifFound(client.send(new DescribeRuleCommand(ruleKey)));
  if (rule === undefined)
    return failed(
      `the rule ${ruleKey.Name} does not exist: events are not logged`,
      redeployRemedy(stackName),
    );
  if (rule.State !== 'ENABLED')
    return failed(
      `the rule ${ruleKey.Name} is ${rule.State?.toLowerCase()}: events are not logged`,
      `${commandLine({
        command: 'aws events enable-rule',
        options: [
          ['--event-bus-name', bus],
          ['--name', ruleKey.Name],
        ],
      })}; missed events can be replayed from the archive ${bus}-archive.`,
    );
  const { Targets = [] } = await client.send(
    new ListTargetsByRuleCommand({ Rule: ruleKey.Name, EventBusName: bus }),
  );
  return Targets.some(({ Arn = '' }) => Arn.includes(busLog(bus)))
    ? ok(`${bus} exists, and logs every event`)
    : failed(
        `the rule ${ruleKey.Name} does not have the target ${busLog(bus)}: events are not logged`,
        redeployRemedy(stackName),
      );
}

interface RuleState {
  name: string;
  state: string | undefined;
}

/** The rules that call a function. */
async function readRules(connection: Session['connection'], functionName: string): Promise<RuleState[]> {
  const configuration = await ifFound(
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

function ruleFinding(rules: RuleState[], meaning: string, stackName: string): Finding {
  const disabled = rules.find(({ state }) => state !== 'ENABLED');
  if (rules.length === 0) return failed(`there is no rule by which ${meaning}`, redeployRemedy(stackName));
  return disabled === undefined
    ? ok(`${meaning}: ${rules.map(({ name }) => name).join(', ')}`)
    : failed(
        `the rule ${disabled.name}, by which ${meaning}, is disabled`,
        commandLine({ command: 'aws events enable-rule', options: [['--name', disabled.name]] }),
      );
}

/** Whether the sweep writes its high-water marks, and whether they advance. */
export function highWaterMarkFinding(
  item: Record<string, AttributeValue> | undefined,
  now: number,
  sweep: string,
): Finding {
  if (item === undefined) return ok('it has not run yet; it runs every five minutes');
  const remedy = `Check the log of ${sweep}: /aws/lambda/${sweep}.`;
  const written = now - Date.parse(item['written_at']?.S ?? '');
  if (!(written <= MAX_MARK_AGE))
    return failed(`its high-water marks were not written for ${minutes(written)}`, remedy);
  const lags = Object.entries(parseSweepState(item['state']?.S).lists).map(([list, { high_water_mark }]) => ({
    list,
    lag: now - high_water_mark,
  }));
  const largest = lags.sort((a, b) => b.lag - a.lag)[0];
  if (largest === undefined || largest.lag <= MAX_MARK_LAG)
    return ok(`every execution that finished ${minutes(largest?.lag ?? 0)} ago or earlier is processed`);
  return failed(
    `in the list ${largest.list}, an execution that finished ${minutes(largest.lag)} ago cannot be processed`,
    remedy,
  );
}

const minutes = (milliseconds: number): string =>
  Number.isFinite(milliseconds) ? `${Math.round(milliseconds / MINUTE)} minutes` : 'an unknown time';

/** Maximum number of failed roll-backs that are followed up: each needs a DescribeExecution. */
const MAX_FOLLOW_UPS = 20;

/**
 * Users that may be left behind: roll-backs that failed within the last day without a later attempt that succeeded.
 * ListExecutions is ordered by start, and a roll-back can wait for a target for more than a day before it fails.
 */
async function rollBackFinding(
  session: Pick<Session, 'connection' | 'clock' | 'propose'>,
  deployed: Common,
): Promise<Finding> {
  const { connection, clock } = session;
  const since = clock.now() - 24 * HOUR;
  /** Generations by the name of their first roll-back. */
  const failedGenerations = new Map<string, Generation>();
  for (const statusFilter of ['FAILED', 'TIMED_OUT', 'ABORTED'] as const)
    for await (const { executions = [] } of paginateListExecutions(
      { client: connection.client(SFNClient) },
      { stateMachineArn: deployed.roll_back_state_machine_arn, statusFilter, maxResults: 1000 },
    )) {
      const recent = executions.filter(({ stopDate }) => (stopDate?.getTime() ?? 0) >= since);
      for (const { name = '' } of recent) {
        const parts = partsOfRollBackName(name);
        if (parts !== undefined) failedGenerations.set(rollBackName(parts, 1), parts);
      }
      const longest = timeLimits.provisioningRollBack * 1000;
      if (executions.some(({ startDate }) => (startDate?.getTime() ?? 0) < since - longest)) break;
    }
  const machines = {
    STATE_MACHINE_ARN: deployed.state_machine_arn,
    ROLL_BACK_STATE_MACHINE_ARN: deployed.roll_back_state_machine_arn,
  };
  const stepFunctions = throttledStepFunctions(connection, clock);
  const unresolved: { id: string; targets: readonly string[] }[] = [];
  for (const generation of [...failedGenerations.values()].slice(0, MAX_FOLLOW_UPS)) {
    const latest = await latestRollBack({ stepFunctions, machines }, generation);
    if (latest !== undefined && presenceAfterRollBack(latest) !== 'absent')
      unresolved.push({ id: generation.provisioning_id, targets: targetsLeftBy(latest) });
  }
  if (unresolved.length > 0)
    return failed(
      `roll-backs have failed, so a user may be left behind: ${unresolved.map(formatLeft).join('; ')}`,
      `${session.propose({ command: 'timeline', operands: [unresolved[0]?.id ?? ''] })} shows the step and the cause. Repair the cause; the sweep retries every five minutes.`,
    );
  if (failedGenerations.size > MAX_FOLLOW_UPS)
    return unchecked(
      `${failedGenerations.size} roll-backs have failed in the last day; the ${MAX_FOLLOW_UPS} that were checked have succeeded since`,
      'Run the check again later. The sweep follows up on all of them.',
    );
  return ok('no roll-back that failed in the last 24 hours is still needed');
}

/** At App1, the targets at which the user may remain; empty at a target. */
const targetsLeftBy = (rollBack: RollBack): readonly string[] =>
  remainingTargets(rollBack) ?? rollBack.parsedInput.targets ?? [];

const formatLeft = ({ id, targets }: { id: string; targets: readonly string[] }): string =>
  targets.length === 0 ? id : `${id} at ${targets.join(', ')}`;

/** Whether a KMS key is enabled. */
export async function keyFinding(
  connection: Pick<Session['connection'], 'client'>,
  KeyId: string,
  purpose: string,
): Promise<Finding> {
  const key = await ifFound(connection.client(KMSClient).send(new DescribeKeyCommand({ KeyId })));
  if (key === undefined)
    return failed(`the key ${KeyId}, which ${purpose}, does not exist`, 'Deploy the stack again.');
  const { KeyState, Arn = KeyId } = key.KeyMetadata ?? {};
  const keyCommand = (operation: string) =>
    commandLine({ command: `aws kms ${operation}`, options: [['--key-id', Arn]] });
  if (KeyState === 'Enabled') return ok(`${KeyId} is enabled`);
  return failed(
    `the key ${KeyId}, which ${purpose}, is ${KeyState}`,
    KeyState === 'PendingDeletion'
      ? `${keyCommand('cancel-key-deletion')}, then ${keyCommand('enable-key')}`
      : keyCommand('enable-key'),
  );
}
