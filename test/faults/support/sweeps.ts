import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  type Rule,
} from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { configuration } from '../../e2e/support/deployed.ts';

/** What starts roll-backs apart from the callers: the rules on status changes, and the schedules of the sweeps. */

const events = new EventBridgeClient(configuration);
const lambda = new LambdaClient(configuration);

const report = z.object({
  failed: z.int(),
  known_clean: z.int(),
  started: z.int(),
  unreadable: z.int(),
  remaining: z.int(),
  high_water_mark: z.string(),
});
export type Report = z.infer<typeof report>;

async function rules(which: (rule: Rule) => boolean): Promise<string[]> {
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  return Rules.filter(which).map(({ Name = '' }) => Name);
}

/** Runs every sweep, as its schedule does: invokes the targets of the schedules. */
export async function runSweeps(): Promise<Report[]> {
  const schedules = await rules(
    ({ ScheduleExpression, State }) => ScheduleExpression !== undefined && State === 'ENABLED',
  );
  const targets = await Promise.all(
    schedules.map(async (Rule) => (await events.send(new ListTargetsByRuleCommand({ Rule }))).Targets ?? []),
  );
  return Promise.all(targets.flat().map(({ Arn = '' }) => runSweep(Arn)));
}

let nextSweep: Promise<Report[]> | undefined;
let running: Promise<unknown> = Promise.resolve();

/** Waits for a sweep that starts after this call. Calls during a sweep share the next one. */
export function runSweepsSoon(): Promise<Report[]> {
  nextSweep ??= running.then(() => {
    nextSweep = undefined;
    const sweep = runSweeps();
    running = sweep.catch(() => undefined);
    return sweep;
  });
  return nextSweep;
}

/** Invokes the function of a service's sweep. @throws Error with its result if the function fails */
export async function runSweep(FunctionName: string): Promise<Report> {
  const { Payload, FunctionError } = await lambda.send(new InvokeCommand({ FunctionName, Payload: '{}' }));
  const result = Buffer.from(Payload ?? []).toString();
  if (FunctionError !== undefined) throw new Error(`The sweep ${FunctionName} failed: ${result}`);
  return report.parse(JSON.parse(result));
}

/** Runs a function while EventBridge delivers no status change: AWS delivers these events on a best-effort basis. */
export async function withoutStatusEvents<Result>(run: () => Promise<Result>): Promise<Result> {
  const onStatus = await rules(({ EventPattern = '' }) => EventPattern.includes('Execution Status Change'));
  await Promise.all(onStatus.map((Name) => events.send(new DisableRuleCommand({ Name }))));
  try {
    return await run();
  } finally {
    await Promise.all(onStatus.map((Name) => events.send(new EnableRuleCommand({ Name }))));
  }
}
