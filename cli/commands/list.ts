import {
  type ExecutionListItem,
  type ExecutionStatus,
  ListExecutionsCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { Option } from '@commander-js/extra-typings';
import { provisioningInput } from '../../contracts/executions.ts';
import { cleanOutcomes } from '../../contracts/outcomes.ts';
import { executionStatus } from '../../contracts/status.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import { describe } from '../../handlers/shared/executions.ts';
import { currentStatus } from '../../handlers/shared/roll-backs.ts';
import { examples, type Program } from '../base.ts';
import type { Exit } from '../exit-status.ts';
import { formatReport, formatTime, type Propose, toReport } from '../format.ts';
import type { ListOutput, ProvisioningReport } from '../json-output.ts';
import type { Run, Session } from '../session.ts';
import type { App1 } from '../target-environment.ts';
import { throttledStepFunctions } from '../throttled-client.ts';
import { by, count, listOf, since } from '../values.ts';

const FAILED = ['FAILED', 'ABORTED', 'TIMED_OUT'] as const satisfies ExecutionStatus[];

interface Options {
  status?: readonly ExecutionStatus[];
  failed?: true;
  since: (now: number) => number;
  limit: number;
}

export async function list(session: Session, options: Options): Promise<Exit> {
  const { connection, clock, progress } = session;
  const since = options.since(clock.now());
  progress.update(`Listing executions at ${connection.displayName}`);
  const app1 = await connection.app1();
  const statuses = [...(options.status ?? []), ...(options.failed === true ? FAILED : [])];
  const found = await findExecutionsSince(session, app1, statuses, since);
  const stepFunctions = throttledStepFunctions(connection, clock);
  const output: ListOutput = {
    since: new Date(since).toISOString(),
    provisionings: [],
    more: Math.max(0, found.length - options.limit),
    unreadable: [],
  };
  for (const [index, name] of found.slice(0, options.limit).entries()) {
    progress.update('Reading', `${index + 1} of ${Math.min(found.length, options.limit)}`);
    const report = await readProvisioning(stepFunctions, app1, name, session.propose);
    if (report === undefined) output.unreadable.push(name);
    else output.provisionings.push(report);
  }
  session.print(output, formatList(output, session.propose));
  return 'ok';
}

/** Names of the executions that are running or have finished since a time, latest first. */
async function findExecutionsSince(
  { connection, clock }: Session,
  { state_machine_arn }: App1,
  statuses: readonly ExecutionStatus[],
  since: number,
): Promise<string[]> {
  const stepFunctions = connection.client(SFNClient);
  // ListExecutions returns the latest start first. An execution that started before this time has timed out since.
  const oldestStart = since - timeLimits.provisioning * 1000;
  const found: ExecutionListItem[] = [];
  for (const statusFilter of statuses.length === 0 ? [undefined] : new Set(statuses)) {
    let nextToken: string | undefined;
    let isPastOldest = false;
    do {
      const page: { executions?: ExecutionListItem[] | undefined; nextToken?: string | undefined } =
        await stepFunctions.send(
          new ListExecutionsCommand({
            stateMachineArn: state_machine_arn,
            maxResults: 1000,
            ...(statusFilter === undefined ? {} : { statusFilter }),
            ...(nextToken === undefined ? {} : { nextToken }),
          }),
        );
      const executions = page.executions ?? [];
      found.push(...executions.filter((one) => changedAt(one, clock.now()) >= since));
      isPastOldest = executions.some(
        ({ startDate }) => startDate !== undefined && startDate.getTime() < oldestStart,
      );
      nextToken = page.nextToken;
    } while (nextToken !== undefined && !isPastOldest);
  }
  return found
    .sort((one, other) => changedAt(other, clock.now()) - changedAt(one, clock.now()))
    .map(({ name = '' }) => name);
}

const changedAt = ({ stopDate }: ExecutionListItem, now: number): number => stopDate?.getTime() ?? now;

/** Reads one provisioning; `undefined` when App1 did not start the execution or it has expired. */
async function readProvisioning(
  stepFunctions: Pick<SFNClient, 'send'>,
  app1: App1,
  name: string,
  propose: Propose,
): Promise<ProvisioningReport | undefined> {
  const machines = {
    STATE_MACHINE_ARN: app1.state_machine_arn,
    ROLL_BACK_STATE_MACHINE_ARN: app1.roll_back_state_machine_arn,
  };
  const workflows = {
    stepFunctions,
    machines,
    inputSchema: provisioningInput,
    cleanOutcomes: cleanOutcomes.app1,
    gone: app1.targets.filter(({ state }) => state === 'gone').map((target) => target.name),
  };
  try {
    const found = await describe(stepFunctions, app1.state_machine_arn, name, provisioningInput);
    if (found === undefined) return undefined;
    return toReport(await currentStatus(workflows, found), propose, found.parsedInput.retry_of);
  } catch (error) {
    if (error instanceof Error && ['ZodError', 'SyntaxError'].includes(error.name)) return undefined;
    throw error;
  }
}

function formatList({ since: from, provisionings, more, unreadable }: ListOutput, propose: Propose): string {
  const parts = provisionings.map(formatReport);
  if (provisionings.length === 0) parts.push(`None since ${formatTime(from)}.`);
  if (more > 0) parts.push(`… and ${more} more: use a higher --limit or a later --since.`);
  if (unreadable.length > 0)
    parts.push(
      `Not started by App1, or expired: ${unreadable.join(', ')} (${propose({ command: 'doctor' })})`,
    );
  return parts.join('\n\n');
}

export const addList = (program: Program, run: Run) =>
  program
    .command('list')
    .summary('list provisionings, their failures and remedies')
    .description(
      "Lists App1's provisionings of all owners, the latest change first: the outcome, the step and cause of a failure, what is left behind, and the remedy.",
    )
    .option(
      '--status <words>',
      `only these statuses, separated by commas: ${executionStatus.options.join(', ')}`,
      by(listOf(executionStatus.enum)),
    )
    .option('--failed', `the same as --status ${FAILED.join(',')}`)
    .addOption(
      new Option(
        '--since <time>',
        'only those that are running or have finished since: 90s, 15m, 1h, 7d, or a time in ISO 8601',
      )
        .argParser(by(since))
        .default(by(since)('24h'), '24h'),
    )
    .option('--limit <number>', 'maximum number of provisionings', by(count), 20)
    .addHelpText(
      'after',
      examples(
        ['failures of the last hour and their causes', 'list --failed --since 1h'],
        [
          'ids of the provisionings that were stopped today',
          "list --status ABORTED --json | jq -r '.provisionings[].provisioning_id'",
        ],
      ),
    )
    .action((options, command) => run(command, (session) => list(session, options)));
