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
import type { ListAnswer, ShownProvisioning } from '../answers.ts';
import { examples, type Program } from '../base.ts';
import type { Exit } from '../exit-status.ts';
import { at, card, type Propose, shown } from '../format.ts';
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
  const begin = options.since(clock.now());
  progress.say(`Looking at ${connection.where}`);
  const app1 = await connection.app1();
  const statuses = [...(options.status ?? []), ...(options.failed === true ? FAILED : [])];
  const found = await endedOrRunningSince(session, app1, statuses, begin);
  const stepFunctions = throttledStepFunctions(connection, clock);
  const answer: ListAnswer = {
    since: new Date(begin).toISOString(),
    provisionings: [],
    more: Math.max(0, found.length - options.limit),
    unreadable: [],
  };
  for (const [index, name] of found.slice(0, options.limit).entries()) {
    progress.say('Reading', `${index + 1} of ${Math.min(found.length, options.limit)}`);
    const one = await read(stepFunctions, app1, name, session.propose);
    if (one === undefined) answer.unreadable.push(name);
    else answer.provisionings.push(one);
  }
  session.answer(answer, shownList(answer, session.propose));
  return 'ok';
}

/** Names of the executions that were not over before that time, those that changed last first. */
async function endedOrRunningSince(
  { connection, clock }: Session,
  { state_machine_arn }: App1,
  statuses: readonly ExecutionStatus[],
  begin: number,
): Promise<string[]> {
  const stepFunctions = connection.client(SFNClient);
  // Lists come newest first, by their begin; what began so long before is over before.
  const oldest = begin - timeLimits.provisioning * 1000;
  const found: ExecutionListItem[] = [];
  for (const statusFilter of statuses.length === 0 ? [undefined] : new Set(statuses)) {
    let nextToken: string | undefined;
    let older = false;
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
      found.push(...executions.filter((one) => changedAt(one, clock.now()) >= begin));
      older = executions.some(({ startDate }) => startDate !== undefined && startDate.getTime() < oldest);
      nextToken = page.nextToken;
    } while (nextToken !== undefined && !older);
  }
  return found
    .sort((one, other) => changedAt(other, clock.now()) - changedAt(one, clock.now()))
    .map(({ name = '' }) => name);
}

const changedAt = ({ stopDate }: ExecutionListItem, now: number): number => stopDate?.getTime() ?? now;

/** One of them; `undefined` when it cannot be read, because somebody started it by hand, or is gone by now. */
async function read(
  stepFunctions: Pick<SFNClient, 'send'>,
  app1: App1,
  name: string,
  propose: Propose,
): Promise<ShownProvisioning | undefined> {
  const machines = {
    STATE_MACHINE_ARN: app1.state_machine_arn,
    ROLL_BACK_STATE_MACHINE_ARN: app1.roll_back_state_machine_arn,
  };
  const workflows = {
    stepFunctions,
    machines,
    inputSchema: provisioningInput,
    cleanOutcomes: cleanOutcomes.app1,
  };
  try {
    const found = await describe(stepFunctions, app1.state_machine_arn, name, provisioningInput);
    if (found === undefined) return undefined;
    return shown(await currentStatus(workflows, found), propose, found.parsedInput.retry_of);
  } catch (error) {
    if (error instanceof Error && ['ZodError', 'SyntaxError'].includes(error.name)) return undefined;
    throw error;
  }
}

function shownList({ since: begin, provisionings, more, unreadable }: ListAnswer, propose: Propose): string {
  const parts = provisionings.map(card);
  if (provisionings.length === 0) parts.push(`None since ${at(begin)}.`);
  if (more > 0) parts.push(`… and ${more} more: --limit shows more, --since fewer.`);
  if (unreadable.length > 0)
    parts.push(
      `Not started by App1, or gone by now: ${unreadable.join(', ')} (${propose({ command: 'doctor' })})`,
    );
  return parts.join('\n\n');
}

export const addList = (program: Program, run: Run) =>
  program
    .command('list')
    .summary('which there were, which failed, why, and what to do')
    .description(
      "Lists App1's provisionings, those that changed last first: how each ended, at which step and why it failed, whether something is left behind, and what to do. Shows those of every owner.",
    )
    .option(
      '--status <words>',
      `only these, between commas: ${executionStatus.options.join(', ')}`,
      by(listOf(executionStatus.enum)),
    )
    .option('--failed', `the same as --status ${FAILED.join(',')}`)
    .addOption(
      new Option(
        '--since <time>',
        'only what was running or ended since: 90s, 15m, 1h, 7d, or a point in time',
      )
        .argParser(by(since))
        .default(by(since)('24h'), '24h'),
    )
    .option('--limit <number>', 'show so many at most', by(count), 20)
    .addHelpText(
      'after',
      examples(
        ['what failed in the last hour, and why', 'list --failed --since 1h'],
        [
          'ids of what was stopped today',
          "list --status ABORTED --json | jq -r '.provisionings[].provisioning_id'",
        ],
      ),
    )
    .action((options, command) => run(command, (session) => list(session, options)));
