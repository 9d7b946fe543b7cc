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

/** What starts roll-backs beside the callers: the rules on status changes, and the schedules of the sweeps. */

const events = new EventBridgeClient(configuration);
const lambda = new LambdaClient(configuration);

const report = z.object({
  failed: z.int(),
  known_clean: z.int(),
  started: z.int(),
  unreadable: z.int(),
  left: z.int(),
  high_water_mark: z.string(),
});
export type Report = z.infer<typeof report>;

async function rules(which: (rule: Rule) => boolean): Promise<string[]> {
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  return Rules.filter(which).map(({ Name = '' }) => Name);
}

/** Does what the schedules do when their time comes: calls what each of them has as its target. */
export async function sweepNow(): Promise<Report[]> {
  const schedules = await rules(
    ({ ScheduleExpression, State }) => ScheduleExpression !== undefined && State === 'ENABLED',
  );
  const targets = await Promise.all(
    schedules.map(async (Rule) => (await events.send(new ListTargetsByRuleCommand({ Rule }))).Targets ?? []),
  );
  return Promise.all(targets.flat().map(({ Arn = '' }) => sweepOf(Arn)));
}

let next: Promise<Report[]> | undefined;
let running: Promise<unknown> = Promise.resolve();

/** A sweep that begins after this call; those who ask while another one runs share the next. */
export function sweepSoon(): Promise<Report[]> {
  next ??= running.then(() => {
    next = undefined;
    const sweep = sweepNow();
    running = sweep.catch(() => undefined);
    return sweep;
  });
  return next;
}

/** Calls the function of a service's sweep. @throws Error with its answer when it fails */
export async function sweepOf(FunctionName: string): Promise<Report> {
  const { Payload, FunctionError } = await lambda.send(new InvokeCommand({ FunctionName, Payload: '{}' }));
  const answer = Buffer.from(Payload ?? []).toString();
  if (FunctionError !== undefined) throw new Error(`The sweep ${FunctionName} failed: ${answer}`);
  return report.parse(JSON.parse(answer));
}

/** Runs something while EventBridge tells of no status change, as it may happen: these events are best effort. */
export async function withoutStatusEvents<Result>(run: () => Promise<Result>): Promise<Result> {
  const onStatus = await rules(({ EventPattern = '' }) => EventPattern.includes('Execution Status Change'));
  await Promise.all(onStatus.map((Name) => events.send(new DisableRuleCommand({ Name }))));
  try {
    return await run();
  } finally {
    await Promise.all(onStatus.map((Name) => events.send(new EnableRuleCommand({ Name }))));
  }
}
