import { setTimeout } from 'node:timers/promises';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { InvalidArgumentError } from '@commander-js/extra-typings';
import * as z from 'zod';
import { serviceName } from '../contracts/services.ts';
import { outputsOf } from './services.ts';
import { newCommand, runOnSystem } from './support/command.ts';
import { listrProgress } from './support/progress.ts';
import { replayArchive } from './support/replay-archive.ts';
import { targetEnvironment, targetEnvironmentOptions } from './target-environment.ts';
import { by } from './values.ts';

/**
 * `npm run replay -- app1 --from T --to T`: replays the archived events of a period to all rules of the service's bus,
 * or to one rule. docs/runbooks/replay-events.md
 */
export async function main(args: string[]): Promise<number> {
  const command = newCommand('replay')
    .description("Replays a service's archived events of a period.")
    .argument(
      '<service>',
      'the service whose events are replayed: app1, or the name of a target',
      by(serviceName),
    )
    .requiredOption('--from <time>', 'time of the first event, like 2026-01-31T22:00:00Z', time)
    .requiredOption('--to <time>', 'a time after the last event', time)
    .option('--to-rule <name>', 'replay to this rule of the bus only');
  const parse = () => {
    command.parse(args, { from: 'user' });
    const { from, to } = command.opts();
    if (from >= to) command.error('error: --from is not before --to.');
  };
  return runOnSystem(parse, async () => {
    const [service] = command.processedArgs;
    const { from, to, toRule, ...rest } = command.opts();
    const environment = targetEnvironment(targetEnvironmentOptions.parse(rest));
    const { displayName, client } = environment;
    const { event_bus_name: bus } = await outputsOf(environment, service);
    const replay = await listrProgress.run(`Replaying ${bus} on ${displayName}`, (report) =>
      replayArchive({
        eventBridge: client(EventBridgeClient),
        logs: client(CloudWatchLogsClient),
        clock: { now: Date.now, sleep: setTimeout },
        report,
      })(bus, { from, to }, toRule),
    );
    const result =
      replay.events === undefined
        ? `Replayed to ${toRule}. The log of its target contains the events.`
        : `Replayed: ${replay.events} events in the log.`;
    process.stdout.write(`${result}\nreplay-name: ${replay.name}\n`);
    return 0;
  });
}

function time(text: string): Date {
  const read = z.iso.datetime({ offset: true }).safeParse(text);
  if (!read.success) throw new InvalidArgumentError('It must be a time like 2026-01-31T22:00:00Z.');
  return new Date(read.data);
}
