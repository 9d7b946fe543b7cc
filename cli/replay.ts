import { setTimeout } from 'node:timers/promises';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { Argument, InvalidArgumentError } from '@commander-js/extra-typings';
import * as z from 'zod';
import { services } from '../contracts/services.ts';
import { names } from '../infra/names.ts';
import { newCommand, runOnSystem } from './support/command.ts';
import { listrProgress } from './support/progress.ts';
import { replayArchive } from './support/replay-archive.ts';
import { targetEnvironment, targetEnvironmentOptions } from './target-environment.ts';

const buses = { app1: names.app1Bus, app2: names.app2Bus } as const;

/**
 * `npm run replay -- app1 --from T --to T`: sends the archived events of a time again, to all rules of the service's
 * bus or to one. docs/runbooks/replay-events.md
 */
export async function main(args: string[]): Promise<number> {
  const command = newCommand('replay')
    .description("Sends a service's archived events of a time again.")
    .addArgument(new Argument('<service>', 'whose events').choices(services))
    .requiredOption('--from <time>', 'of the first event: 2026-01-31T22:00:00Z', time)
    .requiredOption('--to <time>', 'after the last event', time)
    .option('--to-rule <name>', 'only to this rule of the bus, not to all');
  const parse = () => {
    command.parse(args, { from: 'user' });
    const { from, to } = command.opts();
    if (from >= to) command.error('error: --from is not before --to.');
  };
  return runOnSystem(parse, async () => {
    const [service] = command.processedArgs;
    const { from, to, toRule, ...rest } = command.opts();
    const { where, client } = targetEnvironment(targetEnvironmentOptions.parse(rest));
    const replay = await listrProgress.run(`Replaying ${buses[service]} on ${where}`, (report) =>
      replayArchive({
        eventBridge: client(EventBridgeClient),
        logs: client(CloudWatchLogsClient),
        clock: { now: Date.now, sleep: setTimeout },
        report,
      })(buses[service], { from, to }, toRule),
    );
    const said =
      replay.events === undefined
        ? `Replayed to ${toRule}; how many events there were, whoever gets them can tell.`
        : `Replayed: ${replay.events} events, as the log has them.`;
    process.stdout.write(`${said}\nreplay-name: ${replay.name}\n`);
    return 0;
  });
}

function time(text: string): Date {
  const read = z.iso.datetime({ offset: true }).safeParse(text);
  if (!read.success) throw new InvalidArgumentError('It must be a time like 2026-01-31T22:00:00Z.');
  return new Date(read.data);
}
